/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Finding the policies that a request names. A built-in policy may be one of both profiles, and has
 * a record only when its state was changed. */

#include "admin/operation.h"
#include "policy/builtin.h"

#define POLICY_STORE_PROFILES 2

/* Whether the name is one that built-in policies have. */
bool policy_store_is_builtin(const char *name);
/* A policy of an administrator, with its record's value appended. admin.not-found. */
bool policy_store_load(struct policy *out, struct buf *value, int64_t *revision,
                       const struct admin_request *request, const char *name, struct error *err);
/*
 * The built-in policies of that name, by profile; NULL where a profile has none, or argument
 * "profile" is another. policy.builtin-unknown when none is left, admin.argument.
 */
bool policy_store_find_builtins(const struct builtin *out[POLICY_STORE_PROFILES],
                                const struct admin_request *request, const char *name,
                                struct error *err);
/* The stored record of a built-in policy; revision STORE_ABSENT: there is none, and *out has only
 * its name and profile. */
bool policy_store_load_builtin(struct policy *out, struct buf *value, int64_t *revision,
                               struct store *store, const struct builtin *builtin,
                               enum eventlog_profile profile, struct error *err);
