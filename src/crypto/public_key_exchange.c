/* SPDX-License-Identifier: Apache-2.0 */

/* How a secret reaches the holder of a key in ways that only TPMs want, and signatures that only
 * their makers use. */

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/memory.h"
#include "crypto/errors.h"
#include "crypto/public_key_openssl.h"

static EVP_PKEY_CTX *labelled_context(const struct public_key *key, enum digest_algorithm digest)
{
    EVP_PKEY_CTX *waiting = openssl_idle_take(public_key_idle_labelled(key, digest));
    if (waiting != NULL)
        return waiting;
    const EVP_MD *implementation = openssl_digest(digest);
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_pkey(NULL, public_key_handle(key), NULL);
    if (context == NULL || EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, implementation) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, implementation) != 1)
        return NULL;
    return memory_steal(&context);
}

/* The context owns a copy of the label. */
static bool set_label(EVP_PKEY_CTX *context, struct slice label)
{
    void *copy = OPENSSL_memdup(label.data, label.size);
    if (copy == NULL)
        openssl_abort("label");
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, (int)label.size) == 1)
        return true;
    OPENSSL_free(copy);
    return false;
}

bool public_key_encrypt_labelled(struct buf *out, const struct public_key *key,
                                 enum digest_algorithm digest, struct slice label,
                                 struct slice plain, struct error *err)
{
    if (!public_key_allows_encryption(key, ENCRYPTION_RSA_OAEP_SHA256, err))
        return false;
    size_t size = (size_t)(public_key_bits(key) + 7) / 8;
    if (plain.size == 0 || plain.size + 2 + 2 * digest_size(digest) > size)
        return error_set(err, &crypto_key_unsupported, "RFC 8017 7.1.1", NULL,
                         "an RSA key of %d bits does not encrypt %zu bytes with %s",
                         public_key_bits(key), plain.size, digest_name(digest));
    uint8_t *to = buf_reserve(out, size);
    if (to == NULL)
        return buf_ok(out, "ciphertext", err);
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context = labelled_context(key, digest);
    if (context == NULL || !set_label(context, label) ||
        EVP_PKEY_encrypt(context, to, &size, plain.data, plain.size) != 1)
        return openssl_error(err, "RSA-OAEP encryption");
    buf_added(out, size);
    openssl_idle_put(public_key_idle_labelled(key, digest), memory_steal(&context));
    return true;
}

static EVP_PKEY *make_ephemeral(const struct public_key *key)
{
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_pkey(NULL, public_key_handle(key), NULL);
    EVP_PKEY *ephemeral = NULL;
    if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
        EVP_PKEY_keygen(context, &ephemeral) != 1)
        return NULL;
    return ephemeral;
}

/* The peer is not checked again: it was found to be on its curve when it was parsed, and these
 * curves have no points of small order. */
static bool derive(struct public_key_agreement *out, EVP_PKEY *ephemeral, EVP_PKEY *peer)
{
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, ephemeral, NULL);
    size_t size = sizeof out->shared_x;
    return context != NULL && EVP_PKEY_derive_init(context) == 1 &&
           EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
           EVP_PKEY_derive(context, out->shared_x, &size) == 1 && size == out->field_size;
}

bool public_key_agree(struct public_key_agreement *out, const struct public_key *key,
                      struct error *err)
{
    if (public_key_type(key) != PUBLIC_KEY_P256 && public_key_type(key) != PUBLIC_KEY_P384)
        return error_set(err, &crypto_key_unsupported, NULL, NULL,
                         "keys are agreed on with P-256 and P-384 only");
    struct public_key_agreement made = {.field_size = (size_t)public_key_bits(key) / 8};
    uint8_t point[1 + 2 * PUBLIC_KEY_FIELD_MAX];
    size_t size = 0;
    _cleanup_pkey_ EVP_PKEY *ephemeral = make_ephemeral(key);
    if (ephemeral == NULL || !derive(&made, ephemeral, public_key_handle(key)) ||
        EVP_PKEY_get_octet_string_param(ephemeral, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                        &size) != 1 ||
        size != 1 + 2 * made.field_size) {
        explicit_bzero(&made, sizeof made);
        return openssl_error(err, "key agreement");
    }
    memcpy(made.ephemeral_x, point + 1, made.field_size);
    memcpy(made.ephemeral_y, point + 1 + made.field_size, made.field_size);
    memcpy(made.key_x, public_key_material(key).data + 1, made.field_size);
    *out = made;
    explicit_bzero(&made, sizeof made);
    return true;
}

bool public_key_verify_endorsement(const struct public_key *key,
                                   enum endorsement_signature algorithm, struct slice message,
                                   struct slice signature, struct error *err)
{
    bool rsa = algorithm == ENDORSEMENT_SIGNATURE_RSA_SHA1;
    if (algorithm == ENDORSEMENT_SIGNATURE_NONE || rsa != (public_key_type(key) == PUBLIC_KEY_RSA))
        return error_set(err, &crypto_key_unsupported, NULL, NULL,
                         "the key does not make such signatures");
    struct digest digest;
    digest_compute(&digest, rsa ? DIGEST_SHA1 : DIGEST_SHA512, message);
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_pkey(NULL, public_key_handle(key), NULL);
    if (context == NULL || EVP_PKEY_verify_init(context) != 1 ||
        (rsa && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1) ||
        EVP_PKEY_CTX_set_signature_md(context, openssl_digest(digest.algorithm)) != 1)
        return openssl_error(err, "verification");
    if (signature.size > 0 &&
        EVP_PKEY_verify(context, signature.data, signature.size, digest.value, digest.size) == 1)
        return true;
    ERR_clear_error();
    return error_set(err, &crypto_signature_wrong, NULL, NULL,
                     "the signature was not made by this key over these bytes");
}
