/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/algorithms.h"

#include "crypto/algorithm.h"
#include "protector/errors.h"

#include <string.h>

#define XMLDSIG_MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define XMLENC "http://www.w3.org/2001/04/xmlenc#"

static const struct algorithms_row {
    enum algorithms_use use;
    int value;
    const char *uri;
} rows[] = {
    {ALGORITHMS_SIGNATURE, SIGNATURE_RSA_PKCS1_SHA256, XMLDSIG_MORE "rsa-sha256"},
    {ALGORITHMS_SIGNATURE, SIGNATURE_RSA_PKCS1_SHA384, XMLDSIG_MORE "rsa-sha384"},
    {ALGORITHMS_SIGNATURE, SIGNATURE_RSA_PKCS1_SHA512, XMLDSIG_MORE "rsa-sha512"},
    {ALGORITHMS_SIGNATURE, SIGNATURE_RSA_PSS_SHA256,
     "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"},
    {ALGORITHMS_KEY_TRANSPORT, ENCRYPTION_RSA_OAEP_SHA256, XMLENC11_NAMESPACE "rsa-oaep"},
    {ALGORITHMS_KEY_TRANSPORT, ENCRYPTION_RSA_OAEP_SHA1, XMLENC "rsa-oaep-mgf1p"},
    {ALGORITHMS_MAC, DIGEST_SHA256, XMLDSIG_MORE "hmac-sha256"},
    {ALGORITHMS_MAC, DIGEST_SHA384, XMLDSIG_MORE "hmac-sha384"},
    {ALGORITHMS_MAC, DIGEST_SHA512, XMLDSIG_MORE "hmac-sha512"},
    {ALGORITHMS_KEY_DERIVATION, ALGORITHMS_CONCAT_KDF, XMLENC11_NAMESPACE "ConcatKDF"},
    {ALGORITHMS_KEY_WRAP, ALGORITHMS_AES256_KEY_WRAP, XMLENC "kw-aes256"},
    {ALGORITHMS_CONTENT, ALGORITHMS_AES256_GCM, XMLENC11_NAMESPACE "aes256-gcm"},
    {ALGORITHMS_DIGEST, DIGEST_SHA1, XMLDSIG_NAMESPACE "sha1"},
    {ALGORITHMS_DIGEST, DIGEST_SHA256, XMLENC "sha256"},
    {ALGORITHMS_MASK, DIGEST_SHA256, XMLENC11_NAMESPACE "mgf1sha256"},
};

static const char *const use_names[] = {
    [ALGORITHMS_SIGNATURE] = "signatures",
    [ALGORITHMS_KEY_TRANSPORT] = "key transport",
    [ALGORITHMS_MAC] = "transport key signatures",
    [ALGORITHMS_KEY_DERIVATION] = "key derivation",
    [ALGORITHMS_KEY_WRAP] = "key wrap",
    [ALGORITHMS_CONTENT] = "the encryption of transport keys",
    [ALGORITHMS_DIGEST] = "digests",
    [ALGORITHMS_MASK] = "mask generation",
};

bool algorithms_find(int *value, enum algorithms_use use, const char *uri, struct error *err)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].use == use && strcmp(rows[i].uri, uri) == 0) {
            *value = rows[i].value;
            return true;
        }
    }
    return error_set(err, &protector_algorithm, "MS-KPS 2.2.3.12", NULL,
                     "\"%.128s\" is not an algorithm for %s here", uri, use_names[use]);
}

const char *algorithms_uri(enum algorithms_use use, int value)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].use == use && rows[i].value == value)
            return rows[i].uri;
    }
    return NULL;
}
