/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/message.h"

#include <string.h>

static const char *const mode_names[] = {
    [ATTESTATION_MODE_UNKNOWN] = "unknown",
    [ATTESTATION_MODE_TPM] = "tpm",
    [ATTESTATION_MODE_AD] = "ad",
    [ATTESTATION_MODE_HOST_KEY] = "hostkey",
};

const char *attestation_mode_name(enum attestation_mode mode)
{
    return mode_names[mode];
}

bool attestation_mode_parse(enum attestation_mode *out, const char *word)
{
    for (enum attestation_mode mode = ATTESTATION_MODE_TPM; mode <= ATTESTATION_MODE_HOST_KEY;
         mode++) {
        if (strcmp(mode_names[mode], word) == 0) {
            *out = mode;
            return true;
        }
    }
    return false;
}
