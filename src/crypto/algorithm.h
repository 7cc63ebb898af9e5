/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The signature and encryption schemes that this project knows. Values go over the keyholder's
 * socket: do not renumber. */

#include "crypto/digest.h"

enum signature_algorithm {
    SIGNATURE_RSA_PKCS1_SHA256 = 1, /* RFC 8017 8.2 */
    SIGNATURE_RSA_PKCS1_SHA384 = 2,
    SIGNATURE_RSA_PKCS1_SHA512 = 3,
    SIGNATURE_RSA_PSS_SHA256 =
        4,                      /* RFC 8017 8.1, MGF1 of the same hash, salt as long as the hash */
    SIGNATURE_ECDSA_SHA256 = 5, /* DER ECDSA-Sig-Value (RFC 3279 2.2.3) */
    SIGNATURE_ECDSA_SHA384 = 6,
};

enum encryption_algorithm {
    ENCRYPTION_RSA_OAEP_SHA256 = 1, /* RFC 8017 7.1, MGF1-SHA-256, empty label */
    ENCRYPTION_RSA_OAEP_SHA1 = 2,   /* MGF1-SHA-1 */
};

/* The digest that a signature is made over. */
enum digest_algorithm signature_digest(enum signature_algorithm algorithm);
/* "rsa-pkcs1-sha256"; NULL for a number that is none. */
const char *signature_name(enum signature_algorithm algorithm);
