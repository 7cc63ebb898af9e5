/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A baseline of this machine: the raw event log of its last start (eventlog-facts.md 3), which an
 * administrator has the service trust for all machines like it. A reference machine that would not
 * pass attestation itself makes no baseline.
 */

#include "eventlog/claims.h"
#include "host/config.h"

/* Appends the firmware's log. host.log-unreadable. */
bool host_baseline_read(struct buf *out, const struct host_config *config, struct error *err);
/*
 * Whether the log is one of this machine as it runs now (its replay is what the TPM's PCRs 0 to 7
 * hold), and meets what can be told from a log alone. host.baseline-invalid names the first
 * requirement that is missing; eventlog.*, host.tpm-*.
 */
bool host_baseline_validate(struct slice log, enum eventlog_profile profile,
                            const struct host_config *config, struct error *err);
