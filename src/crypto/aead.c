/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>

#include "crypto/errors.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

static EVP_CIPHER_CTX *new_context(void)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL)
        openssl_abort("cipher context");
    return context;
}

void aead_encrypt(uint8_t *ciphertext, uint8_t tag[AEAD_TAG_SIZE], struct slice key,
                  const uint8_t nonce[AEAD_NONCE_SIZE], struct slice associated, struct slice plain)
{
    assert(key.size == AEAD_KEY_SIZE && associated.size <= INT_MAX && plain.size <= INT_MAX);
    _cleanup_cipher_ctx_ EVP_CIPHER_CTX *context = new_context();
    int size = 0;
    bool ok = EVP_EncryptInit_ex2(context, openssl_aes_gcm(), key.data, nonce, NULL) == 1;
    if (ok && associated.size > 0)
        ok = EVP_EncryptUpdate(context, NULL, &size, associated.data, (int)associated.size) == 1;
    if (ok && plain.size > 0)
        ok = EVP_EncryptUpdate(context, ciphertext, &size, plain.data, (int)plain.size) == 1;
    uint8_t rest[16];
    ok = ok && EVP_EncryptFinal_ex(context, rest, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, tag) == 1;
    if (!ok)
        openssl_abort("AES-256-GCM");
}

void aead_seal(struct buf *out, struct slice key, struct slice associated, struct slice plain)
{
    uint8_t *sealed = buf_reserve(out, plain.size + AEAD_OVERHEAD);
    if (sealed == NULL)
        return;
    random_bytes(sealed, AEAD_NONCE_SIZE);
    uint8_t *ciphertext = sealed + AEAD_NONCE_SIZE;
    aead_encrypt(ciphertext, ciphertext + plain.size, key, sealed, associated, plain);
    buf_added(out, plain.size + AEAD_OVERHEAD);
}

static bool decryption_failed(struct error *err, const char *clause)
{
    ERR_clear_error();
    return error_set(err, &crypto_decryption_failed, clause, NULL,
                     "the ciphertext does not match its key");
}

/* Writes plain, which may be wrong until this returned true. */
static bool gcm_open(uint8_t *plain, struct slice key, const uint8_t *nonce, const uint8_t *tag,
                     struct slice associated, struct slice ciphertext)
{
    _cleanup_cipher_ctx_ EVP_CIPHER_CTX *context = new_context();
    int size = 0;
    bool ok = EVP_DecryptInit_ex2(context, openssl_aes_gcm(), key.data, nonce, NULL) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, (void *)tag) == 1;
    if (!ok)
        openssl_abort("AES-256-GCM");
    if (associated.size > 0)
        ok = EVP_DecryptUpdate(context, NULL, &size, associated.data, (int)associated.size) == 1;
    if (ok && ciphertext.size > 0)
        ok = EVP_DecryptUpdate(context, plain, &size, ciphertext.data, (int)ciphertext.size) == 1;
    uint8_t rest[16];
    return ok && EVP_DecryptFinal_ex(context, rest, &size) == 1;
}

bool aead_decrypt(struct secret *out, struct slice key, const uint8_t nonce[AEAD_NONCE_SIZE],
                  const uint8_t tag[AEAD_TAG_SIZE], struct slice associated,
                  struct slice ciphertext, struct error *err)
{
    assert(key.size == AEAD_KEY_SIZE);
    if (associated.size > INT_MAX || ciphertext.size > INT_MAX)
        return decryption_failed(err, "SP 800-38D");
    struct secret plain;
    secret_init(&plain, ciphertext.size);
    if (!gcm_open(plain.data, key, nonce, tag, associated, ciphertext)) {
        secret_done(&plain);
        return decryption_failed(err, "SP 800-38D");
    }
    *out = plain;
    return true;
}

bool aead_open(struct secret *out, struct slice key, struct slice associated, struct slice sealed,
               struct error *err)
{
    if (sealed.size < AEAD_OVERHEAD)
        return decryption_failed(err, "SP 800-38D");
    const uint8_t *ciphertext = sealed.data + AEAD_NONCE_SIZE;
    size_t size = sealed.size - AEAD_OVERHEAD;
    return aead_decrypt(out, key, sealed.data, ciphertext + size, associated,
                        slice_of(ciphertext, size), err);
}

#define WRAP_BLOCK 8
#define WRAP_SIZE_MAX 65536

void aead_key_wrap(struct buf *out, struct slice key, struct slice key_to_wrap)
{
    assert(key.size == AEAD_KEY_SIZE);
    assert(key_to_wrap.size >= 2 * WRAP_BLOCK && key_to_wrap.size % WRAP_BLOCK == 0 &&
           key_to_wrap.size <= WRAP_SIZE_MAX);
    size_t wrapped = key_to_wrap.size + WRAP_BLOCK;
    uint8_t *to = buf_reserve(out, wrapped);
    if (to == NULL)
        return;
    _cleanup_cipher_ctx_ EVP_CIPHER_CTX *context = new_context();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    int size = 0;
    if (EVP_EncryptInit_ex2(context, openssl_aes_wrap(), key.data, NULL, NULL) != 1 ||
        EVP_EncryptUpdate(context, to, &size, key_to_wrap.data, (int)key_to_wrap.size) != 1 ||
        (size_t)size != wrapped)
        openssl_abort("AES-256 key wrap");
    buf_added(out, wrapped);
}

bool aead_key_unwrap(struct secret *out, struct slice key, struct slice wrapped, struct error *err)
{
    assert(key.size == AEAD_KEY_SIZE);
    if (wrapped.size < 3 * WRAP_BLOCK || wrapped.size % WRAP_BLOCK != 0 ||
        wrapped.size > WRAP_SIZE_MAX)
        return decryption_failed(err, "RFC 3394 2.2.2");
    /* OpenSSL wants room for the whole input while it works. */
    struct secret plain;
    secret_init(&plain, wrapped.size);
    _cleanup_cipher_ctx_ EVP_CIPHER_CTX *context = new_context();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_DecryptInit_ex2(context, openssl_aes_wrap(), key.data, NULL, NULL) != 1)
        openssl_abort("AES-256 key wrap");
    int size = 0;
    if (EVP_DecryptUpdate(context, plain.data, &size, wrapped.data, (int)wrapped.size) != 1 ||
        (size_t)size != wrapped.size - WRAP_BLOCK) {
        secret_done(&plain);
        return decryption_failed(err, "RFC 3394 2.2.2");
    }
    secret_shrink(&plain, (size_t)size);
    *out = plain;
    return true;
}
