/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who this host is in TPM mode, as an administrator registers it (protocol.md 2.3, platform
 * identifier): the endorsement key of its TPM and that key's certificate; and for people, what the
 * firmware and the network cards say of the machine.
 */

#include "attestation/platform_identifier.h"
#include "host/tpm_endorsement.h"

/*
 * Looks around on this machine. *out is freed with platform_identifier_done. What may not be read
 * (the system's UUID and serial number, for all but root) stays empty. tpm.certificate-malformed
 * when NV holds one that is none.
 */
bool host_platform_read(struct platform_identifier *out,
                        const struct host_tpm_endorsement *endorsement, const char *name,
                        struct error *err);
