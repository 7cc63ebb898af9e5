/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkcs12.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "base/memory.h"
#include "crypto/errors.h"
#include "crypto/private_key_openssl.h"

#define PFX_SIZE_MAX (1024 * 1024)
#define PASSWORD_SIZE_MAX 1024
#define BAGS_MAX 64
#define SAFES_MAX 16
#define MAC_ITERATIONS_MAX 10000000
/* OWASP's figure for PBKDF2 with SHA-256. */
#define ITERATIONS_WRITTEN 600000

static inline void free_pfx(PKCS12 **pfx)
{
    PKCS12_free(*pfx);
}
static inline void free_safes(STACK_OF(PKCS7) * *safes)
{
    sk_PKCS7_pop_free(*safes, PKCS7_free);
}
static inline void free_bags(STACK_OF(PKCS12_SAFEBAG) * *bags)
{
    sk_PKCS12_SAFEBAG_pop_free(*bags, PKCS12_SAFEBAG_free);
}

/* A password as OpenSSL takes it: an empty one is NULL, or a text of no characters, and files have
 * either. */
struct password {
    const char *text;
    int size;
};

/* What was found so far. */
struct contents {
    struct private_key *key;
    size_t keys, bags;
    struct certificate *certificates[BAGS_MAX];
    size_t certificate_count;
    /* Why a certificate was passed over. One of the chain may be what this project has no use for;
     * it matters only when the key's own is missing. */
    struct error passed_over;
};

static void contents_done(struct contents *contents)
{
    private_key_free(&contents->key);
    for (size_t i = 0; i < contents->certificate_count; i++)
        certificate_free(&contents->certificates[i]);
}

static bool malformed(struct error *err, const char *clause, const char *what)
{
    ERR_clear_error();
    return error_set(err, &crypto_pkcs12_malformed, clause, NULL, "%s", what);
}

static bool password_wrong(struct error *err)
{
    ERR_clear_error();
    return error_set(err, &crypto_password_wrong, "RFC 7292 4", NULL,
                     "the password does not open the PFX file");
}

static bool add_key(struct contents *contents, PKCS8_PRIV_KEY_INFO *info, struct error *err)
{
    contents->keys++;
    /* More than one is refused in the end; until then they only have to be counted. */
    if (contents->key != NULL) {
        PKCS8_PRIV_KEY_INFO_free(info);
        return true;
    }
    EVP_PKEY *handle = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (handle == NULL) {
        ERR_clear_error();
        return error_set(err, &crypto_key_unsupported, "RFC 7292 4.2.1", NULL,
                         "the PFX file's private key is of no kind that can be read");
    }
    return private_key_of_openssl(&contents->key, handle, err);
}

static bool add_shrouded_key(struct contents *contents, const PKCS12_SAFEBAG *bag,
                             struct password password, struct error *err)
{
    const X509_ALGOR *algorithm;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
    if (!openssl_check_encryption(algorithm, &crypto_pkcs12_legacy, &crypto_pkcs12_malformed, err))
        return false;
    PKCS8_PRIV_KEY_INFO *info = PKCS12_decrypt_skey(bag, password.text, password.size);
    return info == NULL ? password_wrong(err) : add_key(contents, info, err);
}

static bool add_certificate(struct contents *contents, const PKCS12_SAFEBAG *bag, struct error *err)
{
    X509 *x509 = PKCS12_SAFEBAG_get1_cert(bag);
    unsigned char *der = NULL;
    int size = x509 == NULL ? -1 : i2d_X509(x509, &der);
    X509_free(x509);
    if (size <= 0)
        return malformed(err, "RFC 7292 4.2.3", "a certificate in the PFX file cannot be read");
    struct certificate **next = &contents->certificates[contents->certificate_count];
    if (certificate_parse(next, slice_of(der, (size_t)size), &contents->passed_over))
        contents->certificate_count++;
    OPENSSL_free(der);
    return true;
}

static bool add_bag(struct contents *contents, const PKCS12_SAFEBAG *bag, struct password password,
                    struct error *err)
{
    if (++contents->bags > BAGS_MAX)
        return malformed(err, "RFC 7292 4.2", "the PFX file holds more than 64 objects");
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag: {
        PKCS8_PRIV_KEY_INFO *copy =
            ASN1_item_dup(ASN1_ITEM_rptr(PKCS8_PRIV_KEY_INFO), PKCS12_SAFEBAG_get0_p8inf(bag));
        if (copy == NULL)
            return openssl_error(err, "copy of a private key");
        return add_key(contents, copy, err);
    }
    case NID_pkcs8ShroudedKeyBag:
        return add_shrouded_key(contents, bag, password, err);
    case NID_certBag:
        if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
            return true;
        return add_certificate(contents, bag, err);
    case NID_safeContentsBag:
        return malformed(err, "RFC 7292 4.2.6",
                         "the PFX file nests its objects; export key and certificate plainly");
    default:
        return true; /* revocation lists and secrets: nothing that is read here */
    }
}

static bool check_encrypted(const PKCS7 *safe, struct error *err)
{
    const PKCS7_ENCRYPT *encrypted = safe->d.encrypted;
    if (encrypted == NULL || encrypted->enc_data == NULL || encrypted->enc_data->algorithm == NULL)
        return malformed(err, "RFC 7292 4.1", "an encrypted part of the PFX file is empty");
    return openssl_check_encryption(encrypted->enc_data->algorithm, &crypto_pkcs12_legacy,
                                    &crypto_pkcs12_malformed, err);
}

/* One element of the authenticated safe: bags in the clear, or encrypted. */
static bool add_safe(struct contents *contents, PKCS7 *safe, struct password password,
                     struct error *err)
{
    __attribute__((cleanup(free_bags))) STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    if (PKCS7_type_is_data(safe)) {
        bags = PKCS12_unpack_p7data(safe);
        if (bags == NULL)
            return malformed(err, "RFC 7292 4.1", "a part of the PFX file cannot be read");
    } else if (PKCS7_type_is_encrypted(safe)) {
        if (!check_encrypted(safe, err))
            return false;
        bags = PKCS12_unpack_p7encdata(safe, password.text, password.size);
        if (bags == NULL)
            return password_wrong(err);
    } else {
        return malformed(err, "RFC 7292 4.1",
                         "a part of the PFX file is encrypted to a public key, not a password");
    }
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++)
        if (!add_bag(contents, sk_PKCS12_SAFEBAG_value(bags, i), password, err))
            return false;
    return true;
}

static bool check_shrouded_keys(PKCS7 *safe, struct error *err)
{
    __attribute__((cleanup(free_bags))) STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(safe);
    if (bags == NULL)
        return malformed(err, "RFC 7292 4.1", "a part of the PFX file cannot be read");
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        if (PKCS12_SAFEBAG_get_nid(bag) != NID_pkcs8ShroudedKeyBag)
            continue;
        const X509_ALGOR *algorithm;
        X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
        if (!openssl_check_encryption(algorithm, &crypto_pkcs12_legacy, &crypto_pkcs12_malformed,
                                      err))
            return false;
    }
    return true;
}

/* Legacy ciphers are named before a password is tried, as far as they show without one. */
static bool check_safes(STACK_OF(PKCS7) * safes, struct error *err)
{
    if (sk_PKCS7_num(safes) > SAFES_MAX)
        return malformed(err, "RFC 7292 4.1", "the PFX file has more than 16 parts");
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        PKCS7 *safe = sk_PKCS7_value(safes, i);
        if (PKCS7_type_is_encrypted(safe) && !check_encrypted(safe, err))
            return false;
        if (PKCS7_type_is_data(safe) && !check_shrouded_keys(safe, err))
            return false;
    }
    return true;
}

/* Finds out in which of its forms the password verifies the MAC. */
static bool check_mac(PKCS12 *pfx, struct password *password, struct error *err)
{
    if (PKCS12_mac_present(pfx) != 1)
        return malformed(err, "RFC 7292 4",
                         "the PFX file has no MAC that its password could check");
    const ASN1_INTEGER *iterations_field;
    const X509_ALGOR *algorithm;
    PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations_field, pfx);
    int64_t iterations = 1;
    if (iterations_field != NULL && ASN1_INTEGER_get_int64(&iterations, iterations_field) != 1)
        iterations = 0;
    if (iterations < 1 || iterations > MAC_ITERATIONS_MAX)
        return error_set(err, &crypto_kdf_parameters, "RFC 7292 4", NULL,
                         "the iterations of the PFX file's MAC are not between 1 and %d",
                         MAC_ITERATIONS_MAX);
    const ASN1_OBJECT *digest;
    X509_ALGOR_get0(&digest, NULL, NULL, algorithm);
    if (EVP_get_digestbyobj(digest) == NULL)
        return malformed(err, "RFC 7292 4", "the PFX file's MAC is of a kind that cannot be read");
    if (PKCS12_verify_mac(pfx, password->text, password->size) == 1)
        return true;
    if (password->size > 0)
        return password_wrong(err);
    *password = (struct password){"", 0};
    return PKCS12_verify_mac(pfx, password->text, password->size) == 1 || password_wrong(err);
}

/* The key's certificate among those that were found. */
static bool choose(struct private_key **key, struct certificate **certificate,
                   struct contents *contents, struct error *err)
{
    bool passed_over = contents->passed_over.code != NULL;
    if (contents->keys != 1 || (contents->certificate_count == 0 && !passed_over))
        return error_set(err, &crypto_pkcs12_keys, "RFC 7292 4.2", NULL,
                         "the PFX file holds %zu private keys and %zu certificates", contents->keys,
                         contents->certificate_count);
    const uint8_t *wanted = public_key_digest(private_key_public(contents->key));
    for (size_t i = 0; i < contents->certificate_count; i++) {
        struct certificate *candidate = contents->certificates[i];
        if (memcmp(public_key_digest(certificate_key(candidate)), wanted, DIGEST_SHA256_SIZE) != 0)
            continue;
        *certificate = certificate_ref(candidate);
        *key = memory_steal(&contents->key);
        return true;
    }
    if (passed_over) {
        if (err != NULL)
            *err = contents->passed_over;
        return false;
    }
    return error_set(err, &crypto_key_mismatch, "RFC 7292 4.2",
                     certificate_facts(contents->certificates[0])->subject_text,
                     "the PFX file's private key belongs to none of its certificates");
}

static bool parse_safes(struct private_key **key, struct certificate **certificate, PKCS12 *pfx,
                        struct password password, struct error *err)
{
    __attribute__((cleanup(free_safes))) STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(pfx);
    if (safes == NULL)
        return malformed(err, "RFC 7292 4", "the PFX file's contents cannot be read");
    if (!check_safes(safes, err) || !check_mac(pfx, &password, err))
        return false;
    __attribute__((cleanup(contents_done))) struct contents contents = {0};
    for (int i = 0; i < sk_PKCS7_num(safes); i++)
        if (!add_safe(&contents, sk_PKCS7_value(safes, i), password, err))
            return false;
    return choose(key, certificate, &contents, err);
}

/* A copy of the password with a NUL behind it, which OpenSSL looks for in places. */
static const char *terminate(struct secret *copy, struct slice password)
{
    secret_init(copy, password.size + 1);
    if (password.size > 0)
        memcpy(copy->data, password.data, password.size);
    return (const char *)copy->data;
}

bool pkcs12_parse(struct private_key **key, struct certificate **certificate, struct slice pfx,
                  struct slice password, struct error *err)
{
    if (pfx.size == 0 || pfx.size > PFX_SIZE_MAX)
        return error_set(err, &crypto_pkcs12_malformed, NULL, NULL,
                         "a PFX file has 1 byte to 1 MiB, not %zu bytes", pfx.size);
    const unsigned char *position = pfx.data;
    __attribute__((cleanup(free_pfx))) PKCS12 *parsed = d2i_PKCS12(NULL, &position, (long)pfx.size);
    if (parsed == NULL || position != pfx.data + pfx.size)
        return malformed(err, "RFC 7292 4", "the file is not one whole PFX structure");
    if (password.size > PASSWORD_SIZE_MAX)
        return password_wrong(err);
    _cleanup_secret_ struct secret copy = SECRET_EMPTY;
    struct password given = {NULL, (int)password.size};
    if (password.size > 0)
        given.text = terminate(&copy, password);
    return parse_safes(key, certificate, parsed, given, err);
}

static X509 *to_x509(const struct certificate *certificate)
{
    struct slice der = certificate_der(certificate);
    const unsigned char *position = der.data;
    return d2i_X509(NULL, &position, (long)der.size);
}

bool pkcs12_format(struct buf *out, const struct private_key *key,
                   const struct certificate *certificate, const char *name, struct slice password,
                   struct error *err)
{
    if (memcmp(public_key_digest(private_key_public(key)),
               public_key_digest(certificate_key(certificate)), DIGEST_SHA256_SIZE) != 0)
        return error_set(err, &crypto_key_mismatch, NULL,
                         certificate_facts(certificate)->subject_text,
                         "the private key is not the certificate's");
    X509 *x509 = to_x509(certificate);
    /* Of its own: OpenSSL takes it writable, and others copy key's at any time. */
    _cleanup_pkey_ EVP_PKEY *handle = EVP_PKEY_dup(private_key_handle(key));
    if (x509 == NULL || handle == NULL) {
        X509_free(x509);
        return openssl_error(err, "writing a PFX file");
    }
    _cleanup_secret_ struct secret copy = SECRET_EMPTY;
    __attribute__((cleanup(free_pfx))) PKCS12 *pfx =
        PKCS12_create(terminate(&copy, password), name, handle, x509, NULL, NID_aes_256_cbc,
                      NID_aes_256_cbc, ITERATIONS_WRITTEN, ITERATIONS_WRITTEN, 0);
    X509_free(x509);
    unsigned char *der = NULL;
    int size = pfx == NULL ? -1 : i2d_PKCS12(pfx, &der);
    if (size <= 0)
        return openssl_error(err, "writing a PFX file");
    buf_append_bytes(out, der, (size_t)size);
    OPENSSL_free(der);
    return buf_ok(out, "PFX file", err);
}
