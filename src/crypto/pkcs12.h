/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * PKCS#12 (RFC 7292), as PFX files have it: exactly one private key and its certificate; further
 * certificates are the chain. Legacy ciphers (RC2, 3DES with SHA-1) are refused with
 * crypto.pkcs12-legacy, whose remedy says how to convert. Only a keyholder and the programs of a
 * host or owner parse one.
 */

#include "crypto/certificate.h"
#include "crypto/private_key.h"

/* At most 1 MiB, with a MAC. crypto.pkcs12-malformed, crypto.pkcs12-legacy, crypto.kdf-parameters
 * (absurd iterations), crypto.password-wrong, crypto.pkcs12-keys (none, or several),
 * crypto.key-mismatch, crypto.key-*. */
bool pkcs12_parse(struct private_key **key, struct certificate **certificate, struct slice pfx,
                  struct slice password, struct error *err);
/* Writes one with AES-256 and PBKDF2-SHA-256, which takes a second on purpose. name is shown by
 * Windows as the friendly name; NULL: none. Appended to out. crypto.key-mismatch. */
bool pkcs12_format(struct buf *out, const struct private_key *key,
                   const struct certificate *certificate, const char *name, struct slice password,
                   struct error *err);
