/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the policies say of one boot: a value, not an error. It lists every built-in policy of the
 * host's profile, in the table's order, then every baseline, ci and dump policy of that profile
 * that is for this host. Not evaluated never passes.
 */

#include "policy/builtin.h"

#define VERDICT_EVENTS_MAX 16

enum verdict_result {
    VERDICT_NOT_EVALUATED, /* nothing proves it, nor the contrary */
    VERDICT_FAILED,
    VERDICT_PASSED,
};

struct verdict_policy {
    char *name;
    enum policy_kind kind;
    enum policy_state state;
    bool required; /* a locked or enabled built-in: the whole depends on it */
    enum verdict_result result;
    struct guid guid; /* of the built-in; of another policy: of the built-in that it serves */
    char *reason;     /* one sentence */
    uint32_t events[VERDICT_EVENTS_MAX]; /* indexes into the log of what decided; the first ones */
    size_t event_count;
};

struct verdict {
    bool passed; /* every required policy passed */
    struct verdict_policy *policies;
    size_t count;
};

void verdict_done(struct verdict *verdict);
#define _cleanup_verdict_ __attribute__((cleanup(verdict_done)))

/* "Passed", "Failed", "NotEvaluated": protocol.md 2.3, EvaluationReply. */
const char *verdict_result_name(enum verdict_result result);
bool verdict_result_parse(enum verdict_result *out, const char *word);
/* The first required policy that did not pass; NULL when all did. */
const struct verdict_policy *verdict_first_failure(const struct verdict *verdict);
/* By name, NULL when it is not listed. */
const struct verdict_policy *verdict_find(const struct verdict *verdict, const char *name);
