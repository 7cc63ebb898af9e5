/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Key derivation: ConcatKDF (NIST SP 800-56A; XML Encryption 1.1 section 5.4.1) and scrypt (RFC
 * 7914). */

#include "base/error.h"
#include "base/secret.h"
#include "crypto/digest.h"

/* size bytes of SHA-256(counter ‖ key ‖ other)… */
void kdf_concat(struct secret *out, struct slice key, struct slice other, size_t size);
/* scrypt; n a power of two. limit on memory: 256 MiB (crypto.kdf-parameters beyond). */
bool kdf_scrypt(struct secret *out, struct slice password, struct slice salt, uint64_t n,
                uint32_t r, uint32_t p, size_t size, struct error *err);
