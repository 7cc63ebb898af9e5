/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/openssl.h"

#include <assert.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/errors.h"

static struct {
    const EVP_MD *sha1, *sha256, *sha384, *sha512;
    const EVP_CIPHER *aes_gcm, *aes_wrap;
} fetched;
static pthread_once_t fetched_once = PTHREAD_ONCE_INIT;

static const EVP_MD *fetch_digest(const char *name)
{
    const EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
    if (digest == NULL)
        openssl_abort(name);
    return digest;
}

static const EVP_CIPHER *fetch_cipher(const char *name)
{
    const EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    if (cipher == NULL)
        openssl_abort(name);
    return cipher;
}

static void fetch(void)
{
    fetched.sha1 = fetch_digest("SHA1");
    fetched.sha256 = fetch_digest("SHA256");
    fetched.sha384 = fetch_digest("SHA384");
    fetched.sha512 = fetch_digest("SHA512");
    fetched.aes_gcm = fetch_cipher("AES-256-GCM");
    fetched.aes_wrap = fetch_cipher("AES-256-WRAP");
}

const EVP_MD *openssl_digest(enum digest_algorithm algorithm)
{
    pthread_once(&fetched_once, fetch);
    switch (algorithm) {
    case DIGEST_SHA1:
        return fetched.sha1;
    case DIGEST_SHA256:
        return fetched.sha256;
    case DIGEST_SHA384:
        return fetched.sha384;
    case DIGEST_SHA512:
        return fetched.sha512;
    }
    assert(!"a digest that is none");
    abort();
}

const EVP_CIPHER *openssl_aes_gcm(void)
{
    pthread_once(&fetched_once, fetch);
    return fetched.aes_gcm;
}

const EVP_CIPHER *openssl_aes_wrap(void)
{
    pthread_once(&fetched_once, fetch);
    return fetched.aes_wrap;
}

_Noreturn void openssl_abort(const char *what)
{
    char reason[256];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    fprintf(stderr, "OpenSSL refused: %s: %s\n", what, reason);
    abort();
}

bool openssl_error(struct error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error_set(err, &crypto_internal, NULL, what, "%s", reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    return false;
}

EVP_PKEY_CTX *openssl_idle_take(struct openssl_idle *idle)
{
    return atomic_exchange_explicit(&idle->context, NULL, memory_order_acquire);
}

void openssl_idle_put(struct openssl_idle *idle, EVP_PKEY_CTX *context)
{
    EVP_PKEY_CTX *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&idle->context, &none, context,
                                                 memory_order_release, memory_order_relaxed))
        EVP_PKEY_CTX_free(context);
}
