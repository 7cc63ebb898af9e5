/* SPDX-License-Identifier: Apache-2.0 */
/* What takes a padding off in constant time is deprecated and has no successor: the new interface
 * wants to do the private operation too. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/rsa_padding.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/errors.h"
#include "crypto/openssl.h"

bool rsa_padding_remove_oaep(struct secret *out, enum encryption_algorithm algorithm,
                             struct slice encoded, struct error *err)
{
    const EVP_MD *digest =
        openssl_digest(algorithm == ENCRYPTION_RSA_OAEP_SHA1 ? DIGEST_SHA1 : DIGEST_SHA256);
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    secret_init(&plain, encoded.size);
    int size = RSA_padding_check_PKCS1_OAEP_mgf1(plain.data, (int)plain.size, encoded.data,
                                                 (int)encoded.size, (int)encoded.size, NULL, 0,
                                                 digest, digest);
    ERR_clear_error();
    if (size < 0)
        return error_set(err, &crypto_decryption_failed, "RFC 8017 7.1.2", NULL,
                         "the ciphertext does not decrypt");
    secret_shrink(&plain, (size_t)size);
    *out = plain;
    plain = SECRET_EMPTY;
    return true;
}
