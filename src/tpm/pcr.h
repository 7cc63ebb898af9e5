/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The platform configuration registers (PCRs) of one bank of a TPM. */

#include <stdint.h>

#include "crypto/digest.h"

#define TPM_PCR_COUNT 24

struct tpm_pcr_bank {
    enum digest_algorithm algorithm;
    uint32_t present; /* bit i: PCR i has a value */
    uint8_t values[TPM_PCR_COUNT][DIGEST_SIZE_MAX];
};
