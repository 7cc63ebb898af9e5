/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/openssl.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "crypto/der.h"
#include "crypto/errors.h"

static struct {
    const EVP_MD *sha1, *sha256, *sha384, *sha512;
    const EVP_CIPHER *aes_gcm, *aes_wrap;
} fetched;
static pthread_once_t fetched_once = PTHREAD_ONCE_INIT;

static const EVP_MD *fetch_digest(const char *name)
{
    const EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
    if (digest == NULL)
        openssl_abort(name);
    return digest;
}

static const EVP_CIPHER *fetch_cipher(const char *name)
{
    const EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    if (cipher == NULL)
        openssl_abort(name);
    return cipher;
}

static void fetch(void)
{
    fetched.sha1 = fetch_digest("SHA1");
    fetched.sha256 = fetch_digest("SHA256");
    fetched.sha384 = fetch_digest("SHA384");
    fetched.sha512 = fetch_digest("SHA512");
    fetched.aes_gcm = fetch_cipher("AES-256-GCM");
    fetched.aes_wrap = fetch_cipher("AES-256-WRAP");
}

const EVP_MD *openssl_digest(enum digest_algorithm algorithm)
{
    pthread_once(&fetched_once, fetch);
    switch (algorithm) {
    case DIGEST_SHA1:
        return fetched.sha1;
    case DIGEST_SHA256:
        return fetched.sha256;
    case DIGEST_SHA384:
        return fetched.sha384;
    case DIGEST_SHA512:
        return fetched.sha512;
    }
    assert(!"a digest that is none");
    abort();
}

const EVP_CIPHER *openssl_aes_gcm(void)
{
    pthread_once(&fetched_once, fetch);
    return fetched.aes_gcm;
}

const EVP_CIPHER *openssl_aes_wrap(void)
{
    pthread_once(&fetched_once, fetch);
    return fetched.aes_wrap;
}

_Noreturn void openssl_abort(const char *what)
{
    char reason[256];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    fprintf(stderr, "OpenSSL refused: %s: %s\n", what, reason);
    abort();
}

bool openssl_error(struct error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error_set(err, &crypto_internal, NULL, what, "%s", reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    return false;
}

EVP_PKEY_CTX *openssl_idle_take(struct openssl_idle *idle)
{
    return atomic_exchange_explicit(&idle->context, NULL, memory_order_acquire);
}

void openssl_idle_put(struct openssl_idle *idle, EVP_PKEY_CTX *context)
{
    EVP_PKEY_CTX *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&idle->context, &none, context,
                                                 memory_order_release, memory_order_relaxed))
        EVP_PKEY_CTX_free(context);
}

static bool set_up_signature(EVP_PKEY_CTX *context, enum signature_algorithm algorithm)
{
    const EVP_MD *digest = openssl_digest(signature_digest(algorithm));
    switch (algorithm) {
    case SIGNATURE_RSA_PKCS1_SHA256:
    case SIGNATURE_RSA_PKCS1_SHA384:
    case SIGNATURE_RSA_PKCS1_SHA512:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, digest) == 1;
    case SIGNATURE_RSA_PSS_SHA256:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, digest) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    case SIGNATURE_ECDSA_SHA256:
    case SIGNATURE_ECDSA_SHA384:
        return EVP_PKEY_CTX_set_signature_md(context, digest) == 1;
    }
    return false;
}

EVP_PKEY_CTX *openssl_signature_context(EVP_PKEY *key, enum signature_algorithm algorithm,
                                        enum openssl_operation operation)
{
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context =
        key != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    if (context == NULL)
        return NULL;
    int ready =
        operation == OPENSSL_SIGN ? EVP_PKEY_sign_init(context) : EVP_PKEY_verify_init(context);
    if (ready != 1 || !set_up_signature(context, algorithm))
        return NULL;
    return memory_steal(&context);
}

EVP_PKEY_CTX *openssl_encryption_context(EVP_PKEY *key, enum encryption_algorithm algorithm,
                                         enum openssl_operation operation)
{
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context =
        key != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    if (context == NULL)
        return NULL;
    const EVP_MD *digest =
        openssl_digest(algorithm == ENCRYPTION_RSA_OAEP_SHA1 ? DIGEST_SHA1 : DIGEST_SHA256);
    int ready = operation == OPENSSL_ENCRYPT ? EVP_PKEY_encrypt_init(context)
                                             : EVP_PKEY_decrypt_init(context);
    if (ready != 1 || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, digest) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) != 1)
        return NULL;
    return memory_steal(&context);
}

#define PBKDF2_ITERATIONS_MAX 10000000

/* The OIDs' contents, of RFC 8018 and of NIST's AES. */
static const uint8_t oid_pbes2[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d};
static const uint8_t oid_pbkdf2[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c};
static const uint8_t oid_aes[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};

/* PBES2-params ::= SEQUENCE { keyDerivationFunc, encryptionScheme }, where PBKDF2-params ::=
 * SEQUENCE { salt OCTET STRING, iterationCount INTEGER, … } (RFC 8018 A.4, A.2). */
static bool check_pbes2(struct slice parameters, const struct error_code *legacy,
                        const struct error_code *unreadable, struct error *err)
{
    struct reader outer = reader_of(parameters);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    struct reader derivation = der_enter(&reader, DER_SEQUENCE);
    struct slice kdf = der_read(&derivation, DER_OID);
    if (derivation.failed || !slice_equal(kdf, slice_of(oid_pbkdf2, sizeof oid_pbkdf2)))
        return error_set(err, unreadable, "RFC 8018 A.4", NULL,
                         "it is encrypted with a key derivation other than PBKDF2");
    struct reader pbkdf2 = der_enter(&derivation, DER_SEQUENCE);
    der_read(&pbkdf2, DER_OCTET_STRING);
    uint64_t iterations = der_read_number(&pbkdf2, PBKDF2_ITERATIONS_MAX);
    if (pbkdf2.failed || iterations == 0)
        return error_set(err, &crypto_kdf_parameters, "RFC 8018 A.2", NULL,
                         "the iterations of its PBKDF2 are not between 1 and %d",
                         PBKDF2_ITERATIONS_MAX);
    struct reader scheme = der_enter(&reader, DER_SEQUENCE);
    struct slice cipher = der_read(&scheme, DER_OID);
    if (!reader_done(&reader) || !reader_done(&outer) || cipher.size == 0)
        return error_set(err, unreadable, "RFC 8018 A.4", NULL,
                         "the parameters of its encryption cannot be read");
    char text[64];
    if (cipher.size != sizeof oid_aes + 1 || memcmp(cipher.data, oid_aes, sizeof oid_aes) != 0)
        return error_set(err, legacy, "RFC 8018 B.2", NULL,
                         "it is encrypted with the cipher %s instead of AES",
                         der_format_oid(cipher, text, sizeof text));
    return true;
}

bool openssl_check_encryption(const X509_ALGOR *algorithm, const struct error_code *legacy,
                              const struct error_code *unreadable, struct error *err)
{
    const ASN1_OBJECT *oid;
    int type;
    const void *value;
    X509_ALGOR_get0(&oid, &type, &value, algorithm);
    struct slice scheme = slice_of(OBJ_get0_data(oid), OBJ_length(oid));
    if (!slice_equal(scheme, slice_of(oid_pbes2, sizeof oid_pbes2))) {
        char text[64];
        return error_set(err, legacy, "RFC 8018 6.2", NULL,
                         "it is encrypted with the scheme %s instead of PBES2 with AES",
                         der_format_oid(scheme, text, sizeof text));
    }
    const ASN1_STRING *parameters = value;
    if (type != V_ASN1_SEQUENCE || parameters == NULL)
        return error_set(err, unreadable, "RFC 8018 A.4", NULL,
                         "the parameters of its encryption are missing");
    struct slice der =
        slice_of(ASN1_STRING_get0_data(parameters), (size_t)ASN1_STRING_length(parameters));
    return check_pbes2(der, legacy, unreadable, err);
}
