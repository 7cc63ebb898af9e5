/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a kernel's command line asks for (Linux, admin-guide/kernel-parameters). In the kernel the
 * last of contradicting tokens wins, mostly; here a contradiction makes the claim bad. Tokens
 * behind "--" are init's.
 *
 * linux.c uses it for a line that the log proves; whoever knows a line otherwise, as from the
 * unified kernel image whose measurement the log shows, calls it too.
 */

#include "eventlog/claims.h"

/* Kernels cut off what is behind (COMMAND_LINE_SIZE of x86 and arm64, less the NUL): of a longer
 * line nobody knows what counts. */
#define COMMAND_LINE_SIZE_MAX 2047
#define COMMAND_LINE_TOKENS_MAX 1024

/* What GRUB puts before the line that it measures. */
#define COMMAND_LINE_GRUB_PREFIX "BOOT_IMAGE="

/*
 * Fills in claims' FULL_BOOT, LOCKDOWN, MODULE_SIGNATURES, IMA_APPRAISE, IOMMU, NO_HIBERNATION and
 * NO_DUMPS from line, the complete command line, which the events (at most EVENTLOG_DECIDING_MAX)
 * prove. A claim that was bad before stays so (as IOMMU, when firmware says that DMA protection is
 * off).
 */
void command_line_evaluate(struct eventlog_claims *claims, struct slice line,
                           const uint32_t *events, uint32_t event_count);

/* Leaves the same claims unknown, for the reason in sentence (static text). */
void command_line_unknown(struct eventlog_claims *claims, const char *sentence);

/* Whether line has a token that is exactly token ("quiet", "roothash=…"). */
bool command_line_has(struct slice line, const char *token);
