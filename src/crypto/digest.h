/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Digests and HMACs. Algorithms bear their TPM_ALG_ID (TCG Algorithm Registry) so that later rooms
 * need no second table. Implementations are fetched from OpenSSL once for the process and used by
 * all threads.
 */

#include "base/secret.h"
#include "base/slice.h"

enum digest_algorithm {
    DIGEST_SHA1 = 0x0004,
    DIGEST_SHA256 = 0x000B,
    DIGEST_SHA384 = 0x000C,
    DIGEST_SHA512 = 0x000D,
};

#define DIGEST_SIZE_MAX 64
#define DIGEST_SHA256_SIZE 32

struct digest {
    enum digest_algorithm algorithm;
    size_t size; /* bytes of value in use */
    uint8_t value[DIGEST_SIZE_MAX];
};

size_t digest_size(enum digest_algorithm algorithm);
/* "sha256" */
const char *digest_name(enum digest_algorithm algorithm);
/* Digest of one or more slices one after the other. Cannot fail. */
void digest_compute(struct digest *out, enum digest_algorithm algorithm, struct slice bytes);
void digest_compute_parts(struct digest *out, enum digest_algorithm algorithm,
                          const struct slice *parts, size_t count);
/* SHA-256 into 32 bytes. */
void digest_sha256(uint8_t out[DIGEST_SHA256_SIZE], struct slice bytes);
/* As digest_compute_parts, for secrets: nothing of them stays behind in a context. The caller wipes
 * *out. */
void digest_secret_parts(struct digest *out, enum digest_algorithm algorithm,
                         const struct slice *parts, size_t count);
/* HMAC (RFC 2104) of bytes under key. */
void digest_hmac(struct digest *out, enum digest_algorithm algorithm, struct slice key,
                 struct slice bytes);

static inline struct slice digest_slice(const struct digest *digest)
{
    return (struct slice){digest->value, digest->size};
}
