/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_decrypt.h"

#include "crypto/errors.h"
#include "crypto/random.h"
#include "crypto/rsa_padding.h"
#include "keyholder/errors.h"

#define SPECIMEN_SIZE 32

static const char *algorithm_name(enum encryption_algorithm algorithm)
{
    return algorithm == ENCRYPTION_RSA_OAEP_SHA1 ? "OAEP with SHA-1" : "OAEP with SHA-256";
}

static size_t plain_max(const struct token_key *key, enum encryption_algorithm algorithm)
{
    return key->size - 2 -
           2 * digest_size(algorithm == ENCRYPTION_RSA_OAEP_SHA1 ? DIGEST_SHA1 : DIGEST_SHA256);
}

/* One C_Decrypt. *result is the module's; when it is CKR_OK, *out holds no more than most bytes. */
static enum token_outcome call(struct secret *out, size_t most, CK_RV *result,
                               CK_MECHANISM *mechanism, struct token_key *key,
                               struct token_use *use, struct slice ciphertext, struct error *err)
{
    struct token_found found;
    enum token_outcome outcome = token_key_find(&found, key, use, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    use->lost_in = "C_DecryptInit";
    *result = token_call(key->token)->C_DecryptInit(use->session, mechanism, found.handle);
    if (*result != CKR_OK)
        return TOKEN_DONE;
    outcome = token_key_confirm(&found, key, use, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    secret_init(&plain, key->size);
    CK_ULONG size = plain.size;
    use->lost_in = "C_Decrypt";
    *result = token_call(key->token)
                  ->C_Decrypt(use->session, (CK_BYTE *)ciphertext.data, ciphertext.size, plain.data,
                              &size);
    if (*result == CKR_BUFFER_TOO_SMALL)
        use->spoiled = true;
    if (*result != CKR_OK)
        return TOKEN_DONE;
    if (size > most) {
        error_set(err, &token_wrong_answer, "PKCS#11 5.9", key->uri_text,
                  "the token says that a plaintext has %lu bytes, and it has at most %zu", size,
                  most);
        return TOKEN_REFUSED;
    }
    secret_shrink(&plain, size);
    *out = plain;
    plain = SECRET_EMPTY;
    return TOKEN_DONE;
}

static enum token_outcome decrypt_native(struct secret *out, CK_RV *result, struct token_key *key,
                                         struct token_use *use, enum encryption_algorithm algorithm,
                                         struct slice ciphertext, struct error *err)
{
    bool sha1 = algorithm == ENCRYPTION_RSA_OAEP_SHA1;
    CK_RSA_PKCS_OAEP_PARAMS parameters = {.hashAlg = sha1 ? CKM_SHA_1 : CKM_SHA256,
                                          .mgf = sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
                                          .source = CKZ_DATA_SPECIFIED};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
    return call(out, plain_max(key, algorithm), result, &mechanism, key, use, ciphertext, err);
}

/* Modules differ in whether they cut zeros at the front of a number. */
static void widen(struct secret *number, size_t size)
{
    struct secret wide = SECRET_EMPTY;
    secret_init(&wide, size);
    memcpy(wide.data + size - number->size, number->data, number->size);
    secret_done(number);
    *number = wide;
}

static enum token_outcome decrypt_raw(struct secret *out, CK_RV *result, struct token_key *key,
                                      struct token_use *use, enum encryption_algorithm algorithm,
                                      struct slice ciphertext, struct error *err)
{
    CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
    _cleanup_secret_ struct secret padded = SECRET_EMPTY;
    enum token_outcome outcome =
        call(&padded, key->size, result, &mechanism, key, use, ciphertext, err);
    if (outcome != TOKEN_DONE || *result != CKR_OK)
        return outcome;
    widen(&padded, key->size);
    if (!rsa_padding_remove_oaep(out, algorithm, secret_slice(&padded), NULL))
        *result = CKR_ENCRYPTED_DATA_INVALID;
    return TOKEN_DONE;
}

static enum token_outcome decrypt_by(enum token_way way, struct secret *out, CK_RV *result,
                                     struct token_key *key, struct token_use *use,
                                     enum encryption_algorithm algorithm, struct slice ciphertext,
                                     struct error *err)
{
    return way == TOKEN_WAY_RAW ? decrypt_raw(out, result, key, use, algorithm, ciphertext, err)
                                : decrypt_native(out, result, key, use, algorithm, ciphertext, err);
}

/* Has the token decrypt what was encrypted here. *result: CKR_OK, or the module's. */
static enum token_outcome try_way(enum token_way way, CK_RV *result, struct token_key *key,
                                  struct token_use *use, enum encryption_algorithm algorithm,
                                  struct error *err)
{
    uint8_t specimen[SPECIMEN_SIZE];
    random_bytes(specimen, sizeof specimen);
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, key->size);
    if (!public_key_encrypt(&ciphertext, key->public_key, algorithm,
                            slice_of(specimen, sizeof specimen), err))
        return TOKEN_REFUSED;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    enum token_outcome outcome =
        decrypt_by(way, &plain, result, key, use, algorithm, buf_slice(&ciphertext), err);
    bool padding_wrong = way == TOKEN_WAY_RAW && *result == CKR_ENCRYPTED_DATA_INVALID;
    if (outcome != TOKEN_DONE || (*result != CKR_OK && !padding_wrong))
        return outcome;
    if (!padding_wrong && secret_equal(secret_slice(&plain), slice_of(specimen, sizeof specimen)))
        return TOKEN_DONE;
    error_set(err, &token_wrong_answer, "RFC 8017 7.1.2", key->uri_text,
              "what was encrypted to the key's public key (%s) decrypts to something else",
              algorithm_name(algorithm));
    return TOKEN_REFUSED;
}

enum token_outcome token_decrypt_learn(enum token_way *out, struct token_key *key,
                                       struct token_use *use, enum encryption_algorithm algorithm,
                                       struct error *err)
{
    CK_RV result = CKR_OK;
    enum token_outcome outcome = try_way(TOKEN_WAY_NATIVE, &result, key, use, algorithm, err);
    *out = TOKEN_WAY_NATIVE;
    bool unable = token_result_unable(result);
    bool other = result != CKR_OK && token_result_loss(result) == TOKEN_LOSS_NONE;
    if (outcome == TOKEN_DONE && (unable || (other && key->token->raw_rsa))) {
        *out = key->token->raw_rsa ? TOKEN_WAY_RAW : TOKEN_WAY_NONE;
        if (key->token->raw_rsa)
            outcome = try_way(TOKEN_WAY_RAW, &result, key, use, algorithm, err);
        if (outcome == TOKEN_DONE && token_result_unable(result))
            *out = TOKEN_WAY_NONE;
    }
    if (outcome != TOKEN_DONE)
        return outcome;
    if (result != CKR_OK && *out != TOKEN_WAY_NONE)
        return token_session_outcome(use, result, use->lost_in, key->uri_text, err);
    atomic_store(&key->ways[algorithm], *out);
    return TOKEN_DONE;
}

static enum token_outcome choose_way(enum token_way *way, struct token_key *key,
                                     struct token_use *use, enum encryption_algorithm algorithm,
                                     struct error *err)
{
    *way = atomic_load(&key->ways[algorithm]);
    enum token_outcome outcome = TOKEN_DONE;
    if (*way == TOKEN_WAY_UNKNOWN)
        outcome = token_decrypt_learn(way, key, use, algorithm, err);
    if (outcome != TOKEN_DONE || *way != TOKEN_WAY_NONE)
        return outcome;
    error_set(err, &token_mechanism, NULL, key->uri_text, "the token does no %s%s",
              algorithm_name(algorithm),
              key->token->raw_rsa ? "" : ", and raw RSA is not allowed by the configuration");
    return TOKEN_REFUSED;
}

static enum token_outcome failed(struct token_key *key, struct error *err)
{
    error_set(err, &crypto_decryption_failed, NULL, key->uri_text,
              "the ciphertext does not decrypt");
    return TOKEN_REFUSED;
}

/* What says nothing about the ciphertext, because it was not looked at. */
static bool is_lost_for_certain(CK_RV result)
{
    switch (result) {
    case CKR_GENERAL_ERROR:
    case CKR_FUNCTION_FAILED:
    case CKR_FUNCTION_CANCELED:
    case CKR_DEVICE_ERROR:
        return false;
    default:
        return token_result_loss(result) != TOKEN_LOSS_NONE;
    }
}

/* After a decryption failed: is it the ciphertext? */
static enum token_outcome judge(CK_RV result, bool *in_doubt, struct token_key *key,
                                struct token_use *use, enum encryption_algorithm algorithm,
                                struct error *err)
{
    if (result == CKR_ENCRYPTED_DATA_INVALID || result == CKR_ENCRYPTED_DATA_LEN_RANGE)
        return failed(key, err);
    if (is_lost_for_certain(result))
        return token_session_outcome(use, result, use->lost_in, key->uri_text, err);
    /* In doubt before, and the token was well in this session. */
    if (*in_doubt)
        return failed(key, err);
    *in_doubt = true;
    enum token_way way;
    enum token_outcome outcome = token_decrypt_learn(&way, key, use, algorithm, err);
    return outcome == TOKEN_DONE ? failed(key, err) : outcome;
}

enum token_outcome token_decrypt(struct secret *out, bool *in_doubt, struct token_key *key,
                                 struct token_use *use, enum encryption_algorithm algorithm,
                                 struct slice ciphertext, struct error *err)
{
    if (ciphertext.size != key->size)
        return failed(key, err);
    enum token_way way;
    CK_RV result = CKR_OK;
    enum token_outcome outcome = TOKEN_DONE;
    if (*in_doubt)
        outcome = token_decrypt_learn(&way, key, use, algorithm, err);
    if (outcome == TOKEN_DONE)
        outcome = choose_way(&way, key, use, algorithm, err);
    if (outcome == TOKEN_DONE)
        outcome = decrypt_by(way, out, &result, key, use, algorithm, ciphertext, err);
    if (outcome != TOKEN_DONE || result == CKR_OK)
        return outcome;
    return judge(result, in_doubt, key, use, algorithm, err);
}
