/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of crypto/. */

#include "base/error.h"

#define CRYPTO_ERRORS(X)                                                                        \
    X(crypto_key_malformed, "crypto.key-malformed", ERROR_MALFORMED,                            \
      "a key is not in any form that is read here",                                             \
      "give a public key as DER or PEM SubjectPublicKeyInfo, a certificate or a Windows RSA1 "  \
      "blob; a private key as PEM: openssl pkey -in KEY -out NEW")                              \
    X(crypto_key_too_small, "crypto.key-too-small", ERROR_INVALID,                              \
      "an RSA key has fewer than 2048 bits", "make a new key of 2048 bits or more")             \
    X(crypto_key_unsupported, "crypto.key-unsupported", ERROR_UNSUPPORTED,                      \
      "a key is of a kind that is not used here, or cannot do what was asked of it",            \
      "use RSA of 2048 to 8192 bits, or ECDSA on P-256 or P-384 where the protocol allows it")  \
    X(crypto_key_mismatch, "crypto.key-mismatch", ERROR_INVALID,                                \
      "a private key does not belong to its certificate",                                       \
      "find the key that the certificate was requested with")                                   \
    X(crypto_password_wrong, "crypto.password-wrong", ERROR_UNAUTHORIZED,                       \
      "the password does not open the file",                                                    \
      "try again; a trailing newline counts as no part of it")                                  \
    X(crypto_signature_wrong, "crypto.signature-wrong", ERROR_CRYPTO,                           \
      "a signature does not verify",                                                            \
      "the object was altered, or was signed by another key than the one named")                \
    X(crypto_decryption_failed, "crypto.decryption-failed", ERROR_CRYPTO,                       \
      "a ciphertext does not decrypt", "the object was altered, or is meant for another key")   \
    X(crypto_kdf_parameters, "crypto.kdf-parameters", ERROR_LIMIT,                              \
      "a key derivation asks for more memory than is allowed, or its parameters are not valid", \
      "the file was damaged, or was not written by this project")                               \
    X(crypto_certificate_malformed, "crypto.certificate-malformed", ERROR_MALFORMED,            \
      "a certificate is not a DER or PEM X.509 certificate",                                    \
      "look at it: openssl x509 -in FILE -noout -text (add -inform der for DER)")               \
    X(crypto_name_malformed, "crypto.name-malformed", ERROR_USAGE,                              \
      "a distinguished name cannot be read",                                                    \
      "write it as CN=HGS signing,O=Example,C=DE, a comma inside a value as \\,")               \
    X(crypto_request_malformed, "crypto.request-malformed", ERROR_MALFORMED,                    \
      "bytes that should become a certificate request are none",                                \
      "this is a fault of the service, or an attack on it: report it with the log")             \
    X(crypto_cms_malformed, "crypto.cms-malformed", ERROR_MALFORMED,                            \
      "a list of certificates is not a CMS SignedData",                                         \
      "look at it: openssl pkcs7 -inform der -in FILE -print_certs")                            \
    X(crypto_pkcs12_malformed, "crypto.pkcs12-malformed", ERROR_MALFORMED,                      \
      "a file is not a PKCS#12 (PFX) file", "look at it: openssl pkcs12 -in FILE -info -noout") \
    X(crypto_pkcs12_legacy, "crypto.pkcs12-legacy", ERROR_UNSUPPORTED,                          \
      "a PFX file is encrypted with a legacy cipher",                                           \
      "convert it: openssl pkcs12 -legacy -in OLD -nodes -out TEMPORARY; openssl pkcs12 "       \
      "-export -in TEMPORARY -out NEW; shred -u TEMPORARY")                                     \
    X(crypto_pkcs12_keys, "crypto.pkcs12-keys", ERROR_INVALID,                                  \
      "a PFX file holds no private key with its certificate, or more than one",                 \
      "export exactly one certificate with its private key")                                    \
    X(crypto_internal, "crypto.internal", ERROR_INTERNAL,                                       \
      "the cryptographic library refused what it should do",                                    \
      "report this with the message; see the log for details")

ERROR_TABLE_DECLARE(crypto_errors, CRYPTO_ERRORS)
