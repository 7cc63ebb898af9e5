/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Policies that come with a request: hgsctl has read the administrator's files and sends what the
 * record shall hold; the service reads it again whole, decides who added it and when, and finds out
 * whom it is for.
 */

#include "admin/operation.h"
#include "policy/policy.h"

/* Whom argument "for" names: a host of that name, or a set that a host is in; "host:NAME" and
 * "set:NAME" say which, and a set need not exist yet. Absent: all hosts. admin.policy-for. */
bool policy_request_scope(struct policy *policy, const struct admin_request *request,
                          struct error *err);
/* Argument `member`, a record, and "for". admin.argument for what an administrator cannot add, the
 * errors of policy_parse. Freed with policy_done. */
bool policy_request_read(struct policy *out, const struct admin_request *request,
                         const char *member, struct error *err);
/* Argument "until" (RFC 3339; absent: 0), which must be to come. admin.argument. */
bool policy_request_until(int64_t *until, const struct admin_request *request, struct error *err);
/* Commits changes of which the first ones add the policies, in their order. admin.exists when there
 * is one of such a name. */
bool policy_request_commit(const struct admin_request *request, const char *event,
                           const struct policy *policies, size_t policy_count,
                           const struct store_change *changes, size_t count, struct error *err);
