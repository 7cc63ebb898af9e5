/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AES-256-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags, and AES-256 key wrap (RFC
 * 3394). The sealed form here is nonce ‖ ciphertext ‖ tag, as protocol.md 3 writes
 * EncryptedTransportKeys.
 */

#include "base/buf.h"
#include "base/secret.h"

#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16
#define AEAD_OVERHEAD (AEAD_NONCE_SIZE + AEAD_TAG_SIZE)

/* Appends nonce (fresh, random) ‖ ciphertext ‖ tag. key: 32 bytes. associated: authenticated, not
 * encrypted. */
void aead_seal(struct buf *out, struct slice key, struct slice associated, struct slice plain);
/* Opens what aead_seal wrote. crypto.decryption-failed when anything was altered; nothing is
 * written then. */
bool aead_open(struct secret *out, struct slice key, struct slice associated, struct slice sealed,
               struct error *err);
/* The same with a nonce and tag that stand elsewhere (the RTPM context's EncContext). */
void aead_encrypt(uint8_t *ciphertext, uint8_t tag[AEAD_TAG_SIZE], struct slice key,
                  const uint8_t nonce[AEAD_NONCE_SIZE], struct slice associated,
                  struct slice plain);
bool aead_decrypt(struct secret *out, struct slice key, const uint8_t nonce[AEAD_NONCE_SIZE],
                  const uint8_t tag[AEAD_TAG_SIZE], struct slice associated,
                  struct slice ciphertext, struct error *err);

/* RFC 3394: key_to_wrap is a multiple of 8 bytes; 8 bytes longer when wrapped. */
void aead_key_wrap(struct buf *out, struct slice key, struct slice key_to_wrap);
bool aead_key_unwrap(struct secret *out, struct slice key, struct slice wrapped, struct error *err);
