/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Calls of a keyholder that runs with four channels, and whether it should answer them. */

#include "keyholder/errors.h"
#include "keyholder/keyholder.h"
#include "running.h"

static struct running running;

static inline int start(void **state)
{
    (void)state;
    running_start(&running, 4);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    running_stop(&running);
    return 0;
}

#define MESSAGE slice_from_text("what is signed")

static inline bool sign(const struct public_key *key, enum signature_algorithm algorithm,
                        struct buf *out, struct error *err)
{
    return keyholder_sign(running.keyholder, public_key_digest(key), algorithm, MESSAGE, out, err);
}

static inline bool decrypt(const struct public_key *key, enum encryption_algorithm algorithm,
                           struct secret *out, struct error *why)
{
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    assert_ok(
        public_key_encrypt(&ciphertext, key, algorithm, slice_from_text("a transport key"), err));
    return keyholder_decrypt(running.keyholder, public_key_digest(key), algorithm,
                             buf_slice(&ciphertext), out, why);
}

static inline bool checkpoint(const struct public_key *key, struct buf *out, struct error *err)
{
    static const uint8_t head[32] = {0xAB, [31] = 0xCD};
    return keyholder_checkpoint(running.keyholder, public_key_digest(key), 0x0102030405060708, head,
                                -2, out, err);
}

static inline void signs(const struct public_key *key, enum signature_algorithm algorithm)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(sign(key, algorithm, &signature, err));
    assert_ok(public_key_verify(key, algorithm, MESSAGE, buf_slice(&signature), err));
}

static inline void does_not_sign(const struct public_key *key, enum signature_algorithm algorithm,
                                 const char *code)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_refused(sign(key, algorithm, &signature, err), code);
    assert_int_equal(signature.size, 0);
}

static inline void does_not_decrypt(const struct public_key *key, const char *code)
{
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    uint8_t ciphertext[256] = {1};
    assert_refused(keyholder_decrypt(running.keyholder, public_key_digest(key),
                                     ENCRYPTION_RSA_OAEP_SHA256,
                                     slice_of(ciphertext, sizeof ciphertext), &plain, err),
                   code);
    assert_null(plain.data);
}

static inline void does_not_checkpoint(const struct public_key *key, const char *code)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_refused(checkpoint(key, &signature, err), code);
}

#define KEYHOLDER_TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)
