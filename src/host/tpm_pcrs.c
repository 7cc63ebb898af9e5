/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_pcrs.h"

#include <tss2/tss2_esys.h>

#include "base/errors.h"
#include "host/errors.h"

#define ALL_PCRS 0x00FFFFFFu
#define CHANGING_PCRS 0x00FF8C00u /* 10, 11, 15, 16 to 23 */

static const enum digest_algorithm preference[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};

/* Whether the bank has all registers. */
static bool has_bank(const TPML_PCR_SELECTION *banks, enum digest_algorithm algorithm)
{
    for (uint32_t i = 0; i < banks->count; i++) {
        const TPMS_PCR_SELECTION *bank = &banks->pcrSelections[i];
        if (bank->hash == (TPMI_ALG_HASH)algorithm && bank->sizeofSelect >= 3 &&
            (bank->pcrSelect[0] & bank->pcrSelect[1] & bank->pcrSelect[2]) == 0xff)
            return true;
    }
    return false;
}

bool host_tpm_pcrs_bank(enum digest_algorithm *out, const char *name, struct error *err)
{
    *out = HOST_TPM_BANK_ANY;
    return strcmp(name, "auto") == 0 || tpm_pcr_bank_parse_name(out, name) ||
           error_set(err, &base_config_malformed, "host.conf(5)", "[tpm] pcr-bank",
                     "it is auto, sha256, sha384 or sha512");
}

static bool choose_bank(enum digest_algorithm *out, struct host_tpm_device *device,
                        enum digest_algorithm wanted, struct error *err)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    TSS2_RC code =
        Esys_GetCapability(host_tpm_device_esys(device), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                           TPM2_CAP_PCRS, 0, TPM2_MAX_CAP_BUFFER, &more, &data);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(device, code, "asking for its PCR banks", err);
    bool found = false;
    for (size_t i = 0; i < sizeof preference / sizeof preference[0] && !found; i++) {
        found = (wanted == HOST_TPM_BANK_ANY || wanted == preference[i]) &&
                has_bank(&data->data.assignedPCR, preference[i]);
        if (found)
            *out = preference[i];
    }
    Esys_Free(data);
    return found ||
           error_set(err, &host_tpm_version, NULL, host_tpm_device_name(device),
                     "it has no PCR bank of %s: switch one on in the firmware's setup",
                     wanted == HOST_TPM_BANK_ANY ? "SHA-256 or stronger" : digest_name(wanted));
}

/* Reads what the TPM is willing to give of the registers that are missing. */
static TSS2_RC read_some(struct tpm_pcr_bank *bank, struct host_tpm_device *device)
{
    uint32_t missing = ALL_PCRS & ~bank->present;
    const TPML_PCR_SELECTION wanted = {
        .count = 1,
        .pcrSelections = {
            {.hash = (TPMI_ALG_HASH)bank->algorithm,
             .sizeofSelect = 3,
             .pcrSelect = {(uint8_t)missing, (uint8_t)(missing >> 8), (uint8_t)(missing >> 16)}}}};
    TPML_PCR_SELECTION *got = NULL;
    TPML_DIGEST *values = NULL;
    uint32_t counter;
    TSS2_RC code = Esys_PCR_Read(host_tpm_device_esys(device), ESYS_TR_NONE, ESYS_TR_NONE,
                                 ESYS_TR_NONE, &wanted, &counter, &got, &values);
    if (code != TSS2_RC_SUCCESS)
        return code;
    uint32_t next = 0;
    for (unsigned i = 0; got->count == 1 && i < TPM_PCR_COUNT && next < values->count; i++) {
        const TPM2B_DIGEST *value = &values->digests[next];
        if ((got->pcrSelections[0].pcrSelect[i / 8] >> i % 8 & 1) == 0)
            continue;
        next++;
        if (value->size == digest_size(bank->algorithm))
            tpm_pcr_set(bank, i, slice_of(value->buffer, value->size));
    }
    Esys_Free(got);
    Esys_Free(values);
    return (ALL_PCRS & ~bank->present) == missing ? TSS2_BASE_RC_MALFORMED_RESPONSE
                                                  : TSS2_RC_SUCCESS;
}

bool host_tpm_pcrs_read(struct tpm_pcr_bank *out, struct host_tpm_device *device,
                        enum digest_algorithm bank, struct error *err)
{
    memset(out, 0, sizeof *out);
    if (!choose_bank(&out->algorithm, device, bank, err))
        return false;
    while (out->present != ALL_PCRS) {
        TSS2_RC code = read_some(out, device);
        if (code != TSS2_RC_SUCCESS)
            return host_tpm_device_refuse(device, code, "reading PCRs", err);
    }
    return true;
}

bool host_tpm_pcrs_of_policy(struct tpm_pcr_selection *out, struct tpm_pcr_selection read,
                             const struct tpm_pcr_bank *bank, struct slice policy)
{
    uint32_t fixed = read.pcrs & ~CHANGING_PCRS, changing = read.pcrs & CHANGING_PCRS;
    uint32_t part = changing;
    if (read.algorithm != bank->algorithm || (read.pcrs & ~bank->present) != 0)
        return false;
    /* Every part of the changing ones, from all of them to none. */
    for (;;) {
        uint8_t digest[DIGEST_SHA256_SIZE];
        struct tpm_pcr_selection tried = {read.algorithm, fixed | part};
        tpm_pcr_policy_digest(digest, tried, bank);
        if (slice_equal(slice_of(digest, sizeof digest), policy)) {
            *out = tried;
            return true;
        }
        if (part == 0)
            return false;
        part = (part - 1) & changing;
    }
}
