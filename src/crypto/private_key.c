/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/private_key.h"

#include <openssl/err.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "crypto/errors.h"
#include "crypto/private_key_openssl.h"

#define PKCS8_SIZE_MAX 16384

/*
 * What one thread works with: a copy of the key and its contexts. Threads that share an RSA key
 * wait for each other at its blinding, and contexts are for one thread anyhow.
 */
struct worker {
    EVP_PKEY *key;
    EVP_PKEY_CTX *sign[SIGNATURE_ECDSA_SHA384 + 1];
    EVP_PKEY_CTX *decrypt[ENCRYPTION_RSA_OAEP_SHA1 + 1];
};

/* Idle workers that are kept; more threads at once make workers for one use. */
#define WORKERS_MAX 16

struct private_key {
    struct public_key *public_key;
    EVP_PKEY *handle; /* only copied from */
    struct secret pkcs8;
    _Atomic(struct worker *) idle[WORKERS_MAX];
};

static void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    for (size_t i = 0; i < sizeof worker->sign / sizeof worker->sign[0]; i++)
        EVP_PKEY_CTX_free(worker->sign[i]);
    for (size_t i = 0; i < sizeof worker->decrypt / sizeof worker->decrypt[0]; i++)
        EVP_PKEY_CTX_free(worker->decrypt[i]);
    EVP_PKEY_free(worker->key);
    free(worker);
}

/* Threads begin to look at different places, so that each finds the worker it had last. */
static size_t home_of_thread(void)
{
    static atomic_size_t threads;
    static _Thread_local size_t home;
    if (home == 0)
        home = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
    return home % WORKERS_MAX;
}

static struct worker *worker_take(struct private_key *key)
{
    size_t home = home_of_thread();
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *worker = atomic_exchange_explicit(&key->idle[(home + i) % WORKERS_MAX], NULL,
                                                         memory_order_acquire);
        if (worker != NULL)
            return worker;
    }
    struct worker *worker = memory_allocate_zero(1, sizeof *worker);
    worker->key = EVP_PKEY_dup(key->handle);
    if (worker->key == NULL)
        openssl_abort("copy of a private key");
    return worker;
}

static void worker_put(struct private_key *key, struct worker *worker)
{
    size_t home = home_of_thread();
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&key->idle[(home + i) % WORKERS_MAX], &none,
                                                    worker, memory_order_release,
                                                    memory_order_relaxed))
            return;
    }
    worker_free(worker);
}

/* A context that failed is not used again. */
static void discard(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
    *context = NULL;
}

static bool sign_with(struct worker *worker, uint8_t *out, size_t *size,
                      enum signature_algorithm algorithm, struct slice digest)
{
    EVP_PKEY_CTX **context = &worker->sign[algorithm];
    if (*context == NULL)
        *context = openssl_signature_context(worker->key, algorithm, OPENSSL_SIGN);
    if (*context != NULL && EVP_PKEY_sign(*context, out, size, digest.data, digest.size) == 1)
        return true;
    discard(context);
    return false;
}

bool private_key_sign_digest(struct buf *out, const struct private_key *key,
                             enum signature_algorithm algorithm, struct slice digest,
                             struct error *err)
{
    if (!public_key_allows_signature(key->public_key, algorithm, err))
        return false;
    size_t expected = digest_size(signature_digest(algorithm));
    if (digest.size != expected)
        return error_set(err, &crypto_key_unsupported, NULL, signature_name(algorithm),
                         "the digest to be signed has %zu bytes instead of %zu", digest.size,
                         expected);
    size_t size = (size_t)EVP_PKEY_get_size(key->handle);
    uint8_t *to = buf_reserve(out, size);
    if (to == NULL)
        return buf_ok(out, "signature", err);
    /* Logically the key stays as it is: workers only come and go. */
    struct private_key *shared = (struct private_key *)key;
    struct worker *worker = worker_take(shared);
    bool ok = sign_with(worker, to, &size, algorithm, digest);
    worker_put(shared, worker);
    if (!ok)
        return openssl_error(err, "signing");
    buf_added(out, size);
    return true;
}

/* Gives no reason: to whom a ciphertext was wrong must not learn why. */
static bool decrypt_with(struct worker *worker, uint8_t *out, size_t *size,
                         enum encryption_algorithm algorithm, struct slice ciphertext)
{
    EVP_PKEY_CTX **context = &worker->decrypt[algorithm];
    if (*context == NULL)
        *context = openssl_encryption_context(worker->key, algorithm, OPENSSL_DECRYPT);
    return *context != NULL && ciphertext.size > 0 &&
           EVP_PKEY_decrypt(*context, out, size, ciphertext.data, ciphertext.size) == 1;
}

bool private_key_decrypt(struct secret *out, const struct private_key *key,
                         enum encryption_algorithm algorithm, struct slice ciphertext,
                         struct error *err)
{
    if (!public_key_allows_encryption(key->public_key, algorithm, err))
        return false;
    size_t size = (size_t)EVP_PKEY_get_size(key->handle);
    struct secret plain;
    secret_init(&plain, size);
    struct private_key *shared = (struct private_key *)key;
    struct worker *worker = worker_take(shared);
    bool ok = decrypt_with(worker, plain.data, &size, algorithm, ciphertext);
    worker_put(shared, worker);
    /* Both ways clear the queue, in which a failure has left its reason. */
    ERR_clear_error();
    if (!ok) {
        secret_done(&plain);
        return error_set(err, &crypto_decryption_failed, NULL, NULL,
                         "the ciphertext does not match its key");
    }
    secret_shrink(&plain, size);
    *out = plain;
    return true;
}

/* The canonical PKCS#8, whatever form was read. */
static bool encode_pkcs8(struct secret *out, const EVP_PKEY *handle)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(handle);
    unsigned char *der = NULL;
    int size = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (size <= 0)
        return false;
    secret_copy(out, slice_of(der, (size_t)size));
    OPENSSL_clear_free(der, (size_t)size);
    return true;
}

static bool encode_public(struct public_key **out, const EVP_PKEY *handle, struct error *err)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(handle, &der);
    if (size <= 0)
        return openssl_error(err, "public part of a private key");
    bool ok = public_key_parse(out, slice_of(der, (size_t)size), err);
    OPENSSL_free(der);
    return ok;
}

/* That the private numbers belong to the public ones: what it signs must verify. */
static bool check_pair(const struct private_key *key, struct error *err)
{
    enum signature_algorithm algorithm = public_key_type(key->public_key) == PUBLIC_KEY_RSA
                                             ? SIGNATURE_RSA_PKCS1_SHA256
                                             : SIGNATURE_ECDSA_SHA256;
    struct slice digest = slice_of(public_key_digest(key->public_key), DIGEST_SHA256_SIZE);
    struct buf signature;
    buf_init(&signature, 2048);
    bool ok =
        private_key_sign_digest(&signature, key, algorithm, digest, NULL) &&
        public_key_verify_digest(key->public_key, algorithm, digest, buf_slice(&signature), NULL);
    buf_done(&signature);
    return ok || error_set(err, &crypto_key_malformed, NULL, NULL,
                           "the private key's numbers do not belong together");
}

bool private_key_of_openssl(struct private_key **out, EVP_PKEY *handle, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = memory_allocate_zero(1, sizeof *key);
    key->handle = handle;
    if (!encode_public(&key->public_key, handle, err))
        return false;
    if (!encode_pkcs8(&key->pkcs8, handle))
        return openssl_error(err, "encoding of a private key");
    if (!check_pair(key, err))
        return false;
    *out = memory_steal(&key);
    return true;
}

bool private_key_generate(struct private_key **out, enum private_key_kind kind, struct error *err)
{
    EVP_PKEY *handle = NULL;
    switch (kind) {
    case PRIVATE_KEY_RSA_2048:
        handle = EVP_RSA_gen(2048);
        break;
    case PRIVATE_KEY_RSA_3072:
        handle = EVP_RSA_gen(3072);
        break;
    case PRIVATE_KEY_RSA_4096:
        handle = EVP_RSA_gen(4096);
        break;
    case PRIVATE_KEY_P256:
        handle = EVP_EC_gen("P-256");
        break;
    case PRIVATE_KEY_P384:
        handle = EVP_EC_gen("P-384");
        break;
    default:
        return error_set(err, &crypto_key_unsupported, NULL, NULL, "%d is no kind of key",
                         (int)kind);
    }
    if (handle == NULL)
        return openssl_error(err, "making a key pair");
    return private_key_of_openssl(out, handle, err);
}

bool private_key_parse(struct private_key **out, struct slice pkcs8, struct error *err)
{
    const uint8_t *position = pkcs8.data;
    PKCS8_PRIV_KEY_INFO *info = NULL;
    if (pkcs8.size > 0 && pkcs8.size <= PKCS8_SIZE_MAX)
        info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &position, (long)pkcs8.size);
    bool whole = info != NULL && position == pkcs8.data + pkcs8.size;
    EVP_PKEY *handle = whole ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (handle == NULL) {
        ERR_clear_error();
        return error_set(err, &crypto_key_malformed, "RFC 5208 5", NULL,
                         "the private key is not one whole PKCS#8 structure");
    }
    return private_key_of_openssl(out, handle, err);
}

void private_key_free(struct private_key **key)
{
    struct private_key *dying = key == NULL ? NULL : memory_steal(key);
    if (dying == NULL)
        return;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        worker_free(atomic_load_explicit(&dying->idle[i], memory_order_acquire));
    EVP_PKEY_free(dying->handle);
    public_key_free(&dying->public_key);
    secret_done(&dying->pkcs8);
    free(dying);
}

void private_key_format(struct secret *out, const struct private_key *key)
{
    secret_copy(out, secret_slice(&key->pkcs8));
}

struct slice private_key_pkcs8(const struct private_key *key)
{
    return secret_slice(&key->pkcs8);
}

EVP_PKEY *private_key_handle(const struct private_key *key)
{
    return key->handle;
}

const struct public_key *private_key_public(const struct private_key *key)
{
    return key->public_key;
}
