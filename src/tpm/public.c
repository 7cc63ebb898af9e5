/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/public.h"

#include "tpm/errors.h"

#define CLAUSE "TPM 2.0 Part 2, 12.2"

/* TPM_ALG_ID of the schemes that have a digest as their only detail. */
static const uint16_t digest_schemes[] = {
    0x0014, /* RSASSA */
    0x0016, /* RSAPSS */
    0x0017, /* OAEP */
    0x0018, /* ECDSA */
    0x0019, /* ECDH */
    0x0007, /* MGF1 */
    0x0020, /* KDF1_SP800_56A */
    0x0022, /* KDF1_SP800_108 */
};
#define SCHEME_RSAES 0x0015 /* no details */

static const struct {
    enum tpm_curve curve;
    size_t field_size;
} curves[] = {{TPM_CURVE_P256, 32}, {TPM_CURVE_P384, 48}, {TPM_CURVE_P521, 66}};

static bool unsupported(struct error *err, const char *what, unsigned number)
{
    return error_set(err, &tpm_public_unsupported, CLAUSE, NULL,
                     "the public area has the %s 0x%04x, which is not used here", what, number);
}

static struct slice read_sized(struct reader *reader)
{
    return reader_bytes(reader, reader_u16_be(reader));
}

/* TPMT_SYM_DEF_OBJECT. */
static bool read_symmetric(struct tpm_public *out, struct reader *reader, struct error *err)
{
    out->symmetric = reader_u16_be(reader);
    if (out->symmetric == TPM_ALGORITHM_NULL || reader->failed)
        return true;
    if (out->symmetric != TPM_ALGORITHM_AES)
        return unsupported(err, "symmetric algorithm", out->symmetric);
    out->symmetric_bits = reader_u16_be(reader);
    out->symmetric_mode = reader_u16_be(reader);
    return true;
}

/* A scheme, of asymmetric use or of key derivation, with its digest. */
static bool read_scheme(uint16_t *scheme, uint16_t *hash, struct reader *reader, struct error *err)
{
    *scheme = reader_u16_be(reader);
    if (*scheme == TPM_ALGORITHM_NULL || *scheme == SCHEME_RSAES || reader->failed)
        return true;
    for (size_t i = 0; i < sizeof digest_schemes / sizeof digest_schemes[0]; i++)
        if (digest_schemes[i] == *scheme) {
            *hash = reader_u16_be(reader);
            return true;
        }
    return unsupported(err, "scheme", *scheme);
}

static bool read_rsa(struct tpm_public *out, struct reader *reader, struct error *err)
{
    out->rsa_bits = reader_u16_be(reader);
    out->rsa_exponent = reader_u32_be(reader);
    out->rsa_modulus = read_sized(reader);
    if (!reader->failed && (size_t)out->rsa_bits != out->rsa_modulus.size * 8)
        return error_set(err, &tpm_public_malformed, CLAUSE, NULL,
                         "the public area says %u bits, but its modulus has %zu bytes",
                         out->rsa_bits, out->rsa_modulus.size);
    return true;
}

static size_t field_size(unsigned curve)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (curves[i].curve == curve)
            return curves[i].field_size;
    return 0;
}

static bool read_ecc(struct tpm_public *out, struct reader *reader, struct error *err)
{
    out->curve = reader_u16_be(reader);
    if (!reader->failed && field_size(out->curve) == 0)
        return unsupported(err, "curve", out->curve);
    if (!read_scheme(&out->kdf, &out->kdf_hash, reader, err))
        return false;
    out->ecc_x = read_sized(reader);
    out->ecc_y = read_sized(reader);
    if (!reader->failed &&
        (out->ecc_x.size > field_size(out->curve) || out->ecc_y.size > field_size(out->curve)))
        return error_set(err, &tpm_public_malformed, CLAUSE, NULL,
                         "the public area has a coordinate longer than its curve's %zu bytes",
                         field_size(out->curve));
    return true;
}

static bool read_head(struct tpm_public *out, struct reader *reader, struct error *err)
{
    out->type = reader_u16_be(reader);
    uint16_t name_algorithm = reader_u16_be(reader);
    out->name_algorithm = (enum digest_algorithm)name_algorithm;
    out->attributes = reader_u32_be(reader);
    out->policy = read_sized(reader);
    if (reader->failed)
        return true; /* said at the end */
    if (out->type != TPM_ALGORITHM_RSA && out->type != TPM_ALGORITHM_ECC)
        return unsupported(err, "type", out->type);
    if (digest_size(out->name_algorithm) == 0)
        return unsupported(err, "name algorithm", name_algorithm);
    if (out->policy.size != 0 && out->policy.size != digest_size(out->name_algorithm))
        return error_set(err, &tpm_public_malformed, CLAUSE, NULL,
                         "the public area's authPolicy has %zu bytes", out->policy.size);
    return true;
}

bool tpm_public_parse(struct tpm_public *out, struct slice area, struct error *err)
{
    if (area.size > TPM_PUBLIC_SIZE_MAX)
        return error_set(err, &tpm_public_malformed, CLAUSE, NULL,
                         "a public area of %zu bytes is larger than any", area.size);
    struct tpm_public read = {.area = area};
    struct reader reader = reader_of(area);
    if (!read_head(&read, &reader, err) || !read_symmetric(&read, &reader, err) ||
        !read_scheme(&read.scheme, &read.scheme_hash, &reader, err))
        return false;
    bool good = read.type == TPM_ALGORITHM_RSA ? read_rsa(&read, &reader, err)
                                               : read_ecc(&read, &reader, err);
    if (!good)
        return false;
    if (!reader_done(&reader))
        return error_set(err, &tpm_public_malformed, CLAUSE, NULL,
                         reader.failed ? "the public area ends before its last field"
                                       : "something stands behind the public area's last field");
    *out = read;
    return true;
}

bool tpm_public_parse_sized(struct tpm_public *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct slice area = read_sized(&reader);
    if (!reader_done(&reader))
        return error_set(err, &tpm_public_malformed, "TPM 2.0 Part 2, 12.2.5", NULL,
                         "the size before the public area is not that of its %zu bytes",
                         bytes.size < 2 ? 0 : bytes.size - 2);
    return tpm_public_parse(out, area, err);
}

size_t tpm_public_name(uint8_t out[TPM_NAME_SIZE_MAX], const struct tpm_public *area)
{
    struct digest digest;
    digest_compute(&digest, area->name_algorithm, area->area);
    out[0] = (uint8_t)(area->name_algorithm >> 8);
    out[1] = (uint8_t)area->name_algorithm;
    memcpy(out + 2, digest.value, digest.size);
    return 2 + digest.size;
}

static bool rsa_key(struct public_key **out, const struct tpm_public *area, struct error *err)
{
    uint32_t number = area->rsa_exponent == 0 ? 65537 : area->rsa_exponent;
    uint8_t exponent[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                           (uint8_t)number};
    return public_key_of_rsa(out, area->rsa_modulus, slice_of(exponent, sizeof exponent), err);
}

bool tpm_public_key(struct public_key **out, const struct tpm_public *area, struct error *err)
{
    if (area->type == TPM_ALGORITHM_RSA)
        return rsa_key(out, area, err);
    if (area->curve != TPM_CURVE_P256 && area->curve != TPM_CURVE_P384)
        return unsupported(err, "curve", area->curve);
    enum public_key_type curve = area->curve == TPM_CURVE_P256 ? PUBLIC_KEY_P256 : PUBLIC_KEY_P384;
    return public_key_of_point(out, curve, area->ecc_x, area->ecc_y, err);
}
