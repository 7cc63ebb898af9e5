/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/verdict.h"

#include <stdlib.h>

static const char *const result_names[] = {
    [VERDICT_NOT_EVALUATED] = "NotEvaluated",
    [VERDICT_FAILED] = "Failed",
    [VERDICT_PASSED] = "Passed",
};
#define RESULT_COUNT (sizeof result_names / sizeof result_names[0])

void verdict_done(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        free(verdict->policies[i].name);
        free(verdict->policies[i].reason);
    }
    free(verdict->policies);
    *verdict = (struct verdict){0};
}

const char *verdict_result_name(enum verdict_result result)
{
    return result_names[result];
}

bool verdict_result_parse(enum verdict_result *out, const char *word)
{
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        if (strcmp(result_names[i], word) == 0) {
            *out = (enum verdict_result)i;
            return true;
        }
    }
    return false;
}

const struct verdict_policy *verdict_first_failure(const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        const struct verdict_policy *policy = &verdict->policies[i];
        if (policy->required && policy->result != VERDICT_PASSED)
            return policy;
    }
    return NULL;
}

const struct verdict_policy *verdict_find(const struct verdict *verdict, const char *name)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (strcmp(verdict->policies[i].name, name) == 0)
            return &verdict->policies[i];
    }
    return NULL;
}
