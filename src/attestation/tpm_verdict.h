/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an exchange finds of a host's boot: judged in its first step by what the client claims, and
 * in its last by what the TPM has read. tpm_exchange.h says why the last one mostly need not see
 * the log; judged.h, why the first one need not judge a boot that it has judged before.
 */

#include "attestation/tpm_step.h"

/*
 * The first step, for a context with a log and the registers in step->state.selection: whether the
 * boot passes (in a what-if: whether it can be judged), with all of it that the last step needs put
 * into step->state. attestation.policies-failed, attestation.identity-key,
 * attestation.content-refused and the errors of tpm_boot.h.
 */
bool tpm_verdict_first(struct tpm_step *step, const struct tpm_pcr_bank *claimed,
                       struct error *err);

/*
 * The last step, before its proofs: looks for the log, sent once more or gone along with the state,
 * and if there is one, compares it with the one that the exchange began with.
 * attestation.context-incomplete (it had to go along, and does not), attestation.log-changed.
 */
bool tpm_verdict_find_log(struct tpm_step *step, struct error *err);
/* The last step, by the registers as the TPM read them. attestation.policies-failed and the errors
 * of tpm_boot.h. */
bool tpm_verdict_proven(struct tpm_step *step, const struct tpm_pcr_bank *bank, struct error *err);

/* Puts an identity key into the state. attestation.identity-key: it is too large. */
bool tpm_verdict_keep_key(struct rtpm_state *state, const struct public_key *key,
                          struct error *err);
