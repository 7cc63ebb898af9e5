/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/mode.h"

#include "attestation/host_key.h"

static const struct attestation_mode_operations modes[] = {
    {ATTESTATION_MODE_TPM, ATTESTATION_DOOR_TPM, NULL},
    {ATTESTATION_MODE_AD, ATTESTATION_DOOR_AD, NULL},
    {ATTESTATION_MODE_HOST_KEY, ATTESTATION_DOOR_HOST_KEY, attestation_host_key_attest},
};

const struct attestation_mode_operations *attestation_mode_operations(enum attestation_mode mode)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (modes[i].mode == mode)
            return &modes[i];
    }
    return NULL;
}

void attestation_evidence_done(struct attestation_evidence *evidence)
{
    public_key_free(&evidence->identity_key);
}
