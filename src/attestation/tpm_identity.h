/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The identity keys of a Windows host in TPM mode: those that virtual secure mode made and that the
 * log measured (SIPAEVENT_VSM_IDK_INFO, VSM_IDKS_INFO), for a log that the TPM has proven
 * (protocol.md 2.3, 2.4).
 */

#include "attestation/mode.h"
#include "eventlog/claims.h"

/*
 * Takes a key for each certificate asked for. A signing certificate is for a measured
 * VSM_IDKS_INFO key while virtual secure mode runs; for another it is attestation.content-refused
 * unless allow_unprotected says otherwise. attestation.identity-key: the log has no such key, or
 * none that can be used.
 */
bool attestation_tpm_identity_measured(struct attestation_evidence *evidence,
                                       const struct eventlog_claims *claims, bool allow_unprotected,
                                       struct error *err);
/* The same rule alone: whether what was asked for may be issued. protected: by virtual secure mode.
 * attestation.content-refused. */
bool attestation_tpm_identity_may_sign(const struct attestation_evidence *evidence, bool protected,
                                       bool allow_unprotected, struct error *err);
