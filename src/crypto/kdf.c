/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include <assert.h>
#include <openssl/err.h>

#include "base/buf.h"
#include "crypto/errors.h"
#include "crypto/openssl.h"

void kdf_concat(struct secret *out, struct slice key, struct slice other, size_t size)
{
    assert(size > 0 && size / DIGEST_SHA256_SIZE < UINT32_MAX);
    secret_init(out, size);
    struct digest digest;
    size_t done = 0;
    for (uint32_t counter = 1; done < size; counter++) {
        uint8_t prefix[4] = {(uint8_t)(counter >> 24), (uint8_t)(counter >> 16),
                             (uint8_t)(counter >> 8), (uint8_t)counter};
        struct slice parts[3] = {slice_of(prefix, sizeof prefix), key, other};
        digest_secret_parts(&digest, DIGEST_SHA256, parts, 3);
        size_t part = size - done < digest.size ? size - done : digest.size;
        memcpy(out->data + done, digest.value, part);
        done += part;
    }
    explicit_bzero(&digest, sizeof digest);
}

void kdf_hkdf_extract(struct secret *out, struct slice salt, struct slice key)
{
    struct digest mac;
    digest_hmac(&mac, DIGEST_SHA256, salt, key);
    secret_copy(out, digest_slice(&mac));
    explicit_bzero(&mac, sizeof mac);
}

void kdf_hkdf_expand(struct secret *out, struct slice pseudorandom_key, struct slice info,
                     size_t size)
{
    assert(size > 0 && size <= (size_t)255 * DIGEST_SHA256_SIZE);
    secret_init(out, size);
    struct digest block = {.size = 0}; /* T(0) is empty */
    _cleanup_buf_ struct buf text;
    buf_init_secret(&text, DIGEST_SHA256_SIZE + info.size + 1);
    for (size_t done = 0, counter = 1; done < size; counter++) {
        buf_reset(&text);
        buf_append(&text, digest_slice(&block));
        buf_append(&text, info);
        buf_append_u8(&text, (uint8_t)counter);
        digest_hmac(&block, DIGEST_SHA256, pseudorandom_key, buf_slice(&text));
        size_t part = size - done < block.size ? size - done : block.size;
        memcpy(out->data + done, block.value, part);
        done += part;
    }
    explicit_bzero(&block, sizeof block);
}

#define SCRYPT_MEMORY_MAX (UINT64_C(256) << 20)
/* Bounds the time as the memory bounds the space: p lanes run one after the other. */
#define SCRYPT_LANES_MAX 16
#define SCRYPT_BLOCK_MAX 64

static bool scrypt_parameters(uint64_t n, uint32_t r, uint32_t p, struct error *err)
{
    bool valid = n >= 2 && (n & (n - 1)) == 0 && r >= 1 && p >= 1;
    if (!valid)
        return error_set(err, &crypto_kdf_parameters, "RFC 7914 2", NULL,
                         "scrypt with N=%ju r=%u p=%u: N must be a power of two, r and p positive",
                         (uintmax_t)n, r, p);
    if (r > SCRYPT_BLOCK_MAX || p > SCRYPT_LANES_MAX || n > SCRYPT_MEMORY_MAX / 128 / r)
        return error_set(err, &crypto_kdf_parameters, "RFC 7914 2", NULL,
                         "scrypt with N=%ju r=%u p=%u wants more than %ju MiB, r over %d or p over "
                         "%d",
                         (uintmax_t)n, r, p, (uintmax_t)(SCRYPT_MEMORY_MAX >> 20), SCRYPT_BLOCK_MAX,
                         SCRYPT_LANES_MAX);
    return true;
}

bool kdf_scrypt(struct secret *out, struct slice password, struct slice salt, uint64_t n,
                uint32_t r, uint32_t p, size_t size, struct error *err)
{
    assert(size > 0);
    if (!scrypt_parameters(n, r, p, err))
        return false;
    struct secret key;
    secret_init(&key, size);
    /* OpenSSL counts its working blocks besides RFC 7914's memory. */
    uint64_t memory = SCRYPT_MEMORY_MAX + (UINT64_C(1) << 20);
    const char *text = password.size > 0 ? (const char *)password.data : "";
    const uint8_t *salt_bytes = salt.size > 0 ? salt.data : (const uint8_t *)"";
    if (EVP_PBE_scrypt(text, password.size, salt_bytes, salt.size, n, r, p, memory, key.data,
                       size) != 1) {
        secret_done(&key);
        return openssl_error(err, "scrypt");
    }
    *out = key;
    return true;
}
