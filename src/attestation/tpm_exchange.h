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
 *   commands  every response checked, the boot proven by the values that the TPM read
 *   signing   where a signing key is to be created too: one more session, one more CreatePrimary
 *
 * Windows hosts have their identity keys in the log (SIPAEVENT_VSM_IDK_INFO): nothing is created.
 *
 * Why the log need not come again with the responses. The verdict is a function of the policies,
 * of whom they see in the host, of the log, the registers looked at and the time (policy/evaluate.h
 * has no other input, but for IMA). The first step has computed it, and refuses unless it is
 * passed; what it sealed for this session and this endorsement key says: this log leads to these
 * values (`replayed`) and passes these policies (`policies`) until then (`until`). The last step
 * therefore shows all that is left to show when it finds that
 *   - the TPM's audited reads, under sessions that only this TPM can have answered, are those
 *     values, register by register (or those extended by systemd's words, as at first);
 *   - policies and host are the same, and no policy has come to its end: otherwise
 *     attestation.policies-changed, and the host begins anew.
 * A log that leads to the values and yet is not the one of this boot would be a collision.
 *
 * Where more than that counts, the boot is judged again in the last step: in a what-if, whose
 * answer is the verdict; where PCR 10 is read, since the IMA list grows; and when the boot is not
 * remembered yet as the host's last good one (pending.h), which takes the log. For these the log
 * goes along with the state (rtpm_state.h), so that any node can finish any exchange. A client may
 * also send it again: then it must be the same (attestation.log-changed), and is judged.
 */

#include "attestation/mode.h"
#include "attestation/tpm_request.h"

/*
 * attestation.context-malformed, attestation.context-too-large, attestation.context-incomplete (a
 * blob is missing, or does not belong to the step), attestation.tpm-version, attestation.pcr-bank,
 * attestation.state-refused, attestation.exchange-expired, attestation.state-mismatch (of another
 * route, request or host), attestation.policies-changed, attestation.log-changed,
 * attestation.pcr-changed (the TPM reads other values than those claimed), attestation.policies-
 * failed (with evidence->verdict; in a what-if only a verdict), attestation.identity-key (Windows:
 * the log has none), attestation.content-refused (a signing certificate that may not be); those of
 * tpm_boot.h (log-mismatch also when the TPM reads other values than the log led to),
 * tpm/session.h, tpm/response.h and tpm/pcr.h.
 */
bool attestation_tpm_exchange(struct attestation_evidence *evidence,
                              const struct attestation_known_host *host,
                              const struct attestation_tpm_request *request,
                              const struct attestation_mode_input *input, struct error *err);
