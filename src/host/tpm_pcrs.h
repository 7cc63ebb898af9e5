/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The platform configuration registers of this host's TPM, read plainly: what the host claims
 * (protocol.md 2.3, blob type 7), and what it needs to use its own key. */

#include "host/tpm_device.h"
#include "tpm/pcr.h"

#define HOST_TPM_BANK_ANY ((enum digest_algorithm)0)
/* What host.conf says: "auto" (any), or a bank's name. base.config-malformed. */
bool host_tpm_pcrs_bank(enum digest_algorithm *out, const char *name, struct error *err);

/* All 24 registers of this bank; any: of SHA-256 where there is one, else of SHA-384 or SHA-512.
 * host.tpm-version (the TPM has no such bank), host.tpm-failed. */
bool host_tpm_pcrs_read(struct tpm_pcr_bank *out, struct host_tpm_device *device,
                        enum digest_algorithm bank, struct error *err);

/*
 * Which registers a policy is about: those of read, or less of them without some that change while
 * a machine runs (10, 11, 15 and from 16 on). False when no such choice, with the values of bank,
 * has this PolicyPCR digest.
 */
bool host_tpm_pcrs_of_policy(struct tpm_pcr_selection *out, struct tpm_pcr_selection read,
                             const struct tpm_pcr_bank *bank, struct slice policy);
