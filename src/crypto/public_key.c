/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/public_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/public_key_openssl.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
/* Verifying costs time in proportion to the exponent, and no larger one is in use. */
#define RSA_EXPONENT_SIZE_MAX 8

struct public_key {
    atomic_uint references;
    enum public_key_type type;
    int bits;
    /* An RSA key gets one at its first use: many are only copied into certificates. */
    _Atomic(EVP_PKEY *) handle;
    struct slice modulus, exponent; /* of an RSA key; inside spki */
    struct openssl_idle verify[SIGNATURE_ECDSA_SHA384 + 1];
    struct openssl_idle encrypt[ENCRYPTION_RSA_OAEP_SHA1 + 1];
    struct openssl_idle labelled[DIGEST_SHA512 + 1];
    uint8_t digest[DIGEST_SHA256_SIZE];
    struct slice material; /* inside spki */
    size_t spki_size;
    uint8_t spki[];
};

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_p521[] = {0x2b, 0x81, 0x04, 0x00, 0x23};
#define OID_IS(oid, expected) slice_equal(oid, slice_of(expected, sizeof(expected)))

#define SPKI_CLAUSE "RFC 5280 4.1.2.7"

/* What people are most likely to offer instead, by name. */
static const struct {
    const char *oid, *name;
} unsupported_names[] = {
    {"1.2.840.113549.1.1.7", "RSAES-OAEP"},
    {"1.2.840.113549.1.1.10", "RSASSA-PSS"},
    {"1.2.840.10040.4.1", "DSA"},
    {"1.2.840.113549.1.3.1", "DH"},
    {"1.2.840.10046.2.1", "DH"},
    {"1.3.101.110", "X25519"},
    {"1.3.101.111", "X448"},
    {"1.3.101.112", "Ed25519"},
    {"1.3.101.113", "Ed448"},
    {"1.2.840.10045.3.1.1", "P-192"},
    {"1.3.132.0.10", "secp256k1"},
    {"1.3.132.0.33", "P-224"},
    {"1.3.132.0.35", "P-521"},
    {"1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"},
    {"1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"},
};

static bool unsupported(struct error *err, const char *what, struct slice oid)
{
    char text[128];
    der_format_oid(oid, text, sizeof text);
    for (size_t i = 0; i < sizeof unsupported_names / sizeof unsupported_names[0]; i++)
        if (strcmp(unsupported_names[i].oid, text) == 0)
            return error_set(err, &crypto_key_unsupported, SPKI_CLAUSE, NULL,
                             "the key's %s is %s (%s), which is not used here", what,
                             unsupported_names[i].name, text);
    return error_set(err, &crypto_key_unsupported, SPKI_CLAUSE, NULL,
                     "the key's %s %s is not used here", what, text);
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &crypto_key_malformed, SPKI_CLAUSE, NULL, "%s", what);
}

static int count_bits(struct slice number)
{
    int bits = (int)number.size * 8;
    for (uint8_t top = number.data[0]; (top & 0x80) == 0 && bits > 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

/* EVP_PKEY_fromdata takes numbers in the machine's order. */
static void reverse(uint8_t *out, struct slice in)
{
    for (size_t i = 0; i < in.size; i++)
        out[i] = in.data[in.size - 1 - i];
}

static EVP_PKEY *make_rsa(struct slice modulus, struct slice exponent)
{
    static struct openssl_idle idle;
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context = openssl_idle_take(&idle);
    if (context == NULL) {
        context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
        if (context == NULL || EVP_PKEY_fromdata_init(context) != 1)
            return NULL;
    }
    uint8_t n[RSA_BITS_MAX / 8], e[RSA_EXPONENT_SIZE_MAX];
    reverse(n, modulus);
    reverse(e, exponent);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, modulus.size),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, exponent.size),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        return NULL;
    openssl_idle_put(&idle, memory_steal(&context));
    return key;
}

/* subjectPublicKey is RSAPublicKey ::= SEQUENCE { modulus, publicExponent } (RFC 8017 A.1.1). */
static bool parse_rsa(struct public_key *key, struct error *err)
{
    struct reader outer = reader_of(key->material);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    struct slice modulus = der_read_unsigned(&reader);
    struct slice exponent = der_read_unsigned(&reader);
    if (!reader_done(&reader) || !reader_done(&outer))
        return malformed(err, "the RSA key is not two positive DER integers");
    int bits = count_bits(modulus);
    if (bits < RSA_BITS_MIN)
        return error_set(err, &crypto_key_too_small, "RFC 8017 A.1.1", NULL,
                         "the RSA key has %d bits; at least %d are needed", bits, RSA_BITS_MIN);
    if (bits > RSA_BITS_MAX)
        return error_set(err, &crypto_key_unsupported, "RFC 8017 A.1.1", NULL,
                         "the RSA key has %d bits; at most %d are used here", bits, RSA_BITS_MAX);
    if ((modulus.data[modulus.size - 1] & 1) == 0)
        return malformed(err, "the RSA modulus is even");
    if (exponent.size > RSA_EXPONENT_SIZE_MAX)
        return error_set(err, &crypto_key_unsupported, "RFC 8017 A.1.1", NULL,
                         "the RSA public exponent has %zu bytes; at most %d are used here",
                         exponent.size, RSA_EXPONENT_SIZE_MAX);
    bool odd = (exponent.data[exponent.size - 1] & 1) != 0;
    if (!odd || (exponent.size == 1 && exponent.data[0] < 3))
        return malformed(err, "the RSA public exponent is not an odd number of at least 3");
    key->bits = bits;
    key->modulus = modulus;
    key->exponent = exponent;
    return true;
}

/* Keys without a point, to be copied: finding a curve by its name costs more than its point. */
static struct {
    const char *name;
    size_t field_size;
    EVP_PKEY *empty;
    int bits;
} curves[] = {[PUBLIC_KEY_P256] = {"P-256", 32, NULL, 256},
              [PUBLIC_KEY_P384] = {"P-384", 48, NULL, 384},
              [PUBLIC_KEY_P521] = {"P-521", 66, NULL, 521}};
static pthread_once_t curves_once = PTHREAD_ONCE_INIT;

static void make_curves(void)
{
    for (int type = PUBLIC_KEY_P256; type <= PUBLIC_KEY_P521; type++) {
        _cleanup_pkey_ctx_ EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curves[type].name,
                                             0),
            OSSL_PARAM_construct_end(),
        };
        if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
            EVP_PKEY_fromdata(context, &curves[type].empty, EVP_PKEY_KEY_PARAMETERS, parameters) !=
                1)
            openssl_abort(curves[type].name);
    }
}

static bool parse_point(struct public_key *key, struct error *err)
{
    pthread_once(&curves_once, make_curves);
    enum public_key_type type = key->type;
    struct slice material = key->material;
    size_t field_size = curves[type].field_size;
    if (material.size == 1 + field_size && (material.data[0] == 2 || material.data[0] == 3))
        return error_set(err, &crypto_key_unsupported, "RFC 5480 2.2", NULL,
                         "the %s key is a compressed point; write it uncompressed",
                         curves[type].name);
    if (material.size != 1 + 2 * field_size || material.data[0] != 4)
        return malformed(err, "the EC key is not an uncompressed point of its curve");
    _cleanup_pkey_ EVP_PKEY *handle = EVP_PKEY_dup(curves[type].empty);
    if (handle == NULL)
        return openssl_error(err, "EC public key");
    if (EVP_PKEY_set1_encoded_public_key(handle, material.data, material.size) != 1) {
        ERR_clear_error();
        return malformed(err, "the EC key is a point that is not on its curve");
    }
    key->bits = curves[type].bits;
    atomic_init(&key->handle, memory_steal(&handle));
    return true;
}

/* AlgorithmIdentifier ::= SEQUENCE { OID, parameters } (RFC 3279 2.3.1 and 2.3.5). */
static bool parse_type(enum public_key_type *type, struct reader algorithm, bool endorsement,
                       struct error *err)
{
    struct slice oid = der_read(&algorithm, DER_OID);
    if (algorithm.failed || oid.size == 0)
        return malformed(err, "the key does not name its algorithm");
    *type = PUBLIC_KEY_RSA;
    if (OID_IS(oid, oid_rsa)) {
        struct slice null = der_read(&algorithm, DER_NULL);
        return (reader_done(&algorithm) && null.size == 0) ||
               malformed(err, "the parameters of an RSA key are not NULL");
    }
    if (!OID_IS(oid, oid_ec))
        return unsupported(err, "algorithm", oid);
    if (der_peek(&algorithm) == DER_SEQUENCE)
        return error_set(err, &crypto_key_unsupported, "RFC 5480 2.1.1", NULL,
                         "the EC key spells out its curve; only named curves are used here");
    struct slice curve = der_read(&algorithm, DER_OID);
    if (!reader_done(&algorithm))
        return malformed(err, "the parameters of an EC key are not the name of a curve");
    if (OID_IS(curve, oid_p256))
        *type = PUBLIC_KEY_P256;
    else if (OID_IS(curve, oid_p384))
        *type = PUBLIC_KEY_P384;
    else if (endorsement && OID_IS(curve, oid_p521))
        *type = PUBLIC_KEY_P521;
    else
        return unsupported(err, "curve", curve);
    return true;
}

bool public_key_parse_spki(struct public_key **out, struct slice spki, bool endorsement,
                           struct error *err)
{
    struct reader outer = reader_of(spki);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    struct reader algorithm = der_enter(&reader, DER_SEQUENCE);
    struct slice material = der_read_bits(&reader);
    if (!reader_done(&reader) || !reader_done(&outer))
        return malformed(err, "the key is not one whole DER SubjectPublicKeyInfo");
    enum public_key_type type = PUBLIC_KEY_RSA;
    if (!parse_type(&type, algorithm, endorsement, err))
        return false;
    _cleanup_public_key_ struct public_key *key = memory_allocate_zero(1, sizeof *key + spki.size);
    atomic_init(&key->references, 1);
    key->type = type;
    key->spki_size = spki.size;
    /* All of it is required to be in its one DER form, so this is what we would write. */
    memcpy(key->spki, spki.data, spki.size);
    key->material = slice_of(key->spki + (material.data - spki.data), material.size);
    if (type == PUBLIC_KEY_RSA ? !parse_rsa(key, err) : !parse_point(key, err))
        return false;
    digest_sha256(key->digest, spki);
    *out = memory_steal(&key);
    return true;
}

bool public_key_parse(struct public_key **out, struct slice spki, struct error *err)
{
    return public_key_parse_spki(out, spki, false, err);
}

struct public_key *public_key_ref(struct public_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void public_key_free(struct public_key **key)
{
    struct public_key *dying = key == NULL ? NULL : memory_steal(key);
    if (dying == NULL ||
        atomic_fetch_sub_explicit(&dying->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < sizeof dying->verify / sizeof dying->verify[0]; i++)
        EVP_PKEY_CTX_free(openssl_idle_take(&dying->verify[i]));
    for (size_t i = 0; i < sizeof dying->encrypt / sizeof dying->encrypt[0]; i++)
        EVP_PKEY_CTX_free(openssl_idle_take(&dying->encrypt[i]));
    for (size_t i = 0; i < sizeof dying->labelled / sizeof dying->labelled[0]; i++)
        EVP_PKEY_CTX_free(openssl_idle_take(&dying->labelled[i]));
    EVP_PKEY_free(atomic_load_explicit(&dying->handle, memory_order_acquire));
    free(dying);
}

EVP_PKEY *public_key_handle(const struct public_key *key)
{
    EVP_PKEY *handle = atomic_load_explicit(&key->handle, memory_order_acquire);
    if (handle != NULL)
        return handle;
    /* To callers the key does not change: it only remembers what it takes to use it again. */
    struct public_key *shared = (struct public_key *)key;
    EVP_PKEY *made = make_rsa(key->modulus, key->exponent);
    if (made == NULL || atomic_compare_exchange_strong(&shared->handle, &handle, made))
        return made;
    EVP_PKEY_free(made); /* another thread was first */
    return handle;
}

struct openssl_idle *public_key_idle_labelled(const struct public_key *key,
                                              enum digest_algorithm digest)
{
    return &((struct public_key *)key)->labelled[digest];
}

enum public_key_type public_key_type(const struct public_key *key)
{
    return key->type;
}

int public_key_bits(const struct public_key *key)
{
    return key->bits;
}

struct slice public_key_spki(const struct public_key *key)
{
    return slice_of(key->spki, key->spki_size);
}

struct slice public_key_material(const struct public_key *key)
{
    return key->material;
}

const uint8_t *public_key_digest(const struct public_key *key)
{
    return key->digest;
}

static const char *type_name(const struct public_key *key)
{
    return key->type == PUBLIC_KEY_RSA ? "RSA" : curves[key->type].name;
}

bool public_key_allows_signature(const struct public_key *key, enum signature_algorithm algorithm,
                                 struct error *err)
{
    const char *name = signature_name(algorithm);
    if (name == NULL)
        return error_set(err, &crypto_key_unsupported, NULL, NULL, "%d is no signature algorithm",
                         (int)algorithm);
    bool ecdsa = algorithm == SIGNATURE_ECDSA_SHA256 || algorithm == SIGNATURE_ECDSA_SHA384;
    if (ecdsa == (key->type == PUBLIC_KEY_RSA))
        return error_set(err, &crypto_key_unsupported, NULL, NULL,
                         "a key of type %s makes no signatures of kind %s", type_name(key), name);
    return true;
}

bool public_key_allows_encryption(const struct public_key *key, enum encryption_algorithm algorithm,
                                  struct error *err)
{
    if (algorithm != ENCRYPTION_RSA_OAEP_SHA256 && algorithm != ENCRYPTION_RSA_OAEP_SHA1)
        return error_set(err, &crypto_key_unsupported, NULL, NULL, "%d is no encryption algorithm",
                         (int)algorithm);
    if (key->type != PUBLIC_KEY_RSA)
        return error_set(err, &crypto_key_unsupported, NULL, NULL,
                         "nothing is encrypted to a key of type %s; use an RSA key",
                         type_name(key));
    return true;
}

bool public_key_verify_digest(const struct public_key *key, enum signature_algorithm algorithm,
                              struct slice digest, struct slice signature, struct error *err)
{
    if (!public_key_allows_signature(key, algorithm, err))
        return false;
    struct openssl_idle *idle = &((struct public_key *)key)->verify[algorithm];
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context = openssl_idle_take(idle);
    if (context == NULL)
        context = openssl_signature_context(public_key_handle(key), algorithm, OPENSSL_VERIFY);
    if (context == NULL)
        return openssl_error(err, "verification");
    if (digest.size != digest_size(signature_digest(algorithm)) || signature.size == 0 ||
        EVP_PKEY_verify(context, signature.data, signature.size, digest.data, digest.size) != 1) {
        ERR_clear_error();
        return error_set(err, &crypto_signature_wrong, NULL, NULL,
                         "the signature (%s) was not made by this key over these bytes",
                         signature_name(algorithm));
    }
    openssl_idle_put(idle, memory_steal(&context));
    return true;
}

bool public_key_verify(const struct public_key *key, enum signature_algorithm algorithm,
                       struct slice message, struct slice signature, struct error *err)
{
    if (!public_key_allows_signature(key, algorithm, err))
        return false;
    struct digest digest;
    digest_compute(&digest, signature_digest(algorithm), message);
    return public_key_verify_digest(key, algorithm, digest_slice(&digest), signature, err);
}

bool public_key_encrypt(struct buf *out, const struct public_key *key,
                        enum encryption_algorithm algorithm, struct slice plain, struct error *err)
{
    if (!public_key_allows_encryption(key, algorithm, err))
        return false;
    size_t size = (size_t)(key->bits + 7) / 8;
    size_t overhead =
        2 + 2 * digest_size(algorithm == ENCRYPTION_RSA_OAEP_SHA1 ? DIGEST_SHA1 : DIGEST_SHA256);
    if (plain.size > size - overhead)
        return error_set(err, &crypto_key_unsupported, "RFC 8017 7.1.1", NULL,
                         "an RSA key of %d bits encrypts at most %zu bytes, not %zu", key->bits,
                         size - overhead, plain.size);
    const uint8_t *bytes = plain.size > 0 ? plain.data : (const uint8_t *)"";
    struct openssl_idle *idle = &((struct public_key *)key)->encrypt[algorithm];
    _cleanup_pkey_ctx_ EVP_PKEY_CTX *context = openssl_idle_take(idle);
    if (context == NULL)
        context = openssl_encryption_context(public_key_handle(key), algorithm, OPENSSL_ENCRYPT);
    uint8_t *to = buf_reserve(out, size);
    if (to == NULL)
        return buf_ok(out, "ciphertext", err);
    if (context == NULL || EVP_PKEY_encrypt(context, to, &size, bytes, plain.size) != 1)
        return openssl_error(err, "RSA-OAEP encryption");
    buf_added(out, size);
    openssl_idle_put(idle, memory_steal(&context));
    return true;
}
