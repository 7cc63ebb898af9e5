/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/validate.h"

#include "policy/errors.h"
#include "policy/evaluate.h"

#define ALL_PCRS 0xffffffu

/* What a log without anything else can always show. */
static bool is_always_shown(enum builtin_policy policy)
{
    return policy == BUILTIN_SECURE_BOOT_ENABLED || policy == BUILTIN_UEFI_DEBUG_DISABLED;
}

/* What depends on more than the log. */
static bool depends_on_others(enum builtin_policy policy)
{
    return policy == BUILTIN_SECURE_BOOT_SETTINGS || policy == BUILTIN_CI_POLICY ||
           policy == BUILTIN_DUMP_ENCRYPTION_KEY || policy == BUILTIN_IDENTITY_KEY_IN_TPM;
}

static bool check(const struct verdict *verdict, enum eventlog_profile profile, struct error *err)
{
    for (size_t i = 0; i < verdict->count; i++) {
        const struct verdict_policy *row = &verdict->policies[i];
        const struct builtin *builtin = builtin_find(profile, row->name);
        bool is_missing =
            row->result == VERDICT_FAILED ||
            (row->result == VERDICT_NOT_EVALUATED &&
             (profile == EVENTLOG_PROFILE_WINDOWS || is_always_shown(builtin->policy)));
        if (row->required && is_missing && !depends_on_others(builtin->policy))
            return error_set(err, &policy_baseline_invalid, NULL, row->name, "%s; %s", row->reason,
                             builtin->remedy);
    }
    return true;
}

static bool check_ci(const struct eventlog_claims *claims, struct error *err)
{
    const struct builtin *builtin = builtin_get(EVENTLOG_PROFILE_WINDOWS, BUILTIN_CI_POLICY);
    for (uint32_t i = 0; i < claims->si_policy_count; i++) {
        if (!claims->si_policies[i].is_driver_block_list)
            return true;
    }
    return error_set(err, &policy_baseline_invalid, NULL, builtin->name,
                     "the log proves no code integrity policy of an administrator; %s",
                     builtin->remedy);
}

bool policy_validate_baseline(const struct eventlog *log, enum eventlog_profile profile,
                              enum digest_algorithm algorithm, struct error *err)
{
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_verdict_ struct verdict verdict;
    struct policy_set *none = policy_set_new(UINT32_MAX);
    eventlog_claims_evaluate(&claims, log, profile, algorithm);
    struct policy_evidence evidence = {
        .subject = {.host = "", .profile = profile, .version = POLICY_VERSION_2},
        .log = log,
        .claims = &claims,
        .bank = algorithm,
        .attested = ALL_PCRS,
    };
    policy_evaluate(&verdict, none, &evidence);
    policy_set_free(none);
    return check(&verdict, profile, err) &&
           (profile != EVENTLOG_PROFILE_WINDOWS || check_ci(&claims, err));
}
