/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a log is fit to be a baseline: a reference host that would not pass itself is none. Only
 * what the log alone can show is looked at; code integrity and what follows from it are not.
 */

#include "eventlog/claims.h"

/* policy.baseline-invalid, whose object is the built-in policy and whose message says what is
 * missing and, where we know it, what to do on the host. */
bool policy_validate_baseline(const struct eventlog *log, enum eventlog_profile profile,
                              enum digest_algorithm algorithm, struct error *err);
