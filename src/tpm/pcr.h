/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Platform configuration registers as values: one bank, selections of it, the digest of PolicyPCR,
 * and the claimed values that a client sends (protocol.md 2.3, blob type 7).
 *
 * A bank is one of SHA-1, SHA-256, SHA-384 and SHA-512; what counts as evidence is one of SHA-256
 * or stronger (tpm_pcr_bank_is_evidence), which each reader below demands where it says so.
 */

#include "base/buf.h"
#include "base/error.h"
#include "crypto/digest.h"

#define TPM_PCR_COUNT 24
/* A TPM answers PCR_Read with at most so many digests (tpm-facts.md). */
#define TPM_PCR_READ_MAX 8
/* Reads of one selection: 24 registers, eight at a time. */
#define TPM_PCR_READS_MAX 3

struct tpm_pcr_bank {
    enum digest_algorithm algorithm;
    uint32_t present;                               /* bit i: values[i] holds PCR i */
    uint8_t values[TPM_PCR_COUNT][DIGEST_SIZE_MAX]; /* digest_size(algorithm) bytes of each */
};

/* Registers of one bank. */
struct tpm_pcr_selection {
    enum digest_algorithm algorithm;
    uint32_t pcrs; /* bit i: PCR i; no bit from TPM_PCR_COUNT on */
};

/* SHA-256, SHA-384 or SHA-512. */
bool tpm_pcr_bank_is_evidence(enum digest_algorithm algorithm);
/* A bank that is evidence by its name: "sha256" (digest_name is the reverse). */
bool tpm_pcr_bank_parse_name(enum digest_algorithm *out, const char *name);
/* PCR i of the bank, which must be present. */
struct slice tpm_pcr_value(const struct tpm_pcr_bank *bank, unsigned pcr);
void tpm_pcr_set(struct tpm_pcr_bank *bank, unsigned pcr, struct slice value);
/* TPM2_PCR_Extend: H(old ‖ digest); digest has the bank's size. */
void tpm_pcr_extend(struct tpm_pcr_bank *bank, unsigned pcr, struct slice digest);
/* The bits of those registers that two banks of one algorithm both hold with different values. */
uint32_t tpm_pcr_differing(const struct tpm_pcr_bank *a, const struct tpm_pcr_bank *b,
                           uint32_t pcrs);

/* Blob type 7 as on the wire: {u16 algorithm, u32 bitmap, digests in ascending order}, little
 * endian. Evidence banks only, nothing behind. tpm.pcr-malformed. */
bool tpm_pcr_bank_parse(struct tpm_pcr_bank *out, struct slice bytes, struct error *err);
/* Appends the same for the registers present. */
void tpm_pcr_bank_format(struct buf *out, const struct tpm_pcr_bank *bank);

/* Divides a selection into reads of at most TPM_PCR_READ_MAX registers, of equal size to within
 * one: one read up to 8, two halves up to 16, else three. Returns how many (none for an empty
 * selection). */
size_t tpm_pcr_split(struct tpm_pcr_selection reads[TPM_PCR_READS_MAX],
                     struct tpm_pcr_selection selection);
/* TPML_PCR_SELECTION of the one bank, sizeofSelect 3 (TPM 2.0 Part 2, 10.9.7), appended. */
void tpm_pcr_selection_format(struct buf *out, struct tpm_pcr_selection selection);

/* The authPolicy of a SHA-256 object that is usable only while the selected registers have the
 * bank's values, all of which are present: PolicyPCR (TPM 2.0 Part 3, 23.7) on a fresh policy. */
void tpm_pcr_policy_digest(uint8_t out[DIGEST_SHA256_SIZE], struct tpm_pcr_selection selection,
                           const struct tpm_pcr_bank *bank);
