/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this machine measured since its start, as the kernel keeps it: the firmware's TCG event log
 * and the list of the integrity measurement architecture (IMA), raw.
 */

#include "base/buf.h"

#define HOST_BIOS_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define HOST_IMA_LOG "/sys/kernel/security/ima/binary_runtime_measurements"
#define HOST_EVENT_LOG_MAX ((size_t)2 * 1024 * 1024)

struct host_event_logs {
    const char *bios; /* path; NULL or "": HOST_BIOS_LOG */
    const char *ima;  /* path; NULL or "": HOST_IMA_LOG, which may be missing */
};

/* Appends the firmware's log. host.log-unreadable. */
bool host_event_logs_read_bios(struct buf *out, const struct host_event_logs *logs,
                               struct error *err);
/* Appends the IMA list; none (and no error) when the kernel keeps none. host.log-unreadable. */
bool host_event_logs_read_ima(struct buf *out, const struct host_event_logs *logs,
                              struct error *err);
