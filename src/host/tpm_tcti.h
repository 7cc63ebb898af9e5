/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The way to a TPM (a TCTI of tpm2-tss) with a limit of time: commands go through to the inner one,
 * and a response that does not come in time is an I/O error for good, so that a TPM which hangs
 * never hangs a host. A way that cannot be waited on (no poll handle: a software TPM's) is waited
 * for as long as it takes.
 */

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tcti.h>

struct host_tpm_tcti;

/* Takes inner, which host_tpm_tcti_free finalizes by `finalize` (NULL: Tss2_Tcti_Finalize alone).
 */
struct host_tpm_tcti *host_tpm_tcti_new(TSS2_TCTI_CONTEXT *inner, uint32_t limit_ms,
                                        void (*finalize)(TSS2_TCTI_CONTEXT **inner));
void host_tpm_tcti_free(struct host_tpm_tcti **tcti);
/* Borrowed; what tpm2-tss takes. */
TSS2_TCTI_CONTEXT *host_tpm_tcti_context(struct host_tpm_tcti *tcti);
/* Whether a response did not come in time. */
bool host_tpm_tcti_timed_out(const struct host_tpm_tcti *tcti);
