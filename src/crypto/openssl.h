/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of this room share of OpenSSL; nobody outside includes it. Implementations are
 * fetched once for the process, because each fetch locks, and contexts are kept for the next use,
 * because making one costs as much as a small operation (service-facts.md).
 */

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/algorithm.h"

const EVP_MD *openssl_digest(enum digest_algorithm algorithm);
const EVP_CIPHER *openssl_aes_gcm(void);
const EVP_CIPHER *openssl_aes_wrap(void);

/* OpenSSL refused what cannot fail but for a lack of memory or a broken installation. */
_Noreturn void openssl_abort(const char *what);
/* Sets crypto.internal with OpenSSL's reason, empties its error queue and returns false. */
bool openssl_error(struct error *err, const char *what);

/*
 * One context that waits for its next use. Taking gives NULL when there is none or another thread
 * has it; putting back frees it when another one waits already.
 */
struct openssl_idle {
    _Atomic(EVP_PKEY_CTX *) context;
};
EVP_PKEY_CTX *openssl_idle_take(struct openssl_idle *idle);
void openssl_idle_put(struct openssl_idle *idle, EVP_PKEY_CTX *context);

/*
 * A context ready to sign or verify, encrypt or decrypt digests with the algorithm, which the
 * caller has found to suit the key. NULL, with OpenSSL's error queue set, when it refuses, or when
 * there is no key because it refused that.
 */
enum openssl_operation {
    OPENSSL_SIGN,
    OPENSSL_VERIFY,
    OPENSSL_ENCRYPT,
    OPENSSL_DECRYPT,
};
EVP_PKEY_CTX *openssl_signature_context(EVP_PKEY *key, enum signature_algorithm algorithm,
                                        enum openssl_operation operation);
EVP_PKEY_CTX *openssl_encryption_context(EVP_PKEY *key, enum encryption_algorithm algorithm,
                                         enum openssl_operation operation);

/*
 * Whether a password-based encryption (of a PKCS#8 or PKCS#12) is one that is read here: PBES2 with
 * PBKDF2 of at most 10 million iterations (crypto.kdf-parameters beyond) and AES. Legacy schemes
 * and ciphers give *legacy, others *unreadable.
 */
bool openssl_check_encryption(const X509_ALGOR *algorithm, const struct error_code *legacy,
                              const struct error_code *unreadable, struct error *err);

static inline void openssl_pkey_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
static inline void openssl_pkey_ctx_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}
static inline void openssl_md_ctx_free(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}
static inline void openssl_cipher_ctx_free(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}
static inline void openssl_bio_free(BIO **bio)
{
    BIO_free(*bio);
}
#define _cleanup_pkey_ __attribute__((cleanup(openssl_pkey_free)))
#define _cleanup_pkey_ctx_ __attribute__((cleanup(openssl_pkey_ctx_free)))
#define _cleanup_md_ctx_ __attribute__((cleanup(openssl_md_ctx_free)))
#define _cleanup_cipher_ctx_ __attribute__((cleanup(openssl_cipher_ctx_free)))
#define _cleanup_bio_ __attribute__((cleanup(openssl_bio_free)))
