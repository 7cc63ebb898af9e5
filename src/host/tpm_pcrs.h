/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The platform configuration registers of this host's TPM, read plainly: what the host claims
 * (protocol.md 2.3, blob type 7), and what it needs to use its own key. */

#include "host/tpm_device.h"
#include "tpm/pcr.h"

/* All 24 registers of the bank that counts as evidence: SHA-256 where there is one, else SHA-384 or
 * SHA-512. host.tpm-version (only SHA-1), host.tpm-failed. */
bool host_tpm_pcrs_read(struct tpm_pcr_bank *out, struct host_tpm_device *device,
                        struct error *err);

/*
 * Which registers a policy is about: those of read, or less of them without some that change while
 * a machine runs (10, 11, 15 and from 16 on). False when no such choice, with the values of bank,
 * has this PolicyPCR digest.
 */
bool host_tpm_pcrs_of_policy(struct tpm_pcr_selection *out, struct tpm_pcr_selection read,
                             const struct tpm_pcr_bank *bank, struct slice policy);
