/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private keys in this address space: only a keyholder, and the programs of a host or an owner,
 * have any. */

#include "base/secret.h"
#include "crypto/public_key.h"

struct private_key;

enum private_key_kind {
    PRIVATE_KEY_RSA_2048,
    PRIVATE_KEY_RSA_3072,
    PRIVATE_KEY_RSA_4096,
    PRIVATE_KEY_P256,
    PRIVATE_KEY_P384
};

bool private_key_generate(struct private_key **out, enum private_key_kind kind, struct error *err);
/* PKCS#8 DER (RFC 5208), nothing behind it; its numbers belong together. crypto.key-malformed,
 * crypto.key-too-small, crypto.key-unsupported. */
bool private_key_parse(struct private_key **out, struct slice pkcs8, struct error *err);
/*
 * The first private key of a PEM file: PKCS#8, PKCS#8 encrypted with PBES2 and AES, or traditional;
 * password may be empty. crypto.password-wrong, crypto.kdf-parameters (absurd iterations),
 * crypto.key-unsupported (a legacy cipher; openssl pkcs8 -topk8 -v2 aes256 converts), crypto.key-*.
 */
bool private_key_parse_pem(struct private_key **out, struct slice pem, struct slice password,
                           struct error *err);
void private_key_free(struct private_key **key);
#define _cleanup_private_key_ __attribute__((cleanup(private_key_free)))

/* PKCS#8 DER. */
void private_key_format(struct secret *out, const struct private_key *key);
/* PKCS#8 PEM, unencrypted, appended (out should be a secret buffer). */
void private_key_format_pem(struct buf *out, const struct private_key *key);
/* Borrowed. */
const struct public_key *private_key_public(const struct private_key *key);

/* Signs a digest made with signature_digest(algorithm). Appended to out. Safe from several threads
 * at once. */
bool private_key_sign_digest(struct buf *out, const struct private_key *key,
                             enum signature_algorithm algorithm, struct slice digest,
                             struct error *err);
/* RSA-OAEP. crypto.decryption-failed says nothing about why. Safe from several threads at once. */
bool private_key_decrypt(struct secret *out, const struct private_key *key,
                         enum encryption_algorithm algorithm, struct slice ciphertext,
                         struct error *err);
