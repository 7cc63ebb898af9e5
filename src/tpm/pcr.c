/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/pcr.h"

#include <assert.h>

#include "tpm/errors.h"

#define PCRS_ALL ((UINT32_C(1) << TPM_PCR_COUNT) - 1)
#define CC_POLICY_PCR 0x0000017F

bool tpm_pcr_bank_is_evidence(enum digest_algorithm algorithm)
{
    return algorithm == DIGEST_SHA256 || algorithm == DIGEST_SHA384 || algorithm == DIGEST_SHA512;
}

bool tpm_pcr_bank_parse_name(enum digest_algorithm *out, const char *name)
{
    static const enum digest_algorithm banks[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++) {
        if (strcmp(digest_name(banks[i]), name) == 0) {
            *out = banks[i];
            return true;
        }
    }
    return false;
}

struct slice tpm_pcr_value(const struct tpm_pcr_bank *bank, unsigned pcr)
{
    assert(pcr < TPM_PCR_COUNT && (bank->present >> pcr & 1) != 0);
    return slice_of(bank->values[pcr], digest_size(bank->algorithm));
}

void tpm_pcr_set(struct tpm_pcr_bank *bank, unsigned pcr, struct slice value)
{
    assert(pcr < TPM_PCR_COUNT && value.size == digest_size(bank->algorithm));
    memcpy(bank->values[pcr], value.data, value.size);
    bank->present |= UINT32_C(1) << pcr;
}

void tpm_pcr_extend(struct tpm_pcr_bank *bank, unsigned pcr, struct slice digest)
{
    assert(digest.size == digest_size(bank->algorithm));
    uint8_t both[2 * DIGEST_SIZE_MAX]; /* in one piece: a log has thousands of these */
    struct slice value = tpm_pcr_value(bank, pcr);
    struct digest extended;
    memcpy(both, value.data, value.size);
    memcpy(both + value.size, digest.data, digest.size);
    digest_compute(&extended, bank->algorithm, slice_of(both, value.size + digest.size));
    memcpy(bank->values[pcr], extended.value, extended.size);
}

uint32_t tpm_pcr_differing(const struct tpm_pcr_bank *a, const struct tpm_pcr_bank *b,
                           uint32_t pcrs)
{
    assert(a->algorithm == b->algorithm);
    uint32_t differing = 0;
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++)
        if ((pcrs & a->present & b->present) >> i & 1 &&
            !slice_equal(tpm_pcr_value(a, i), tpm_pcr_value(b, i)))
            differing |= UINT32_C(1) << i;
    return differing;
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &tpm_pcr_malformed, "protocol.md 2.3", NULL, "%s", what);
}

bool tpm_pcr_bank_parse(struct tpm_pcr_bank *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    enum digest_algorithm algorithm = reader_u16_le(&reader);
    uint32_t present = reader_u32_le(&reader);
    if (reader.failed)
        return malformed(err, "the PCR values end before their bitmap");
    if (!tpm_pcr_bank_is_evidence(algorithm))
        return malformed(err, "the PCR values are of a bank that is not SHA-256, SHA-384 or "
                              "SHA-512");
    if ((present & ~PCRS_ALL) != 0)
        return malformed(err, "the PCR values name a register past 23");
    struct tpm_pcr_bank bank = {.algorithm = algorithm};
    for (unsigned i = 0; i < TPM_PCR_COUNT && !reader.failed; i++) {
        if ((present >> i & 1) == 0)
            continue;
        struct slice value = reader_bytes(&reader, digest_size(algorithm));
        if (!reader.failed)
            tpm_pcr_set(&bank, i, value);
    }
    if (!reader_done(&reader))
        return malformed(err, "the PCR values are fewer or more than their bitmap says");
    *out = bank;
    return true;
}

void tpm_pcr_bank_format(struct buf *out, const struct tpm_pcr_bank *bank)
{
    buf_append_u16_le(out, (uint16_t)bank->algorithm);
    buf_append_u32_le(out, bank->present);
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++)
        if (bank->present >> i & 1)
            buf_append(out, tpm_pcr_value(bank, i));
}

size_t tpm_pcr_split(struct tpm_pcr_selection reads[TPM_PCR_READS_MAX],
                     struct tpm_pcr_selection selection)
{
    assert((selection.pcrs & ~PCRS_ALL) == 0);
    unsigned total = (unsigned)__builtin_popcount(selection.pcrs);
    unsigned count = (total + TPM_PCR_READ_MAX - 1) / TPM_PCR_READ_MAX;
    uint32_t rest = selection.pcrs;
    for (unsigned i = 0; i < count; i++) {
        reads[i] = (struct tpm_pcr_selection){selection.algorithm, 0};
        /* The shares of equal size to within one: the first ones get what is over. */
        for (unsigned share = total / count + (i < total % count); share > 0; share--) {
            uint32_t lowest = rest & -rest;
            reads[i].pcrs |= lowest;
            rest ^= lowest;
        }
    }
    return count;
}

void tpm_pcr_selection_format(struct buf *out, struct tpm_pcr_selection selection)
{
    buf_append_u32_be(out, 1);
    buf_append_u16_be(out, (uint16_t)selection.algorithm);
    buf_append_u8(out, 3);
    for (unsigned i = 0; i < 3; i++)
        buf_append_u8(out, (uint8_t)(selection.pcrs >> (8 * i)));
}

/* The digest of the selected values, one after the other, with the policy's own algorithm. */
static void digest_values(struct digest *out, uint32_t pcrs, const struct tpm_pcr_bank *bank)
{
    struct slice values[TPM_PCR_COUNT];
    size_t count = 0;
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++)
        if (pcrs >> i & 1)
            values[count++] = tpm_pcr_value(bank, i);
    digest_compute_parts(out, DIGEST_SHA256, values, count);
}

void tpm_pcr_policy_digest(uint8_t out[DIGEST_SHA256_SIZE], struct tpm_pcr_selection selection,
                           const struct tpm_pcr_bank *bank)
{
    assert(selection.algorithm == bank->algorithm);
    struct digest values;
    digest_values(&values, selection.pcrs, bank);
    static const uint8_t fresh[DIGEST_SHA256_SIZE];
    struct buf policy;
    buf_init(&policy, 128);
    buf_append_bytes(&policy, fresh, sizeof fresh);
    buf_append_u32_be(&policy, CC_POLICY_PCR);
    tpm_pcr_selection_format(&policy, selection);
    buf_append(&policy, digest_slice(&values));
    digest_sha256(out, buf_slice(&policy));
    buf_done(&policy);
}
