/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/guardian.h"

#include "base/memory.h"
#include "crypto/random.h"
#include "protector/document.h"
#include "protector/errors.h"
#include "protector/protector_write.h"

#define CLAUSE "MS-KPS 2.2.2.4"
#define SIGNATURE_MAX 1024
/* A common name has at most 64 characters (RFC 5280 A.1, ub-common-name). */
#define NAME_IN_SUBJECT 50

void guardian_done(struct guardian *guardian)
{
    certificate_free(&guardian->signing);
    certificate_free(&guardian->encryption);
    private_key_free(&guardian->signing_key);
    private_key_free(&guardian->encryption_key);
    buf_done(&guardian->encryption_signature);
}

/* A key pair and its self-signed certificate. */
static bool generate_half(struct private_key **key, struct certificate **certificate,
                          const char *name, const char *half, unsigned usage, int64_t now,
                          struct error *err)
{
    _cleanup_private_key_ struct private_key *made = NULL;
    if (!private_key_generate(&made, PRIVATE_KEY_RSA_2048, err))
        return false;
    _cleanup_free_ char *subject = memory_format("%.*s %s", NAME_IN_SUBJECT, name, half);
    struct certificate_template form = {
        .subject_cn = subject,
        .subject_key = private_key_public(made),
        .not_before = now,
        .not_after = now + (int64_t)GUARDIAN_YEARS * 365 * 86400,
        .usage = usage,
    };
    struct signer signer = signer_of_key(made);
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!certificate_issue(&der, &form, &signer, err) ||
        !certificate_parse(certificate, buf_slice(&der), err))
        return false;
    *key = memory_steal(&made);
    return true;
}

bool guardian_generate(struct guardian *out, const char *name, int64_t now, struct error *err)
{
    _cleanup_guardian_ struct guardian made = {0};
    if (!generate_half(&made.signing_key, &made.signing, name, "signing",
                       CERTIFICATE_DIGITAL_SIGNATURE, now, err) ||
        !generate_half(&made.encryption_key, &made.encryption, name, "encryption",
                       CERTIFICATE_KEY_ENCIPHERMENT | CERTIFICATE_DATA_ENCIPHERMENT, now, err))
        return false;
    *out = made;
    made = (struct guardian){0};
    return true;
}

/* Signatures that are made for a draft live as long as it. */
struct draft_wrappings {
    struct protector_wrapping items[PROTECTOR_WRAPPINGS_MAX];
    size_t count;
    struct buf signatures; /* reserved for two a wrapping, so that it does not move */
};

static void draft_done(struct draft_wrappings *draft)
{
    buf_done(&draft->signatures);
}

static void draft_init(struct draft_wrappings *draft)
{
    size_t room = (size_t)2 * PROTECTOR_WRAPPINGS_MAX * SIGNATURE_MAX;
    *draft = (struct draft_wrappings){0};
    buf_init(&draft->signatures, room);
    buf_reserve(&draft->signatures, room);
}

/* key's signature over a certificate. */
static bool draft_sign(struct protector_signature *out, struct draft_wrappings *draft,
                       const struct private_key *key, const struct certificate *certificate,
                       struct error *err)
{
    struct signer signer = signer_of_key(key);
    enum signature_algorithm algorithm = signer_algorithm(signer.public_key);
    size_t start = draft->signatures.size;
    if (!signer.sign(signer.context, algorithm, certificate_der(certificate), &draft->signatures,
                     err) ||
        !buf_ok(&draft->signatures, "signatures", err))
        return false;
    *out = (struct protector_signature){
        algorithm, slice_of(draft->signatures.data + start, draft->signatures.size - start)};
    return true;
}

static bool same_certificate(const struct certificate *a, const struct certificate *b)
{
    return slice_equal(certificate_der(a), certificate_der(b));
}

static bool wraps_for(const struct protector_wrapping *wrapping, const struct guardian *guardian)
{
    return same_certificate(wrapping->signing_certificate, guardian->signing) ||
           same_certificate(wrapping->encryption_certificate, guardian->encryption);
}

/* A guardian that has another certificate than before is granted beside what it was. */
static bool is_granted(const struct protector_wrapping *wrapping, const struct guardian *guardian)
{
    return same_certificate(wrapping->signing_certificate, guardian->signing) &&
           same_certificate(wrapping->encryption_certificate, guardian->encryption);
}

static uint32_t unused_id(const struct draft_wrappings *draft)
{
    uint32_t id = 1;
    for (size_t i = 0; i < draft->count; i++) {
        if (draft->items[i].id == id) {
            id++;
            i = (size_t)-1; /* from the first again; at most PROTECTOR_WRAPPINGS_MAX times */
        }
    }
    return id;
}

/* A wrapping for guardian, vouched for by owner's signing key. parent NULL: the owner's own. */
static bool draft_add(struct draft_wrappings *draft, const struct guardian *guardian,
                      const struct guardian *owner, const struct protector_wrapping *parent,
                      struct error *err)
{
    if (draft->count == PROTECTOR_WRAPPINGS_MAX)
        return error_set(err, &protector_limit, "protocol.md 3", NULL,
                         "a key protector has at most %d wrappings", PROTECTOR_WRAPPINGS_MAX);
    for (size_t i = 0; i < draft->count; i++) {
        if (is_granted(&draft->items[i], guardian))
            return error_set(err, &protector_granted, CLAUSE,
                             certificate_facts(guardian->signing)->subject_text,
                             "wrapping %u is this guardian's already", draft->items[i].id);
    }
    uint32_t id = unused_id(draft);
    struct protector_wrapping it = {
        .id = id,
        .parent = parent ? parent->id : id,
        .signing_certificate = guardian->signing,
        .encryption_certificate = guardian->encryption,
        .encryption_certificate_signature = {guardian->encryption_signature_algorithm,
                                             buf_slice(&guardian->encryption_signature)},
        .transport_key_algorithm =
            guardian->only_sha1 ? ENCRYPTION_RSA_OAEP_SHA1 : ENCRYPTION_RSA_OAEP_SHA256,
    };
    if (!draft_sign(&it.signing_certificate_signature, draft, owner->signing_key, guardian->signing,
                    err))
        return false;
    if (guardian->signing_key) {
        if (!draft_sign(&it.encryption_certificate_signature, draft, guardian->signing_key,
                        guardian->encryption, err))
            return false;
    } else if (guardian->encryption_signature.size == 0) {
        return error_set(err, &protector_wrapping_invalid, "MS-KPS 2.2.2.13",
                         certificate_facts(guardian->encryption)->subject_text,
                         "the guardian's signature over its encryption certificate is not known: "
                         "import its metadata");
    }
    draft->items[draft->count++] = it;
    return true;
}

static bool draft_write(struct buf *out, const struct draft_wrappings *draft,
                        struct slice transport_key, uint32_t max_offline_unwraps, uint32_t owner_id,
                        const struct guardian *owner, struct error *err)
{
    struct signer signer = signer_of_key(owner->signing_key);
    struct protector_draft written = {
        .wrappings = draft->items,
        .count = draft->count,
        .transport_key = transport_key,
        .max_offline_unwraps = max_offline_unwraps,
        .signer_id = owner_id,
        .signer = &signer,
    };
    return protector_write(out, &written, err);
}

bool protector_create(struct buf *out, struct secret *transport_key, const struct guardian *owner,
                      const struct guardian *const *guardians, size_t count, struct error *err)
{
    if (!owner->signing_key)
        return error_set(err, &protector_owner_key, CLAUSE,
                         certificate_facts(owner->signing)->subject_text,
                         "a key protector is signed by its owner");
    __attribute__((cleanup(draft_done))) struct draft_wrappings draft;
    draft_init(&draft);
    if (!draft_add(&draft, owner, owner, NULL, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!draft_add(&draft, guardians[i], owner, &draft.items[0], err))
            return false;
    }
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    secret_init(&key, PROTECTOR_TRANSPORT_KEY_SIZE);
    random_bytes(key.data, key.size);
    if (!draft_write(out, &draft, secret_slice(&key), 0, draft.items[0].id, owner, err))
        return false;
    *transport_key = key;
    key = SECRET_EMPTY;
    return true;
}

bool protector_unwrap(struct secret *transport_key, const struct protector *protector,
                      const struct guardian *guardian, struct error *err)
{
    const char *name = certificate_facts(guardian->encryption)->subject_text;
    if (!guardian->encryption_key)
        return error_set(err, &protector_owner_key, CLAUSE, name,
                         "the private key of the encryption certificate is not here");
    const struct public_key *public_key = private_key_public(guardian->encryption_key);
    if (!protector_verify(protector, err))
        return false;
    const struct protector_wrapping *wrapping =
        protector_find(protector, public_key_digest(public_key));
    if (!wrapping)
        return error_set(err, &protector_no_wrapping, CLAUSE, name,
                         "none of its %zu wrappings is for this guardian", protector->count);
    _cleanup_secret_ struct secret payload = SECRET_EMPTY;
    bool decrypted =
        private_key_decrypt(&payload, guardian->encryption_key, wrapping->transport_key_algorithm,
                            wrapping->transport_key, NULL);
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    secret_init(&key, PROTECTOR_TRANSPORT_KEY_SIZE);
    protector_payload_key(key.data, decrypted ? &payload : NULL);
    if (!protector_verify_transport_key(protector, secret_slice(&key), err))
        return false;
    *transport_key = key;
    key = SECRET_EMPTY;
    return true;
}

/* The transport key, for its owner alone. */
static bool open_as_owner(struct secret *transport_key, const struct protector *from,
                          const struct guardian *owner, struct error *err)
{
    const char *name = certificate_facts(owner->signing)->subject_text;
    if (!owner->signing_key || !owner->encryption_key)
        return error_set(err, &protector_owner_key, CLAUSE, name,
                         "the private keys of this guardian are not here");
    if (!protector_unwrap(transport_key, from, owner, err))
        return false;
    if (!same_certificate(from->owner->signing_certificate, owner->signing)) {
        secret_done(transport_key);
        return error_set(err, &protector_owner_key, CLAUSE, name,
                         "the owner of this key protector is %s",
                         certificate_facts(from->owner->signing_certificate)->subject_text);
    }
    return true;
}

bool protector_grant(struct buf *out, const struct protector *from, const struct guardian *owner,
                     const struct guardian *guardian, struct error *err)
{
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    if (!open_as_owner(&key, from, owner, err))
        return false;
    __attribute__((cleanup(draft_done))) struct draft_wrappings draft;
    draft_init(&draft);
    memcpy(draft.items, from->wrappings, from->count * sizeof draft.items[0]);
    draft.count = from->count;
    return draft_add(&draft, guardian, owner, from->owner, err) &&
           draft_write(out, &draft, secret_slice(&key), from->max_offline_unwraps, from->owner->id,
                       owner, err);
}

/* Who loses access, and whose wrappings stay all the same. */
struct revocation {
    const struct guardian *guardian, *others;
    size_t count;
};

static bool is_revoked(const struct protector_wrapping *wrapping,
                       const struct revocation *revocation)
{
    if (is_granted(wrapping, revocation->guardian))
        return true;
    for (size_t i = 0; i < revocation->count; i++)
        if (is_granted(wrapping, &revocation->others[i]))
            return false;
    return wraps_for(wrapping, revocation->guardian);
}

/* Whether a revoked wrapping vouched for this one, itself or through others. protector is verified:
 * parents are there and lead to the owner. */
static bool depends_on(const struct protector *protector, const struct protector_wrapping *wrapping,
                       const struct revocation *revocation)
{
    while (!is_revoked(wrapping, revocation)) {
        if (wrapping == protector->owner)
            return false;
        wrapping = protector_by_id(protector, wrapping->parent);
    }
    return true;
}

bool protector_revoke(struct buf *out, const struct protector *from, const struct guardian *owner,
                      const struct guardian *guardian, const struct guardian *others, size_t count,
                      struct error *err)
{
    const struct revocation revocation = {guardian, others, count};
    const char *name = certificate_facts(guardian->signing)->subject_text;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    if (!open_as_owner(&key, from, owner, err))
        return false;
    if (wraps_for(from->owner, guardian))
        return error_set(err, &protector_owner_stays, CLAUSE, name,
                         "this guardian is the owner of the key protector");
    __attribute__((cleanup(draft_done))) struct draft_wrappings draft;
    draft_init(&draft);
    for (size_t i = 0; i < from->count; i++) {
        if (!depends_on(from, &from->wrappings[i], &revocation))
            draft.items[draft.count++] = from->wrappings[i];
    }
    if (draft.count == from->count)
        return error_set(err, &protector_no_wrapping, CLAUSE, name,
                         "this guardian has no access that could be revoked");
    return draft_write(out, &draft, secret_slice(&key), from->max_offline_unwraps, from->owner->id,
                       owner, err);
}
