/* SPDX-License-Identifier: Apache-2.0 */
/* The self-test: token_key_probe() of token.h. */
#include "keyholder/errors.h"
#include "keyholder/purpose.h"
#include "keyholder/token_decrypt.h"
#include "keyholder/token_sign.h"

struct probe {
    struct token_key *key;
    enum signature_algorithm signature;
    enum encryption_algorithm encryption;
    enum token_way way; /* out */
};

static enum token_outcome sign_attempt(struct token_use *use, void *context, struct error *err)
{
    const struct probe *probe = context;
    struct digest digest;
    digest_compute(&digest, signature_digest(probe->signature),
                   slice_from_text("a self-test of a key, and nothing else"));
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, probe->key->size);
    return token_sign(&signature, probe->key, use, probe->signature, digest_slice(&digest), err);
}

static enum token_outcome decrypt_attempt(struct token_use *use, void *context, struct error *err)
{
    struct probe *probe = context;
    return token_decrypt_learn(&probe->way, probe->key, use, probe->encryption, err);
}

/*
 * *able: it did it. A token that fails in one thing and is well afterwards does not do that thing;
 * everything else that is wrong ends the self-test.
 */
static bool try(bool *able, struct probe *probe, unsigned worker, token_attempt *attempt,
                struct error *err)
{
    struct error failure = {0};
    *able = token_session_run(probe->key->token, worker, true, attempt, probe, &failure);
    if (*able || failure.code == &token_mechanism)
        return true;
    bool in_doubt = failure.code == &token_failed || failure.code == &token_lost;
    if (in_doubt && token_check(probe->key->token, worker, NULL, NULL))
        return true;
    if (err != NULL)
        *err = failure;
    return false;
}

static bool try_signatures(struct token_abilities *out, struct token_key *key, unsigned worker,
                           struct error *err)
{
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_RSA_PSS_SHA256; algorithm++) {
        struct probe probe = {.key = key, .signature = algorithm};
        bool able = false;
        if (purpose_allows_signature(key->purpose, algorithm) &&
            !try(&able, &probe, worker, sign_attempt, err))
            return false;
        out->signatures |= (uint32_t)able << algorithm;
    }
    return true;
}

static bool try_encryptions(struct token_abilities *out, struct token_key *key, unsigned worker,
                            struct error *err)
{
    for (enum encryption_algorithm algorithm = ENCRYPTION_RSA_OAEP_SHA256;
         algorithm <= ENCRYPTION_RSA_OAEP_SHA1; algorithm++) {
        struct probe probe = {.key = key, .encryption = algorithm};
        bool able = false;
        if (purpose_allows_decryption(key->purpose, algorithm) &&
            !try(&able, &probe, worker, decrypt_attempt, err))
            return false;
        able = able && probe.way != TOKEN_WAY_NONE;
        out->encryptions |= (uint32_t)able << algorithm;
        out->raw |= (uint32_t)(able && probe.way == TOKEN_WAY_RAW) << algorithm;
    }
    return true;
}

static bool check_sufficient(const struct token_abilities *abilities, const struct token_key *key,
                             struct error *err)
{
    if (token_key_signs(key->purpose)) {
        if ((abilities->signatures & 1u << SIGNATURE_RSA_PKCS1_SHA256) != 0)
            return true;
        return error_set(
            err, &token_mechanism, "PKCS#11 mechanisms 2.1.6", key->uri_text,
            "the token makes no RSA PKCS#1 signature of a given digest (CKM_RSA_PKCS)");
    }
    if (abilities->encryptions != 0)
        return true;
    return error_set(err, &token_mechanism, "PKCS#11 mechanisms 2.1.8", key->uri_text,
                     "the token decrypts no OAEP, neither with SHA-256 nor with SHA-1 "
                     "(CKM_RSA_PKCS_OAEP)%s",
                     key->token->raw_rsa ? "" : ", and raw RSA is not allowed");
}

bool token_key_probe(struct token_key *key, unsigned worker, struct token_abilities *out,
                     struct error *err)
{
    struct token_abilities abilities = {0, 0, 0};
    if (!try_signatures(&abilities, key, worker, err) ||
        !try_encryptions(&abilities, key, worker, err) || !check_sufficient(&abilities, key, err))
        return false;
    *out = abilities;
    return true;
}
