/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/pem.h"
#include "crypto/public_key_openssl.h"

#define RSA1_MAGIC 0x31415352 /* "RSA1" */
#define RSA1_CLAUSE "BCRYPT_RSAKEY_BLOB"

/* The whole AlgorithmIdentifiers (RFC 3279 2.3.1, RFC 5480 2.1.1). */
static const uint8_t algorithm_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t algorithm_p256[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
                                         0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t algorithm_p384[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                         0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_rsaes_oaep[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07};

static void write_rsa_spki(struct buf *out, struct slice modulus, struct slice exponent)
{
    size_t spki = der_begin(out, DER_SEQUENCE);
    buf_append_bytes(out, algorithm_rsa, sizeof algorithm_rsa);
    size_t bits = der_begin(out, DER_BIT_STRING);
    buf_append_u8(out, 0);
    size_t key = der_begin(out, DER_SEQUENCE);
    der_write_unsigned(out, modulus);
    der_write_unsigned(out, exponent);
    der_end(out, key);
    der_end(out, bits);
    der_end(out, spki);
}

static bool parse_written(struct public_key **out, struct buf *spki, struct error *err)
{
    bool parsed = buf_ok(spki, "public key", err) && public_key_parse(out, buf_slice(spki), err);
    buf_done(spki);
    return parsed;
}

bool public_key_of_rsa(struct public_key **out, struct slice modulus, struct slice exponent,
                       struct error *err)
{
    struct buf spki;
    buf_init(&spki, modulus.size + exponent.size + 64);
    write_rsa_spki(&spki, modulus, exponent);
    return parse_written(out, &spki, err);
}

/* A coordinate with its leading zeros. */
static bool write_coordinate(struct buf *out, struct slice coordinate, size_t field_size)
{
    if (coordinate.size > field_size)
        return false;
    for (size_t i = coordinate.size; i < field_size; i++)
        buf_append_u8(out, 0);
    buf_append(out, coordinate);
    return true;
}

bool public_key_of_point(struct public_key **out, enum public_key_type curve, struct slice x,
                         struct slice y, struct error *err)
{
    bool p256 = curve == PUBLIC_KEY_P256;
    size_t field_size = p256 ? 32 : 48;
    struct buf spki;
    buf_init(&spki, 256);
    size_t sequence = der_begin(&spki, DER_SEQUENCE);
    buf_append(&spki, p256 ? slice_of(algorithm_p256, sizeof algorithm_p256)
                           : slice_of(algorithm_p384, sizeof algorithm_p384));
    size_t bits = der_begin(&spki, DER_BIT_STRING);
    buf_append_u8(&spki, 0);
    buf_append_u8(&spki, 4);
    bool fits = write_coordinate(&spki, x, field_size) && write_coordinate(&spki, y, field_size);
    der_end(&spki, bits);
    der_end(&spki, sequence);
    if (!fits) {
        buf_done(&spki);
        return error_set(err, &crypto_key_malformed, "RFC 5480 2.2", NULL,
                         "a coordinate of the EC key is longer than its curve's %zu bytes",
                         field_size);
    }
    return parse_written(out, &spki, err);
}

bool public_key_parse_endorsement(struct public_key **out, struct slice spki, struct error *err)
{
    struct reader outer = reader_of(spki);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    struct reader algorithm = der_enter(&reader, DER_SEQUENCE);
    struct slice oid = der_read(&algorithm, DER_OID);
    struct slice material = der_read_bits(&reader);
    if (!reader_done(&reader) || !reader_done(&outer) ||
        !slice_equal(oid, slice_of(oid_rsaes_oaep, sizeof oid_rsaes_oaep)))
        return public_key_parse_spki(out, spki, true, err);
    /* The parameters say how to encrypt, which the TPM's own rules say better. */
    struct buf plain;
    buf_init(&plain, spki.size + 64);
    size_t sequence = der_begin(&plain, DER_SEQUENCE);
    buf_append_bytes(&plain, algorithm_rsa, sizeof algorithm_rsa);
    der_write_bits(&plain, material);
    der_end(&plain, sequence);
    return parse_written(out, &plain, err);
}

/*
 * The header's six little-endian numbers (magic, BitLength, cbPublicExp, cbModulus, cbPrime1,
 * cbPrime2), then exponent and modulus, big-endian. A public key has no primes.
 */
static bool parse_rsa1(struct public_key **out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint32_t magic = reader_u32_le(&reader);
    uint32_t bits = reader_u32_le(&reader);
    uint32_t exponent_size = reader_u32_le(&reader);
    uint32_t modulus_size = reader_u32_le(&reader);
    uint32_t primes = reader_u32_le(&reader);
    primes |= reader_u32_le(&reader);
    struct slice exponent = reader_bytes(&reader, exponent_size);
    struct slice modulus = reader_bytes(&reader, modulus_size);
    if (!reader_done(&reader) || magic != RSA1_MAGIC || primes != 0 || exponent_size == 0 ||
        modulus_size == 0)
        return error_set(err, &crypto_key_malformed, RSA1_CLAUSE, NULL,
                         "the RSA1 key blob's sizes do not add up to its %zu bytes", bytes.size);
    struct public_key *key = NULL;
    if (!public_key_of_rsa(&key, modulus, exponent, err))
        return false;
    if ((uint32_t)public_key_bits(key) != bits) {
        error_set(err, &crypto_key_malformed, RSA1_CLAUSE, NULL,
                  "the RSA1 key blob says %u bits but its modulus has %d", bits,
                  public_key_bits(key));
        public_key_free(&key);
        return false;
    }
    *out = key;
    return true;
}

static bool parse_certificate_key(struct public_key **out, struct slice der, struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse(&certificate, der, err))
        return false;
    *out = public_key_ref(certificate_key(certificate));
    return true;
}

/* Both are a SEQUENCE that begins with a SEQUENCE; a key's begins with an OID. */
static bool looks_like_certificate(struct slice bytes)
{
    struct reader outer = reader_of(bytes);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    struct reader inner = der_enter(&reader, DER_SEQUENCE);
    uint8_t tag = der_peek(&inner);
    return tag == DER_CONTEXT_CONSTRUCTED(0) || tag == DER_INTEGER;
}

bool public_key_parse_any(struct public_key **out, struct slice bytes, struct error *err)
{
    if (bytes.size >= 4 && memcmp(bytes.data, "RSA1", 4) == 0)
        return parse_rsa1(out, bytes, err);
    if (looks_like_certificate(bytes))
        return parse_certificate_key(out, bytes, err);
    return public_key_parse(out, bytes, err);
}

bool public_key_parse_file(struct public_key **out, struct slice bytes, struct error *err)
{
    if (bytes.size > PEM_FILE_SIZE_MAX)
        return error_set(err, &crypto_key_malformed, NULL, NULL,
                         "a key file of %zu bytes is larger than any key", bytes.size);
    if (!pem_is(bytes))
        return public_key_parse_any(out, bytes, err);
    struct buf der;
    buf_init(&der, PEM_FILE_SIZE_MAX);
    bool parsed;
    if (pem_find(&der, bytes, "PUBLIC KEY"))
        parsed = public_key_parse(out, buf_slice(&der), err);
    else if (pem_find(&der, bytes, "CERTIFICATE"))
        parsed = parse_certificate_key(out, buf_slice(&der), err);
    else
        parsed = error_set(err, &crypto_key_malformed, "RFC 7468", NULL,
                           "the PEM file holds neither a PUBLIC KEY nor a CERTIFICATE");
    buf_done(&der);
    return parsed;
}
