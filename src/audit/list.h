/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which records an audit_filter wants; audit_list (audit.h) is in list.c. */

#include "audit/audit.h"
#include "audit/record.h"

/* Whether the line, which record was taken from, passes every part of the filter but its limit. */
bool audit_list_matches(const struct audit_filter *filter, const struct audit_record *record,
                        struct slice line);
