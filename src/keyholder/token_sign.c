/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_sign.h"

#include "keyholder/errors.h"
#include "keyholder/purpose.h"

#define SIGNATURE_MAX 1024 /* bytes: 8192 bits */

/* RFC 8017 9.2, note 1: what stands before the digest in a DER DigestInfo. */
struct prefix {
    enum signature_algorithm algorithm;
    uint8_t bytes[19];
};
static const struct prefix prefixes[] = {
    {SIGNATURE_RSA_PKCS1_SHA256,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
      0x05, 0x00, 0x04, 0x20}},
    {SIGNATURE_RSA_PKCS1_SHA384,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
      0x05, 0x00, 0x04, 0x30}},
    {SIGNATURE_RSA_PKCS1_SHA512,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
      0x05, 0x00, 0x04, 0x40}},
};

/* A mechanism and what it signs. */
struct work {
    CK_MECHANISM mechanism;
    CK_RSA_PKCS_PSS_PARAMS pss;
    uint8_t data[sizeof prefixes[0].bytes + DIGEST_SIZE_MAX];
    size_t size;
};

static void prepare_pss(struct work *work, struct slice digest)
{
    work->pss = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, DIGEST_SHA256_SIZE};
    work->mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &work->pss, sizeof work->pss};
    memcpy(work->data, digest.data, digest.size);
    work->size = digest.size;
}

/* False for what no RSA key signs. */
static bool prepare(struct work *work, enum signature_algorithm algorithm, struct slice digest)
{
    if (algorithm == SIGNATURE_RSA_PSS_SHA256) {
        prepare_pss(work, digest);
        return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const struct prefix *prefix = &prefixes[i];
        if (prefix->algorithm != algorithm)
            continue;
        work->mechanism = (CK_MECHANISM){CKM_RSA_PKCS, NULL, 0};
        memcpy(work->data, prefix->bytes, sizeof prefix->bytes);
        memcpy(work->data + sizeof prefix->bytes, digest.data, digest.size);
        work->size = sizeof prefix->bytes + digest.size;
        return true;
    }
    return false;
}

static enum token_outcome judge(struct token_key *key, struct token_use *use,
                                enum signature_algorithm algorithm, CK_RV result,
                                const char *function, struct error *err)
{
    if (result == CKR_KEY_FUNCTION_NOT_PERMITTED) {
        error_set(err, &token_key_usage, NULL, key->uri_text,
                  "the token does not let the key sign; also a key for %s needs CKA_SIGN, for its "
                  "own certificate request",
                  purpose_name(key->purpose));
        return TOKEN_REFUSED;
    }
    if (!token_result_unable(result))
        return token_session_outcome(use, result, function, key->uri_text, err);
    char name[TOKEN_RESULT_NAME_SIZE];
    error_set(err, &token_mechanism, NULL, key->uri_text, "%s for %s answered %s", function,
              signature_name(algorithm), token_result_name(result, name));
    return TOKEN_REFUSED;
}

static enum token_outcome sign(uint8_t signature[SIGNATURE_MAX], CK_ULONG *size,
                               struct token_key *key, struct token_use *use, struct work *work,
                               enum signature_algorithm algorithm, struct error *err)
{
    struct token_found found;
    enum token_outcome outcome = token_key_find(&found, key, use, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    CK_RV result = token_call(key->token)->C_SignInit(use->session, &work->mechanism, found.handle);
    if (result != CKR_OK)
        return judge(key, use, algorithm, result, "C_SignInit", err);
    outcome = token_key_confirm(&found, key, use, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    *size = key->size;
    result = token_call(key->token)->C_Sign(use->session, work->data, work->size, signature, size);
    /* It is long enough; and the operation goes on in the session. */
    if (result == CKR_BUFFER_TOO_SMALL)
        use->spoiled = true;
    return judge(key, use, algorithm, result, "C_Sign", err);
}

enum token_outcome token_sign(struct buf *out, struct token_key *key, struct token_use *use,
                              enum signature_algorithm algorithm, struct slice digest,
                              struct error *err)
{
    struct work work;
    uint8_t signature[SIGNATURE_MAX];
    CK_ULONG size = 0;
    if (digest.size != digest_size(signature_digest(algorithm)) ||
        !prepare(&work, algorithm, digest)) {
        error_set(err, &token_mechanism, NULL, key->uri_text, "no RSA key makes such a signature");
        return TOKEN_REFUSED;
    }
    enum token_outcome outcome = sign(signature, &size, key, use, &work, algorithm, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    if (size != key->size || !public_key_verify_digest(key->public_key, algorithm, digest,
                                                       slice_of(signature, size), NULL)) {
        error_set(err, &token_wrong_answer, "RFC 8017 8", key->uri_text,
                  "a signature (%s, %lu bytes) does not verify with the key's public key",
                  signature_name(algorithm), size);
        return TOKEN_REFUSED;
    }
    buf_append(out, slice_of(signature, size));
    return TOKEN_DONE;
}
