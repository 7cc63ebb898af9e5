/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/pem.h"
#include "crypto/public_key.h"

#define RSA1_MAGIC 0x31415352 /* "RSA1" */
#define RSA1_CLAUSE "BCRYPT_RSAKEY_BLOB"

static void write_rsa_spki(struct buf *out, struct slice modulus, struct slice exponent)
{
    static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    size_t spki = der_begin(out, DER_SEQUENCE);
    buf_append_bytes(out, algorithm, sizeof algorithm);
    size_t bits = der_begin(out, DER_BIT_STRING);
    buf_append_u8(out, 0);
    size_t key = der_begin(out, DER_SEQUENCE);
    der_write_unsigned(out, modulus);
    der_write_unsigned(out, exponent);
    der_end(out, key);
    der_end(out, bits);
    der_end(out, spki);
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
    uint32_t primes = reader_u32_le(&reader) | reader_u32_le(&reader);
    struct slice exponent = reader_bytes(&reader, exponent_size);
    struct slice modulus = reader_bytes(&reader, modulus_size);
    if (!reader_done(&reader) || magic != RSA1_MAGIC || primes != 0 || exponent_size == 0 ||
        modulus_size == 0)
        return error_set(err, &crypto_key_malformed, RSA1_CLAUSE, NULL,
                         "the RSA1 key blob's sizes do not add up to its %zu bytes", bytes.size);
    struct buf spki;
    buf_init(&spki, bytes.size + 64);
    write_rsa_spki(&spki, modulus, exponent);
    struct public_key *key = NULL;
    bool parsed =
        buf_ok(&spki, "RSA1 key blob", err) && public_key_parse(&key, buf_slice(&spki), err);
    buf_done(&spki);
    if (!parsed)
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
