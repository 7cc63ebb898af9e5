/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_token.h"

#include <stdio.h>

#include "admin/errors.h"
#include "crypto/errors.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/errors.h"

void certificate_token_key_init(struct certificate_token_key *found)
{
    *found = (struct certificate_token_key){0};
    buf_init(&found->certificate, CERTIFICATE_SIZE_MAX);
}

void certificate_token_key_done(struct certificate_token_key *found)
{
    public_key_free(&found->key);
    buf_done(&found->certificate);
}

bool certificate_token_find(struct certificate_token_key *out,
                            const struct admin_services *services,
                            enum keyprotection_certificate_type type, const char *uri,
                            struct error *err)
{
    struct keyholder_abilities abilities = {0};
    if (!keyprotection_key_uri_check(uri, err) ||
        !services->token_for(services->context, uri, &out->token, err) ||
        !keyholder_token_find(services->keyholder, out->token, certificate_draft_purpose(type), uri,
                              &out->key, &out->certificate, &abilities, err))
        return false;
    out->abilities =
        (struct certificate_abilities){abilities.signatures, abilities.encryptions, abilities.raw};
    return true;
}

bool certificate_token_find_or_make(struct certificate_token_key *out, bool *made,
                                    const struct admin_services *services,
                                    enum keyprotection_certificate_type type, const char *uri,
                                    struct error *err)
{
    struct error cause = {0};
    *made = false;
    if (certificate_token_find(out, services, type, uri, &cause))
        return true;
    if (cause.code != &token_key_missing) {
        *err = cause;
        return false;
    }
    *made = keyholder_token_make(services->keyholder, out->token, certificate_draft_purpose(type),
                                 PRIVATE_KEY_RSA_2048, uri, &out->key, err);
    return *made;
}

static bool check_abilities(const struct certificate_draft *draft,
                            const struct certificate_abilities *abilities, bool only_sha1,
                            struct error *err)
{
    return only_sha1 || !certificate_abilities_only_sha1(abilities) ||
           error_set(err, &certificate_only_sha1, "protocol.md 3", draft->record_key,
                     "its token decrypts OAEP with SHA-1 alone, and owners' programs use SHA-256 "
                     "unless they are told");
}

bool certificate_token_settle(struct certificate_draft *draft,
                              enum keyprotection_certificate_type type,
                              enum keyprotection_certificate_source source,
                              const struct certificate_token_key *found, const char *uri,
                              struct slice der, bool only_sha1, int64_t now, struct error *err)
{
    struct keyprotection_certificate *certificate = &draft->certificate;
    if (der.size == 0)
        der = buf_slice(&found->certificate);
    if (der.size == 0)
        return error_set(err, &token_certificate_missing, "hgsctl(8)", uri,
                         "the token has no certificate of this key: give it by --file CERT");
    if (!certificate_draft_complete(draft, type, der, now, err))
        return false;
    if (memcmp(certificate->key_id, public_key_digest(found->key), KEY_ID_SIZE) != 0)
        return error_set(err, &crypto_key_mismatch, NULL,
                         certificate_facts(certificate->certificate)->subject_text,
                         "the private key of the token is not the one of this certificate");
    certificate->source = source;
    certificate->key_source = KEYPROTECTION_KEY_TOKEN;
    certificate->abilities = found->abilities;
    snprintf(certificate->key_uri, sizeof certificate->key_uri, "%s", uri);
    return check_abilities(draft, &found->abilities, only_sha1, err);
}
