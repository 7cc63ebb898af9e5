/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_draft.h"

#include <stdio.h>

#include "admin/certificate_proof.h"
#include "base/hex.h"

#define YEAR (365 * 86400LL)
#define BACKDATED 300 /* seconds, for hosts whose clocks are behind */
/* A service's name may be longer than what fits before " communications" into a common name. */
#define NAME_SHOWN (CERTIFICATE_CN_MAX - 15)

enum key_purpose certificate_draft_purpose(enum keyprotection_certificate_type type)
{
    switch (type) {
    case KEYPROTECTION_SIGNING:
        return KEY_PURPOSE_GUARDIAN_SIGNING;
    case KEYPROTECTION_ENCRYPTION:
        return KEY_PURPOSE_GUARDIAN_ENCRYPTION;
    case KEYPROTECTION_COMMUNICATIONS:
        break;
    }
    return KEY_PURPOSE_COMMUNICATIONS;
}

void certificate_draft_init(struct certificate_draft *draft)
{
    *draft = (struct certificate_draft){0};
    buf_init(&draft->sealed, KEYHOLDER_SEALED_MAX);
}

void certificate_draft_done(struct certificate_draft *draft)
{
    keyprotection_certificate_done(&draft->certificate);
    buf_done(&draft->sealed);
}

/* Takes the certificate's bytes and fills in what follows from them. */
static bool settle(struct certificate_draft *draft, enum keyprotection_certificate_type type,
                   enum keyprotection_certificate_source source, struct slice der, int64_t now,
                   struct error *err)
{
    struct keyprotection_certificate *certificate = &draft->certificate;
    certificate->type = type;
    certificate->source = source;
    certificate->added = now;
    certificate->enabled = true;
    if (!certificate_parse(&certificate->certificate, der, err))
        return false;
    const struct public_key *key = certificate_key(certificate->certificate);
    memcpy(certificate->key_id, public_key_digest(key), KEY_ID_SIZE);
    hex_format(slice_of(certificate->key_id, KEY_ID_SIZE), draft->key_name);
    keyprotection_certificate_record_key(
        type, certificate_facts(certificate->certificate)->thumbprint, draft->record_key);
    return true;
}

bool certificate_draft_generate(struct certificate_draft *draft,
                                enum keyprotection_certificate_type type, const char *name,
                                const struct certificate_draft *issuer, struct keyholder *keyholder,
                                int64_t now, struct error *err)
{
    char subject[CERTIFICATE_CN_MAX + 1];
    _cleanup_public_key_ struct public_key *key = NULL;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    snprintf(subject, sizeof subject, "%.*s %s", NAME_SHOWN, name,
             keyprotection_certificate_type_name(type));
    if (!keyholder_generate(keyholder, certificate_draft_purpose(type), PRIVATE_KEY_RSA_2048, &key,
                            &draft->sealed, err) ||
        !keyholder_load(keyholder, buf_slice(&draft->sealed), NULL, err))
        return false;
    struct certificate_template template = {
        .subject_cn = subject,
        .subject_key = key,
        .issuer = issuer != NULL ? issuer->certificate.certificate : NULL,
        .not_before = now - BACKDATED,
        .not_after = now + CERTIFICATE_DRAFT_YEARS * YEAR,
        .usage = keyprotection_certificate_type_usage(type)};
    struct keyholder_key signing_key = {
        keyholder, issuer != NULL ? certificate_key(issuer->certificate.certificate) : key};
    struct signer signer = keyholder_signer(&signing_key);
    if (certificate_issue(&der, &template, &signer, err) &&
        settle(draft, type, KEYPROTECTION_GENERATED, buf_slice(&der), now, err))
        return true;
    keyholder_forget(keyholder, public_key_digest(key), NULL);
    return false;
}

bool certificate_draft_import(struct certificate_draft *draft,
                              enum keyprotection_certificate_type type,
                              enum keyprotection_certificate_source source, int meeting_fd,
                              struct keyholder *keyholder, int64_t now, struct error *err)
{
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    return keyholder_import(keyholder, certificate_draft_purpose(type), meeting_fd, &der,
                            &draft->sealed, err) &&
           settle(draft, type, source, buf_slice(&der), now, err) &&
           keyprotection_certificate_check(type, draft->certificate.certificate, err);
}

bool certificate_draft_complete(struct certificate_draft *draft,
                                enum keyprotection_certificate_type type, struct slice der,
                                int64_t now, struct error *err)
{
    return settle(draft, type, KEYPROTECTION_REQUESTED, der, now, err) &&
           keyprotection_certificate_check(type, draft->certificate.certificate, err);
}

bool certificate_draft_refer(struct certificate_draft *draft,
                             enum keyprotection_certificate_type type, struct slice thumbprint,
                             struct keyholder *keyholder, int64_t now, struct error *err)
{
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    draft->certificate.key_source = KEYPROTECTION_KEY_FILE;
    return keyholder_reference(keyholder, certificate_draft_purpose(type), thumbprint, &der, err) &&
           settle(draft, type, KEYPROTECTION_THUMBPRINT, buf_slice(&der), now, err) &&
           keyprotection_certificate_check(type, draft->certificate.certificate, err);
}

bool certificate_draft_prove(const struct certificate_draft *draft, struct keyholder *keyholder,
                             struct error *err)
{
    return (draft->sealed.size == 0 ||
            keyholder_load(keyholder, buf_slice(&draft->sealed), NULL, err)) &&
           certificate_proof(&draft->certificate, keyholder, err);
}

size_t certificate_draft_changes(struct store_change changes[CERTIFICATE_DRAFT_CHANGES],
                                 const struct certificate_draft *draft, struct buf *value)
{
    keyprotection_certificate_format(value, &draft->certificate);
    changes[0] = (struct store_change){.kind = STORE_CERTIFICATE,
                                       .key = draft->record_key,
                                       .value = buf_slice(value),
                                       .expected = STORE_ABSENT};
    if (draft->sealed.size == 0)
        return 1;
    changes[1] = (struct store_change){.kind = STORE_KEY,
                                       .key = draft->key_name,
                                       .value = buf_slice(&draft->sealed),
                                       .expected = STORE_ANY};
    return 2;
}
