/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The log of one boot as a file: NAME.tcglog, or /sys/kernel/security/…/binary_bios_measurements.
 */

#include "base/buf.h"
#include "eventlog/eventlog.h"

struct boot_log {
    struct buf bytes;
    struct eventlog log;
    enum digest_algorithm bank; /* the first of SHA-256, SHA-384, SHA-512 that the log has */
};

/* The errors of file_read and eventlog_parse; eventlog.bank-missing. Freed with boot_log_done in
 * any case. */
bool boot_log_read(struct boot_log *out, const char *path, struct error *err);
void boot_log_done(struct boot_log *log);
#define _cleanup_boot_log_ __attribute__((cleanup(boot_log_done)))
