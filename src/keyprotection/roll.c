/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/roll.h"

#include "base/hex.h"
#include "base/memory.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/errors.h"
#include "keyprotection/message.h"
#include "protector/errors.h"
#include "protector/protector.h"

#include <stdio.h>
#include <stdlib.h>

#define CLAUSE "MS-KPS 3.1.5.1.1.3"
#define KEY_SIZE 32
/* Of a host's name in the audit trail: ours have 64. */
#define HOST_MAX 128

void roll_facts_done(struct roll_facts *facts)
{
    free(facts->host);
    facts->host = NULL;
}

void roll_done(struct rolling *rolling)
{
    roll_request_done(&rolling->request);
    certificate_free(&rolling->health);
    protector_free(&rolling->ingress);
    secret_done(&rolling->payload);
    secret_done(&rolling->ingress_key);
    secret_done(&rolling->egress_key);
}

static bool check_health(struct rolling *rolling, struct error *err)
{
    const struct roll_resources *resources = rolling->resources;
    const struct keyprotection_snapshot *snapshot = resources->snapshot;
    struct error cause = {0};
    if (!certificate_cache_parse(&rolling->health, resources->certificates,
                                 buf_slice(&rolling->request.health_certificate), &cause))
        return error_set(err, &health_malformed, CLAUSE, NULL, "%s", cause.message);
    const struct certificate_facts *facts = certificate_facts(rolling->health);
    /* A health certificate's subject is a single CN (protocol.md 2.4). */
    const char *subject = facts->subject_text;
    rolling->facts->host =
        memory_format("%.*s", HOST_MAX, strncmp(subject, "CN=", 3) ? subject : subject + 3);
    memcpy(rolling->facts->health_thumbprint, facts->thumbprint, 32);
    rolling->facts->has_health = true;
    bool good =
        health_check(rolling->health, snapshot->signers, snapshot->signer_count,
                     snapshot->deny_all_before, resources->now, resources->verifications, &cause);
    rolling->facts->host_trusted = cause.code != &health_untrusted;
    if (!good && err)
        *err = cause;
    return good;
}

static bool check_protector(struct rolling *rolling, struct error *err)
{
    struct slice document = buf_slice(&rolling->request.ingress_protector);
    rolling->facts->has_ingress = true;
    if (!protector_parse(&rolling->ingress, document, rolling->resources->certificates, err)) {
        digest_sha256(rolling->facts->ingress_digest, document);
        return false;
    }
    memcpy(rolling->facts->ingress_digest, protector_digest(rolling->ingress), 32);
    return protector_verify_cached(rolling->ingress, rolling->resources->verifications, err);
}

/* The wrapping that asks for this certificate; NULL when none does. */
static const struct protector_wrapping *find_wrapping(const struct protector *protector,
                                                      const struct keyprotection_certificate *ours)
{
    return ours->type == KEYPROTECTION_SIGNING ? protector_find_signing(protector, ours->key_id)
                                               : protector_find(protector, ours->key_id);
}

/* "it names 5f2c… and 1 more": those of the guardians, one of which was ours. */
static void name_certificates(char *text, size_t size, const struct protector *protector,
                              enum keyprotection_certificate_type type)
{
    const struct protector_wrapping *owner = protector_owner(protector);
    const struct protector_wrapping *first = NULL;
    size_t others = protector_wrapping_count(protector) - 1;
    char thumbprint[2 * DIGEST_SHA256_SIZE + 1];
    for (size_t i = 0; first == NULL && i < protector_wrapping_count(protector); i++)
        if (protector_wrapping(protector, i) != owner)
            first = protector_wrapping(protector, i);
    if (first == NULL) {
        snprintf(text, size, "its only wrapping is the owner's");
        return;
    }
    const struct certificate *named =
        type == KEYPROTECTION_SIGNING ? first->signing_certificate : first->encryption_certificate;
    hex_format(slice_of(certificate_facts(named)->thumbprint, DIGEST_SHA256_SIZE), thumbprint);
    int used = snprintf(text, size, "it asks for %s", thumbprint);
    if (others > 1)
        snprintf(text + used, size - (size_t)used, " and %zu more", others - 1);
}

static void note_wrapping(struct rolling *rolling, const struct protector_wrapping *wrapping)
{
    const struct protector_wrapping *owner = protector_owner(rolling->ingress);
    struct roll_facts *facts = rolling->facts;
    memcpy(facts->owner_thumbprint, certificate_facts(owner->signing_certificate)->thumbprint, 32);
    memcpy(facts->encryption_thumbprint,
           certificate_facts(wrapping->encryption_certificate)->thumbprint, 32);
    facts->has_wrapping = true;
}

/* No enabled certificate of a type serves the protector. What the owner can do about it differs
 * with whether a disabled one would. */
static bool refuse_wrappings(struct rolling *rolling, enum keyprotection_certificate_type type,
                             const struct error_code *gone, struct error *err)
{
    const struct keyprotection_snapshot *snapshot = rolling->resources->snapshot;
    const char *name = keyprotection_certificate_type_name(type);
    char text[256];
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        const struct keyprotection_certificate *ours = &snapshot->certificates[i].it;
        const struct protector_wrapping *wrapping =
            ours->type == type ? find_wrapping(rolling->ingress, ours) : NULL;
        if (wrapping == NULL)
            continue;
        note_wrapping(rolling, wrapping);
        hex_format(slice_of(certificate_facts(ours->certificate)->thumbprint, DIGEST_SHA256_SIZE),
                   text);
        return error_set(err, &keyprotection_disabled, CLAUSE, text,
                         "the key protector asks for this %s certificate, which is disabled here",
                         name);
    }
    name_certificates(text, sizeof text, rolling->ingress, type);
    return error_set(err, gone, CLAUSE, NULL,
                     "none of its %zu wrappings is for %s %s certificate of this service: %s",
                     protector_wrapping_count(rolling->ingress),
                     type == KEYPROTECTION_SIGNING ? "a" : "an", name, text);
}

/* Who signs the egress protector: our primary signing certificate when it has a wrapping, else
 * another that is still ours and has; and the next such one. */
static bool next_signer(struct rolling *rolling)
{
    const struct keyprotection_certificate *ours;
    const struct protector_wrapping *wrapping = NULL;
    while (!wrapping &&
           (ours = keyprotection_snapshot_certificate(
                rolling->resources->snapshot, KEYPROTECTION_SIGNING, rolling->signers_seen))) {
        wrapping = find_wrapping(rolling->ingress, ours);
        rolling->signers_seen++;
    }
    if (wrapping)
        rolling->signer = wrapping;
    return wrapping != NULL;
}

static bool choose_signer(struct rolling *rolling, struct error *err)
{
    return next_signer(rolling) ||
           refuse_wrappings(rolling, KEYPROTECTION_SIGNING, &keyprotection_guardian_gone, err);
}

/* The next wrapping that is for a certificate of ours, and that one's key id; NULL: no more. */
static const struct protector_wrapping *next_wrapping(const struct rolling *rolling, size_t *index,
                                                      const uint8_t **key_id)
{
    const struct keyprotection_certificate *ours;
    const struct protector_wrapping *wrapping = NULL;
    while (!wrapping && (ours = keyprotection_snapshot_certificate(
                             rolling->resources->snapshot, KEYPROTECTION_ENCRYPTION, *index))) {
        wrapping = find_wrapping(rolling->ingress, ours);
        *key_id = ours->key_id;
        (*index)++;
    }
    return wrapping;
}

static bool check_wrapping(struct rolling *rolling, struct error *err)
{
    size_t index = 0;
    const uint8_t *key_id;
    return next_wrapping(rolling, &index, &key_id) ||
           refuse_wrappings(rolling, KEYPROTECTION_ENCRYPTION, &protector_no_wrapping, err);
}

/* Whether the next wrapping is worth a try: this one's key is not here, or its token fails. */
static bool is_passed_over(struct keyholder *keyholder, const uint8_t *key_id,
                           const struct error *cause)
{
    return cause->code == &keyholder_key_unknown ||
           (keyholder_token_failed(cause) && keyholder_token_has(keyholder, key_id));
}

/* Of several failures the one that is told: that of a key that will be there again. */
static void note_failure(struct error *told, const struct error *cause)
{
    if (told->code == NULL || error_kind(told) != ERROR_UNAVAILABLE)
        *told = *cause;
}

/*
 * Signs the egress protector, and opens the ingress one in the same message to the keyholder: each
 * message costs as much as what a roll encrypts. So it is signed before the ingress protector's
 * last signature is checked; what does not stand that check is not sent to anybody.
 */
static bool open_and_sign(void *context, enum signature_algorithm algorithm, struct slice message,
                          struct buf *out, struct error *err)
{
    struct rolling *rolling = context;
    struct keyholder_roll roll = {
        .signing_key_id = public_key_digest(certificate_key(rolling->signer->signing_certificate)),
        .signature = algorithm,
        .message = message,
    };
    const struct protector_wrapping *wrapping;
    struct error first = {0}, cause = {0};
    size_t index = 0;
    if (rolling->tried)
        return keyholder_sign(rolling->resources->keyholder, roll.signing_key_id, algorithm,
                              message, out, err);
    while ((wrapping = next_wrapping(rolling, &index, &roll.decrypting_key_id))) {
        note_wrapping(rolling, wrapping);
        roll.encryption = wrapping->transport_key_algorithm;
        roll.ciphertext = wrapping->transport_key;
        if (keyholder_roll(rolling->resources->keyholder, &roll, &rolling->payload,
                           &rolling->opened, out, &cause))
            return true;
        note_failure(&first, &cause);
        if (!is_passed_over(rolling->resources->keyholder, roll.decrypting_key_id, &cause))
            break;
    }
    if (err)
        *err = first;
    return false;
}

static bool write_egress(struct roll_response *response, struct rolling *rolling, struct error *err)
{
    uint32_t unwraps = protector_max_offline_unwraps(rolling->ingress);
    if (unwraps > rolling->resources->snapshot->max_offline_unwraps)
        unwraps = rolling->resources->snapshot->max_offline_unwraps;
    struct signer signer = {open_and_sign, rolling,
                            certificate_key(rolling->signer->signing_certificate)};
    return protector_reseal(&response->egress_protector, rolling->ingress,
                            secret_slice(&rolling->egress_key), unwraps, rolling->signer->id,
                            &signer, err);
}

/* By the first signer whose key is here: which one it is that fails, a message does not tell. */
static bool write_by_any(struct roll_response *response, struct rolling *rolling, struct error *err)
{
    struct error first = {0}, cause = {0};
    secret_init(&rolling->egress_key, PROTECTOR_TRANSPORT_KEY_SIZE);
    random_bytes(rolling->egress_key.data, rolling->egress_key.size);
    do {
        const uint8_t *signing_key =
            public_key_digest(certificate_key(rolling->signer->signing_certificate));
        buf_reset(&response->egress_protector);
        if (write_egress(response, rolling, &cause))
            return true;
        if (first.code == NULL)
            first = cause;
        if (!is_passed_over(rolling->resources->keyholder, signing_key, &cause))
            break;
    } while (next_signer(rolling));
    if (err)
        *err = first;
    return false;
}

/* The ingress protector's last signature, by the key that was in the payload. */
static bool unwrap(struct rolling *rolling, struct error *err)
{
    secret_init(&rolling->ingress_key, PROTECTOR_TRANSPORT_KEY_SIZE);
    protector_payload_key(rolling->ingress_key.data, rolling->opened ? &rolling->payload : NULL);
    return protector_verify_transport_key(rolling->ingress, secret_slice(&rolling->ingress_key),
                                          err);
}

/* Transfer key to the health certificate, wrapping key to the transfer key, transport keys to the
 * wrapping key. */
static bool encrypt_keys(struct roll_response *response, struct rolling *rolling, unsigned version,
                         struct error *err)
{
    _cleanup_secret_ struct secret transfer = SECRET_EMPTY, wrapping = SECRET_EMPTY;
    secret_init(&transfer, KEY_SIZE);
    secret_init(&wrapping, KEY_SIZE);
    random_bytes(transfer.data, KEY_SIZE);
    random_bytes(wrapping.data, KEY_SIZE);
    if (!public_key_encrypt(&response->encrypted_transfer_key, certificate_key(rolling->health),
                            rolling->request.transfer_key_algorithm, secret_slice(&transfer), err))
        return false;
    aead_key_wrap(&response->encrypted_wrapping_key, secret_slice(&transfer),
                  secret_slice(&wrapping));
    struct slice keys[] = {secret_slice(&rolling->ingress_key), secret_slice(&rolling->egress_key)};
    _cleanup_buf_ struct buf payload;
    buf_init_secret(&payload, 256);
    protector_payload_format(&payload, version, keys, 2);
    aead_seal(&response->encrypted_transport_keys, secret_slice(&wrapping), SLICE_EMPTY,
              buf_slice(&payload));
    return true;
}

bool roll_begin(struct rolling *rolling, const struct roll_resources *resources,
                struct roll_facts *facts, struct slice request, struct error *err)
{
    *rolling = (struct rolling){.resources = resources, .facts = facts};
    return roll_request_parse(&rolling->request, request, err) && check_health(rolling, err) &&
           check_protector(rolling, err) && choose_signer(rolling, err) &&
           check_wrapping(rolling, err);
}

unsigned roll_token(const struct rolling *rolling)
{
    struct keyholder *keyholder = rolling->resources->keyholder;
    size_t index = 0;
    const uint8_t *key_id;
    if (keyholder_token_count(keyholder) == 0 || !next_wrapping(rolling, &index, &key_id))
        return 0;
    unsigned token = keyholder_token_of(keyholder, key_id);
    return token != 0 ? token : roll_signing_token(rolling);
}

unsigned roll_signing_token(const struct rolling *rolling)
{
    const struct public_key *signing = certificate_key(rolling->signer->signing_certificate);
    return keyholder_token_of(rolling->resources->keyholder, public_key_digest(signing));
}

bool roll_open(struct rolling *rolling, struct error *err)
{
    struct keyholder *keyholder = rolling->resources->keyholder;
    const struct protector_wrapping *wrapping;
    struct error first = {0}, cause = {0};
    const uint8_t *key_id;
    size_t index = 0;
    while ((wrapping = next_wrapping(rolling, &index, &key_id))) {
        note_wrapping(rolling, wrapping);
        rolling->opened = keyholder_decrypt(keyholder, key_id, wrapping->transport_key_algorithm,
                                            wrapping->transport_key, &rolling->payload, &cause);
        rolling->tried = rolling->opened || error_kind(&cause) == ERROR_CRYPTO;
        if (rolling->tried)
            return true;
        note_failure(&first, &cause);
        if (!is_passed_over(keyholder, key_id, &cause))
            break;
    }
    if (err)
        *err = first;
    return false;
}

bool roll_finish(struct buf *out, struct rolling *rolling, unsigned version, struct error *err)
{
    _cleanup_roll_response_ struct roll_response response;
    roll_response_init(&response);
    if (!write_by_any(&response, rolling, err) || !unwrap(rolling, err) ||
        !encrypt_keys(&response, rolling, version, err))
        return false;
    digest_sha256(rolling->facts->egress_digest, buf_slice(&response.egress_protector));
    rolling->facts->has_egress = true;
    roll_response_format(out, &response);
    if (!buf_ok(out, "response", err))
        return false;
    if (rolling->resources->usage != NULL)
        usage_note(rolling->resources->usage, rolling->resources->snapshot, rolling->ingress,
                   secret_slice(&rolling->ingress_key), secret_slice(&rolling->egress_key));
    return true;
}

bool roll_transport_key(struct buf *out, struct roll_facts *facts,
                        const struct roll_resources *resources, unsigned version,
                        struct slice request, struct error *err)
{
    struct rolling rolling;
    bool ok = roll_begin(&rolling, resources, facts, request, err) &&
              roll_finish(out, &rolling, version, err);
    roll_done(&rolling);
    return ok;
}
