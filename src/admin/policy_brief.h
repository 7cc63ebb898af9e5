/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What hgsctl and the audit trail are told of policies: every member of a record but its contents,
 * with what a built-in policy is about. Pure.
 */

#include "base/json.h"
#include "policy/set.h"

/* A record larger than this is told without its contents. */
#define POLICY_BRIEF_WHOLE_MAX (32 * 1024)

/* An object: name, type, profile, policy_version, state, for, added, added_by, until, and what it
 * holds in short ("events" of a baseline, "form" of a ci policy). expired: its end has come.
 * record: its record, which becomes the member "record"; empty: not wanted. */
void policy_brief_write(struct json_writer *writer, const struct policy *policy,
                        struct slice record, int64_t now);
/* The same for a built-in policy, in a state: with purpose, evidence, strength and remedy. record:
 * the stored one, which says who changed the state; NULL when the state is its own. */
void policy_brief_write_builtin(struct json_writer *writer, const struct builtin *builtin,
                                enum eventlog_profile profile, enum policy_state state,
                                const struct policy *record);
/* A record for the audit trail: as it is, or brief with its SHA-256 when it is large. */
void policy_brief_format(struct buf *out, const struct policy *policy, struct slice record,
                         int64_t now);
