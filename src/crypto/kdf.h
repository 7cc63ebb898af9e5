/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Key derivation: ConcatKDF (NIST SP 800-56A; XML Encryption 1.1 section 5.4.1), HKDF with SHA-256
 * (RFC 5869) and scrypt (RFC 7914). */

#include "base/error.h"
#include "base/secret.h"
#include "crypto/digest.h"

/* size bytes of SHA-256(counter ‖ key ‖ other)… */
void kdf_concat(struct secret *out, struct slice key, struct slice other, size_t size);
/* RFC 5869 section 2.2: the pseudorandom key, 32 bytes. */
void kdf_hkdf_extract(struct secret *out, struct slice salt, struct slice key);
/* RFC 5869 section 2.3: at most 8160 bytes for one use, which info names. */
void kdf_hkdf_expand(struct secret *out, struct slice pseudorandom_key, struct slice info,
                     size_t size);
/* scrypt; n a power of two. limit on memory: 256 MiB (crypto.kdf-parameters beyond). */
bool kdf_scrypt(struct secret *out, struct slice password, struct slice salt, uint64_t n,
                uint32_t r, uint32_t p, size_t size, struct error *err);
