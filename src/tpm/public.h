/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The public area of a TPM object (TPM 2.0 Part 2, 12.2: TPMT_PUBLIC, and TPM2B_PUBLIC with its
 * size before it) as a checked structure. RSA and ECC objects only; every byte is accounted for.
 */

#include "base/buf.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"

/* TPM_ALG_ID, as far as they occur here (the digests are enum digest_algorithm). */
enum tpm_algorithm {
    TPM_ALGORITHM_RSA = 0x0001,
    TPM_ALGORITHM_AES = 0x0006,
    TPM_ALGORITHM_NULL = 0x0010,
    TPM_ALGORITHM_ECC = 0x0023,
    TPM_ALGORITHM_CFB = 0x0043,
};

enum tpm_curve { TPM_CURVE_P256 = 0x0003, TPM_CURVE_P384 = 0x0004, TPM_CURVE_P521 = 0x0005 };

/* TPMA_OBJECT. */
enum tpm_attribute {
    TPM_FIXED_TPM = 0x00000002,
    TPM_ST_CLEAR = 0x00000004,
    TPM_FIXED_PARENT = 0x00000010,
    TPM_SENSITIVE_DATA_ORIGIN = 0x00000020,
    TPM_USER_WITH_AUTH = 0x00000040,
    TPM_ADMIN_WITH_POLICY = 0x00000080,
    TPM_NO_DA = 0x00000400,
    TPM_ENCRYPTED_DUPLICATION = 0x00000800,
    TPM_RESTRICTED = 0x00010000,
    TPM_DECRYPT = 0x00020000,
    TPM_SIGN = 0x00040000,
};

#define TPM_PUBLIC_SIZE_MAX 1024                /* bytes of a TPMT_PUBLIC that is read here */
#define TPM_NAME_SIZE_MAX (2 + DIGEST_SIZE_MAX) /* nameAlg and digest */

/* Slices are borrowed from the bytes parsed. */
struct tpm_public {
    uint16_t type; /* TPM_ALGORITHM_RSA or TPM_ALGORITHM_ECC */
    enum digest_algorithm name_algorithm;
    uint32_t attributes; /* enum tpm_attribute */
    struct slice policy; /* authPolicy; empty or a digest of name_algorithm */
    uint16_t symmetric, symmetric_bits, symmetric_mode; /* TPM_ALGORITHM_NULL: the others are 0 */
    uint16_t scheme, scheme_hash;                       /* TPM_ALGORITHM_NULL: the other is 0 */
    uint16_t rsa_bits;
    uint32_t rsa_exponent; /* as encoded; 0 stands for 65537 */
    struct slice rsa_modulus;
    uint16_t curve, kdf, kdf_hash; /* ECC */
    struct slice ecc_x, ecc_y;     /* at most as long as the curve's field */
    struct slice area;             /* the whole TPMT_PUBLIC */
};

/* A whole TPMT_PUBLIC, nothing behind it. tpm.public-malformed, tpm.public-unsupported. */
bool tpm_public_parse(struct tpm_public *out, struct slice area, struct error *err);
/* A whole TPM2B_PUBLIC: its u16 size, then that many bytes. The same errors. */
bool tpm_public_parse_sized(struct tpm_public *out, struct slice bytes, struct error *err);
/* Its Name: nameAlg (big-endian) ‖ digest of the area (Part 1, 16). Returns its size. */
size_t tpm_public_name(uint8_t out[TPM_NAME_SIZE_MAX], const struct tpm_public *area);
/* Its key. tpm.public-unsupported (a curve that is not used here), crypto.key-*. */
bool tpm_public_key(struct public_key **out, const struct tpm_public *area, struct error *err);
