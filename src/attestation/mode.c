/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/mode.h"

#include "attestation/host_key.h"
#include "attestation/tpm.h"

static const struct attestation_mode_operations modes[] = {
    {ATTESTATION_MODE_TPM, ATTESTATION_DOOR_TPM, attestation_tpm_attest},
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
    for (size_t i = 0; i < ATTESTATION_RESULT_MAX; i++)
        public_key_free(&evidence->identity_keys[i]);
    buf_done(&evidence->context);
    if (evidence->has_verdict)
        verdict_done(&evidence->verdict);
    evidence->has_verdict = false;
}

void attestation_evidence_set_key(struct attestation_evidence *evidence, struct public_key *key)
{
    for (size_t i = 0; i < evidence->requested_count; i++)
        evidence->identity_keys[i] = public_key_ref(key);
}
