/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/set.h"

#include <stdlib.h>

#define PCR(number) (1u << (number))

/* What claims are drawn from (eventlog/claims.h). */
#define PCRS_WINDOWS (PCR(7) | PCR(11) | PCR(12) | PCR(13) | PCR(14))
#define PCRS_LINUX (PCR(4) | PCR(7) | PCR(8) | PCR(9) | PCR(11) | PCR(12) | PCR(13) | PCR(14))

static uint32_t read_by(const struct policy *policy)
{
    if (policy->kind == POLICY_BASELINE)
        return policy->baseline.pcrs;
    return policy->kind == POLICY_CI && policy->ci.form == POLICY_CI_IMA ? PCR(10) : 0;
}

uint32_t policy_pcrs_compared(const struct policy_set *set, const struct policy_subject *subject,
                              int64_t now)
{
    size_t count;
    const struct policy **policies = policy_set_select(set, subject, &count);
    uint32_t pcrs = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        if (policies[i]->kind == POLICY_BASELINE && policy_counts(policies[i], subject, now))
            pcrs &= policies[i]->baseline.pcrs;
    }
    free(policies);
    return pcrs == UINT32_MAX ? 0 : pcrs;
}

uint32_t policy_pcrs(const struct policy_set *set, const struct policy_subject *subject)
{
    size_t count;
    const struct policy **policies = policy_set_select(set, subject, &count);
    uint32_t pcrs = subject->profile == EVENTLOG_PROFILE_WINDOWS ? PCRS_WINDOWS : PCRS_LINUX;
    for (size_t i = 0; i < count; i++) {
        if (policies[i]->state == POLICY_ENABLED && policies[i]->version == subject->version)
            pcrs |= read_by(policies[i]);
    }
    free(policies);
    return pcrs;
}
