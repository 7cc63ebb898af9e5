/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/algorithm.h"

#include <assert.h>
#include <stdlib.h>

enum digest_algorithm signature_digest(enum signature_algorithm algorithm)
{
    switch (algorithm) {
    case SIGNATURE_RSA_PKCS1_SHA256:
    case SIGNATURE_RSA_PSS_SHA256:
    case SIGNATURE_ECDSA_SHA256:
        return DIGEST_SHA256;
    case SIGNATURE_RSA_PKCS1_SHA384:
    case SIGNATURE_ECDSA_SHA384:
        return DIGEST_SHA384;
    case SIGNATURE_RSA_PKCS1_SHA512:
        return DIGEST_SHA512;
    }
    assert(!"a signature algorithm that is none");
    abort();
}

const char *signature_name(enum signature_algorithm algorithm)
{
    switch (algorithm) {
    case SIGNATURE_RSA_PKCS1_SHA256:
        return "rsa-pkcs1-sha256";
    case SIGNATURE_RSA_PKCS1_SHA384:
        return "rsa-pkcs1-sha384";
    case SIGNATURE_RSA_PKCS1_SHA512:
        return "rsa-pkcs1-sha512";
    case SIGNATURE_RSA_PSS_SHA256:
        return "rsa-pss-sha256";
    case SIGNATURE_ECDSA_SHA256:
        return "ecdsa-sha256";
    case SIGNATURE_ECDSA_SHA384:
        return "ecdsa-sha384";
    }
    return NULL;
}
