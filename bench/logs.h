/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Evidence as hosts send it, of any size: the boot of a Linux host (Secure Boot, shim, GRUB) whose
 * firmware has measured so many drivers that its log is as long as wanted, and the kernel's list of
 * files (IMA).
 */

#include "base/buf.h"
#include "tpm/pcr.h"

/* Appends a log of about size bytes, in the banks SHA-1 and SHA-256. */
void logs_boot(struct buf *out, size_t size);
/* Appends a list of that many files of template ima-ng, the first being boot_aggregate of the
 * registers, and extends their PCR 10. */
void logs_ima(struct buf *out, size_t entries, struct tpm_pcr_bank *registers);
