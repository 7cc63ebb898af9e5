/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two key derivations of TPM 2.0 Part 1, 11.4.10. */

#include "base/secret.h"
#include "crypto/digest.h"

/* KDFa (NIST SP 800-108 in counter mode with HMAC): size bytes into out. label without its NUL,
 * which is put behind it. */
void tpm_kdfa(uint8_t *out, size_t size, enum digest_algorithm algorithm, struct slice key,
              const char *label, struct slice context_u, struct slice context_v);
/* KDFe (NIST SP 800-56A one step): from the x coordinate of a shared point, padded to its field. */
void tpm_kdfe(uint8_t *out, size_t size, enum digest_algorithm algorithm, struct slice shared_x,
              const char *label, struct slice party_u, struct slice party_v);
