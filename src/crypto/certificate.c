/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "crypto/certificate_extensions.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/name.h"
#include "crypto/pem.h"

#define NAME_TEXT_MAX 65536
/* RFC 5280 4.1.2.2 allows 20 bytes; one more holds the sign of issuers that overlooked it. */
#define SERIAL_SIZE_MAX 21

enum { UNVERIFIED, REMEMBERING, VERIFIED };

struct certificate {
    atomic_uint references;
    struct certificate_facts facts;
    struct public_key *key;
    enum signature_algorithm algorithm;               /* 0: none that is known here */
    enum endorsement_signature endorsement_algorithm; /* where algorithm is 0 */
    struct slice signed_part;                         /* tbsCertificate, inside der */
    struct slice signature;                           /* inside der */
    /* The digest of the key that was found to have signed it, so that nobody verifies it twice. */
    atomic_int verification;
    uint8_t verified_by[DIGEST_SHA256_SIZE];
    struct buf subject_text, issuer_text;
    uint8_t der[];
};

/* The whole AlgorithmIdentifiers of RFC 4055 and RFC 5758. */
static const uint8_t rsa_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
static const uint8_t rsa_sha384[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00};
static const uint8_t rsa_sha512[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                     0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00};
static const uint8_t rsa_pss_sha256[] = {
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30,
    0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
    0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
    0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20};
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t ecdsa_sha384[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};

static const struct {
    enum signature_algorithm algorithm;
    struct slice identifier;
} algorithms[] = {
    {SIGNATURE_RSA_PKCS1_SHA256, {rsa_sha256, sizeof rsa_sha256}},
    {SIGNATURE_RSA_PKCS1_SHA384, {rsa_sha384, sizeof rsa_sha384}},
    {SIGNATURE_RSA_PKCS1_SHA512, {rsa_sha512, sizeof rsa_sha512}},
    {SIGNATURE_RSA_PSS_SHA256, {rsa_pss_sha256, sizeof rsa_pss_sha256}},
    {SIGNATURE_ECDSA_SHA256, {ecdsa_sha256, sizeof ecdsa_sha256}},
    {SIGNATURE_ECDSA_SHA384, {ecdsa_sha384, sizeof ecdsa_sha384}},
};

static const uint8_t rsa_sha1[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                   0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00};
static const uint8_t ecdsa_sha512[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x04};

static enum endorsement_signature find_endorsement_algorithm(struct slice identifier)
{
    if (slice_equal(identifier, slice_of(rsa_sha1, sizeof rsa_sha1)))
        return ENDORSEMENT_SIGNATURE_RSA_SHA1;
    if (slice_equal(identifier, slice_of(ecdsa_sha512, sizeof ecdsa_sha512)))
        return ENDORSEMENT_SIGNATURE_ECDSA_SHA512;
    return ENDORSEMENT_SIGNATURE_NONE;
}

struct slice certificate_algorithm_identifier(enum signature_algorithm algorithm)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (algorithms[i].algorithm == algorithm)
            return algorithms[i].identifier;
    return SLICE_EMPTY;
}

static enum signature_algorithm find_algorithm(struct slice identifier)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (slice_equal(algorithms[i].identifier, identifier))
            return algorithms[i].algorithm;
    return 0;
}

static bool malformed(struct error *err, const char *clause, const char *what)
{
    return error_set(err, &crypto_certificate_malformed, clause, NULL, "%s", what);
}

/* Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }. */
static bool parse_outer(struct certificate *certificate, struct slice *algorithm, struct error *err)
{
    struct reader outer = reader_of(certificate->facts.der);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    certificate->signed_part = der_read_element(&reader);
    *algorithm = der_read_element(&reader);
    certificate->signature = der_read_bits(&reader);
    if (!reader_done(&reader) || !reader_done(&outer))
        return malformed(err, "RFC 5280 4.1", "the certificate is not one whole DER structure");
    certificate->algorithm = find_algorithm(*algorithm);
    if (certificate->algorithm == 0)
        certificate->endorsement_algorithm = find_endorsement_algorithm(*algorithm);
    return true;
}

static struct slice read_name(struct reader *reader)
{
    if (der_peek(reader) != DER_SEQUENCE)
        reader->failed = true;
    struct slice name = der_read_element(reader);
    if (!name_check(name))
        reader->failed = true;
    return name;
}

/* The version as its number: 1, 2 or 3. */
static unsigned read_version(struct reader *reader)
{
    if (der_peek(reader) != DER_CONTEXT_CONSTRUCTED(0))
        return 1;
    struct reader explicit = der_enter(reader, DER_CONTEXT_CONSTRUCTED(0));
    unsigned version = (unsigned)der_read_number(&explicit, 2) + 1;
    /* The first version is the default, which DER leaves out. */
    if (!reader_done(&explicit) || version == 1)
        reader->failed = true;
    return version;
}

/* issuerUniqueID and subjectUniqueID, which nobody has used for decades. */
static void skip_unique_ids(struct reader *reader, unsigned version)
{
    for (unsigned i = 1; i <= 2 && version >= 2; i++)
        if (der_peek(reader) == DER_CONTEXT(i))
            der_read_element(reader);
}

typedef bool parse_key(struct public_key **out, struct slice spki, struct error *err);

static bool parse_tbs(struct certificate *certificate, struct slice algorithm, parse_key *parse,
                      struct error *err)
{
    struct certificate_facts *facts = &certificate->facts;
    struct reader outer = reader_of(certificate->signed_part);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    unsigned version = read_version(&reader);
    facts->serial = der_read_integer(&reader);
    struct slice inner_algorithm = der_read_element(&reader);
    facts->issuer = read_name(&reader);
    struct reader validity = der_enter(&reader, DER_SEQUENCE);
    facts->not_before = der_read_time(&validity);
    facts->not_after = der_read_time(&validity);
    facts->subject = read_name(&reader);
    struct slice spki = der_read_element(&reader);
    if (reader.failed || !reader_done(&outer) || !reader_done(&validity) ||
        facts->serial.size > SERIAL_SIZE_MAX)
        return malformed(err, "RFC 5280 4.1.2",
                         "the certificate's version, serial, names, validity or key is malformed");
    if (!slice_equal(inner_algorithm, algorithm))
        return malformed(err, "RFC 5280 4.1.1.2",
                         "the certificate names two different signature algorithms");
    if (!parse(&certificate->key, spki, err))
        return false;
    skip_unique_ids(&reader, version);
    if (version == 3 && !reader.failed && reader.rest.size > 0 &&
        !certificate_read_extensions(facts, &reader, err))
        return false;
    return reader_done(&reader) ||
           malformed(err, "RFC 5280 4.1.2", "something stands behind the certificate's last field");
}

static bool signature_verifies(const struct certificate *certificate, const struct public_key *key,
                               struct error *err)
{
    if (certificate->algorithm == 0)
        return error_set(err, &crypto_key_unsupported, "RFC 5280 4.1.1.2",
                         certificate->facts.subject_text,
                         "the certificate is signed with an algorithm that is not used here");
    return public_key_verify(key, certificate->algorithm, certificate->signed_part,
                             certificate->signature, err);
}

static void remember_verified(struct certificate *certificate, const struct public_key *key)
{
    int expected = UNVERIFIED;
    if (!atomic_compare_exchange_strong(&certificate->verification, &expected, REMEMBERING))
        return;
    memcpy(certificate->verified_by, public_key_digest(key), DIGEST_SHA256_SIZE);
    atomic_store_explicit(&certificate->verification, VERIFIED, memory_order_release);
}

static bool known_verified(const struct certificate *certificate, const struct public_key *key)
{
    return atomic_load_explicit(&certificate->verification, memory_order_acquire) == VERIFIED &&
           memcmp(certificate->verified_by, public_key_digest(key), DIGEST_SHA256_SIZE) == 0;
}

/* What follows from the fields. */
static void derive(struct certificate *certificate)
{
    struct certificate_facts *facts = &certificate->facts;
    name_format(&certificate->subject_text, facts->subject);
    name_format(&certificate->issuer_text, facts->issuer);
    facts->subject_text = buf_text(&certificate->subject_text);
    facts->issuer_text = buf_text(&certificate->issuer_text);
    digest_sha256(facts->thumbprint, facts->der);
    struct digest sha1;
    digest_compute(&sha1, DIGEST_SHA1, facts->der);
    memcpy(facts->thumbprint_sha1, sha1.value, sizeof facts->thumbprint_sha1);
    facts->self_signed = slice_equal(facts->subject, facts->issuer) &&
                         signature_verifies(certificate, certificate->key, NULL);
    if (facts->self_signed)
        remember_verified(certificate, certificate->key);
}

static bool parse_with(struct certificate **out, struct slice der, parse_key *parse,
                       struct error *err)
{
    if (der.size == 0 || der.size > CERTIFICATE_SIZE_MAX)
        return error_set(err, &crypto_certificate_malformed, NULL, NULL,
                         "a certificate has 1 to %d bytes, not %zu", CERTIFICATE_SIZE_MAX,
                         der.size);
    _cleanup_certificate_ struct certificate *certificate =
        memory_allocate_zero(1, sizeof *certificate + der.size);
    atomic_init(&certificate->references, 1);
    buf_init(&certificate->subject_text, NAME_TEXT_MAX);
    buf_init(&certificate->issuer_text, NAME_TEXT_MAX);
    memcpy(certificate->der, der.data, der.size);
    certificate->facts.der = slice_of(certificate->der, der.size);
    certificate->facts.path_length = -1;
    struct slice algorithm;
    if (!parse_outer(certificate, &algorithm, err) ||
        !parse_tbs(certificate, algorithm, parse, err))
        return false;
    derive(certificate);
    *out = memory_steal(&certificate);
    return true;
}

bool certificate_parse(struct certificate **out, struct slice der, struct error *err)
{
    return parse_with(out, der, public_key_parse, err);
}

bool certificate_parse_endorsement(struct certificate **out, struct slice der, struct error *err)
{
    return parse_with(out, der, public_key_parse_endorsement, err);
}

bool certificate_parse_file(struct certificate **out, struct slice bytes, struct error *err)
{
    if (bytes.size > PEM_FILE_SIZE_MAX)
        return error_set(err, &crypto_certificate_malformed, NULL, NULL,
                         "a file of %zu bytes is larger than any certificate", bytes.size);
    if (!pem_is(bytes))
        return certificate_parse(out, bytes, err);
    struct buf der;
    buf_init(&der, PEM_FILE_SIZE_MAX);
    bool parsed = pem_find(&der, bytes, "CERTIFICATE")
                      ? certificate_parse(out, buf_slice(&der), err)
                      : malformed(err, "RFC 7468", "the PEM file holds no whole CERTIFICATE");
    buf_done(&der);
    return parsed;
}

struct certificate *certificate_ref(struct certificate *certificate)
{
    atomic_fetch_add_explicit(&certificate->references, 1, memory_order_relaxed);
    return certificate;
}

void certificate_free(struct certificate **certificate)
{
    struct certificate *dying = certificate == NULL ? NULL : memory_steal(certificate);
    if (dying == NULL ||
        atomic_fetch_sub_explicit(&dying->references, 1, memory_order_acq_rel) != 1)
        return;
    public_key_free(&dying->key);
    buf_done(&dying->subject_text);
    buf_done(&dying->issuer_text);
    free(dying);
}

const struct certificate_facts *certificate_facts(const struct certificate *certificate)
{
    return &certificate->facts;
}

struct public_key *certificate_key(const struct certificate *certificate)
{
    return certificate->key;
}

typedef bool verify(const struct certificate *certificate, const struct public_key *key,
                    struct error *err);

static bool verify_with(const struct certificate *certificate, const struct certificate *issuer,
                        verify *verifies, struct error *err)
{
    const struct certificate_facts *facts = &certificate->facts;
    if (!slice_equal(facts->issuer, issuer->facts.subject))
        return error_set(err, &crypto_signature_wrong, "RFC 5280 6.1.3", facts->subject_text,
                         "the certificate names another issuer than %s",
                         issuer->facts.subject_text);
    if (known_verified(certificate, issuer->key))
        return true;
    if (!verifies(certificate, issuer->key, err))
        return false;
    /* Only what later calls would find out again: to callers the certificate does not change. */
    remember_verified((struct certificate *)certificate, issuer->key);
    return true;
}

bool certificate_verify_issued(const struct certificate *certificate,
                               const struct certificate *issuer, struct error *err)
{
    return verify_with(certificate, issuer, signature_verifies, err);
}

static bool endorsement_verifies(const struct certificate *certificate,
                                 const struct public_key *key, struct error *err)
{
    if (certificate->endorsement_algorithm == ENDORSEMENT_SIGNATURE_NONE)
        return signature_verifies(certificate, key, err);
    return public_key_verify_endorsement(key, certificate->endorsement_algorithm,
                                         certificate->signed_part, certificate->signature, err);
}

bool certificate_verify_endorsement(const struct certificate *certificate,
                                    const struct certificate *issuer, bool authority,
                                    struct error *err)
{
    if (!authority && certificate->endorsement_algorithm == ENDORSEMENT_SIGNATURE_RSA_SHA1)
        return error_set(err, &crypto_key_unsupported, "RFC 5280 4.1.1.2",
                         certificate->facts.subject_text,
                         "the certificate is signed with SHA-1, which can be forged");
    return verify_with(certificate, issuer, endorsement_verifies, err);
}

void certificate_format_pem(struct buf *out, const struct certificate *certificate)
{
    pem_format(out, "CERTIFICATE", certificate->facts.der);
}
