/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What attestation writes into the audit trail. An attestation releases no key, so nobody waits for
 * the disk; but a trail that refuses at once is told to the caller.
 */

#include "attestation/health_certificate.h"
#include "attestation/mode.h"
#include "audit/audit.h"

/* "attestation.passed": one record a certificate. attestation.unaudited. */
bool attestation_trail_passed(struct audit *audit, const struct attestation_evidence *evidence,
                              const struct attestation_health_certificate *certificate,
                              const struct attestation_signer *signer, const char *peer,
                              struct error *err);
/* "attestation.evaluated": what a what-if said; it issued nothing. False when the trail refused. */
bool attestation_trail_evaluated(struct audit *audit, const struct attestation_evidence *evidence,
                                 const char *peer);
/* "attestation.failed": code and reason of the refusal, and what was known of the host: in TPM
 * mode the policies that did not pass and the digest of its event log. False when the trail
 * refused. */
bool attestation_trail_failed(struct audit *audit, const struct attestation_evidence *evidence,
                              const struct error *refusal, const char *peer);
