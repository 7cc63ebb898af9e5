/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TPM mode (MS-HGSA 3.1.5.1, protocol.md 2.3): a host passes when it is registered by its TPM's
 * endorsement key, its TPM proves in the exchange what was booted, and every policy that counts for
 * it passes. Both versions of the protocol: v2.0 in three requests, v1.0 in four, one or two more
 * of each when both certificates are asked for and the TPM creates both keys.
 *
 * In this order: shape of the request; who asks (endorsement certificate, host); then the step of
 * the exchange (tpm_exchange.h). A request of v2.0 without a context, or with one of no state and
 * no blobs, is answered with an empty context, as v1.0 begins.
 */

#include "attestation/mode.h"

/*
 * True when the exchange goes on (evidence->context), or has ended well: the host passed, or (what
 * if) was judged: evidence->verdict. attestation.payload-malformed, attestation.content-refused and
 * the errors of base/ about the request; attestation.host-unknown, attestation.certificate-missing,
 * attestation.identity-key, attestation.policies-failed (with evidence->verdict); those of
 * tpm_exchange.h.
 */
bool attestation_tpm_attest(struct attestation_evidence *evidence,
                            const struct attestation_mode_input *input, struct error *err);
