/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <pthread.h>
#include <stdlib.h>

#include "crypto/openssl.h"

size_t digest_size(enum digest_algorithm algorithm)
{
    switch (algorithm) {
    case DIGEST_SHA1:
        return 20;
    case DIGEST_SHA256:
        return 32;
    case DIGEST_SHA384:
        return 48;
    case DIGEST_SHA512:
        return 64;
    }
    return 0;
}

const char *digest_name(enum digest_algorithm algorithm)
{
    switch (algorithm) {
    case DIGEST_SHA1:
        return "sha1";
    case DIGEST_SHA256:
        return "sha256";
    case DIGEST_SHA384:
        return "sha384";
    case DIGEST_SHA512:
        return "sha512";
    }
    return NULL;
}

/* A context for each thread, freed at its end. */
static pthread_key_t thread_contexts;
static pthread_once_t thread_contexts_once = PTHREAD_ONCE_INIT;
static _Thread_local EVP_MD_CTX *thread_context;

static void free_thread_context(void *context)
{
    thread_context = NULL;
    EVP_MD_CTX_free(context);
}

static void make_thread_contexts(void)
{
    if (pthread_key_create(&thread_contexts, free_thread_context) != 0)
        abort();
}

static EVP_MD_CTX *context_of_thread(void)
{
    if (thread_context != NULL)
        return thread_context;
    pthread_once(&thread_contexts_once, make_thread_contexts);
    thread_context = EVP_MD_CTX_new();
    if (thread_context == NULL || pthread_setspecific(thread_contexts, thread_context) != 0)
        abort();
    return thread_context;
}

static void compute(struct digest *out, EVP_MD_CTX *context, enum digest_algorithm algorithm,
                    const struct slice *parts, size_t count)
{
    if (EVP_DigestInit_ex2(context, openssl_digest(algorithm), NULL) != 1)
        openssl_abort("digest");
    for (size_t i = 0; i < count; i++)
        if (EVP_DigestUpdate(context, parts[i].data, parts[i].size) != 1)
            openssl_abort("digest");
    out->algorithm = algorithm;
    out->size = digest_size(algorithm);
    if (EVP_DigestFinal_ex(context, out->value, NULL) != 1)
        openssl_abort("digest");
}

void digest_compute_parts(struct digest *out, enum digest_algorithm algorithm,
                          const struct slice *parts, size_t count)
{
    compute(out, context_of_thread(), algorithm, parts, count);
}

void digest_compute(struct digest *out, enum digest_algorithm algorithm, struct slice bytes)
{
    digest_compute_parts(out, algorithm, &bytes, 1);
}

void digest_sha256(uint8_t out[DIGEST_SHA256_SIZE], struct slice bytes)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, bytes);
    memcpy(out, digest.value, DIGEST_SHA256_SIZE);
}

void digest_secret_parts(struct digest *out, enum digest_algorithm algorithm,
                         const struct slice *parts, size_t count)
{
    _cleanup_md_ctx_ EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        openssl_abort("digest");
    compute(out, context, algorithm, parts, count);
}

#define HMAC_BLOCK_MAX 128

/* RFC 2104. By hand, because OpenSSL's HMAC fetches its digest again for every computation. */
void digest_hmac(struct digest *out, enum digest_algorithm algorithm, struct slice key,
                 struct slice bytes)
{
    size_t block = algorithm == DIGEST_SHA1 || algorithm == DIGEST_SHA256 ? 64 : 128;
    struct digest inner;
    uint8_t pad[HMAC_BLOCK_MAX] = {0};
    if (key.size > block) {
        digest_secret_parts(&inner, algorithm, &key, 1);
        memcpy(pad, inner.value, inner.size);
    } else if (key.size > 0) {
        memcpy(pad, key.data, key.size);
    }
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    struct slice parts[2] = {slice_of(pad, block), bytes};
    digest_secret_parts(&inner, algorithm, parts, 2);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    parts[1] = digest_slice(&inner);
    digest_secret_parts(out, algorithm, parts, 2);
    explicit_bzero(pad, sizeof pad);
    explicit_bzero(&inner, sizeof inner);
}
