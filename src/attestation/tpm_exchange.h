/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One step of the exchange of protocol.md 2.3 with a host's TPM. Stateless: each step opens the
 * sealed state that the client brought back, checks what its TPM answered, and either seals a new
 * state with the next commands into evidence->context, or ends.
 *
 *   first     the logs and claimed PCR values, judged at once; then StartAuthSession, one for each
 *             command that follows
 *   sessions  CreatePrimary (Linux: the identity key, under PolicyPCR) and PCR_Read
 *   commands  every response checked, the boot judged again by the values that the TPM read
 *   signing   where a signing key is to be created too: one more session, one more CreatePrimary
 *
 * Windows hosts have their identity keys in the log (SIPAEVENT_VSM_IDK_INFO): nothing is created.
 */

#include "attestation/mode.h"
#include "attestation/tpm_request.h"

/*
 * attestation.context-malformed, attestation.context-too-large, attestation.context-incomplete (a
 * blob is missing, or does not belong to the step), attestation.tpm-version,
 * attestation.state-refused, attestation.exchange-expired, attestation.state-mismatch (of another
 * route, request or host), attestation.policies-changed, attestation.log-changed,
 * attestation.pcr-changed (the TPM reads other values than those claimed), attestation.policies-
 * failed (with evidence->verdict; in a what-if only a verdict), attestation.identity-key (Windows:
 * the log has none), attestation.content-refused (a signing certificate that may not be); those of
 * tpm_boot.h, tpm/session.h, tpm/response.h and tpm/pcr.h.
 */
bool attestation_tpm_exchange(struct attestation_evidence *evidence,
                              const struct attestation_known_host *host,
                              const struct attestation_tpm_request *request,
                              const struct attestation_mode_input *input, struct error *err);
