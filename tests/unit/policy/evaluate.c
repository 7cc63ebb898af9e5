/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define WINDOWS EVENTLOG_PROFILE_WINDOWS

/* A host that boots as log_linux does, with a baseline and a ci policy of it: a whole fabric. */
struct fabric {
    struct testing_log log;
    struct eventlog_claims claims;
    struct policy_evidence evidence;
    struct policy baseline, ci;
};

static void fabric_init(struct fabric *fabric)
{
    struct log_linux boot;
    log_linux_init(&boot);
    testing_log_linux(&fabric->log, &boot);
    testing_evidence(&fabric->evidence, &fabric->log, &fabric->claims, LINUX);
    testing_baseline(&fabric->baseline, "model1", LINUX, &fabric->log.log);
    testing_policy(&fabric->ci, "kernel1", POLICY_CI, LINUX);
    assert_ok(
        code_integrity_take_kernel(&fabric->ci.ci, slice_from_text("kernel"), boot.grub_line, err));
}

/* Judges by both policies, which are gone then. */
static void fabric_judge(struct verdict *out, struct fabric *fabric, uint32_t level)
{
    struct policy_set *set = policy_set_new(level);
    testing_add(set, &fabric->baseline);
    testing_add(set, &fabric->ci);
    policy_evaluate(out, set, &fabric->evidence);
    policy_set_free(set);
    eventlog_claims_done(&fabric->claims);
    testing_log_done(&fabric->log);
}

static void test_passes(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict verdict;
    struct fabric fabric;
    size_t builtins;
    builtin_table(LINUX, &builtins);
    fabric_init(&fabric);
    fabric_judge(&verdict, &fabric, 2);
    assert_true(verdict.passed);
    assert_null(verdict_first_failure(&verdict));
    assert_int_equal(verdict.count, builtins + 2);
    for (size_t i = 0; i < verdict.count; i++) {
        const struct verdict_policy *row = &verdict.policies[i];
        assert_int_equal(row->result, VERDICT_PASSED);
        assert_true(strlen(row->reason) > 0);
        assert_int_equal(row->required, i < builtins);
    }
    const struct verdict_policy *row = verdict_find(&verdict, "model1");
    assert_int_equal(row->kind, POLICY_BASELINE);
    assert_memory_equal(&row->guid, &builtin_get(LINUX, BUILTIN_SECURE_BOOT_SETTINGS)->guid, 16);
    assert_memory_equal(&verdict_find(&verdict, "kernel1")->guid,
                        &builtin_get(LINUX, BUILTIN_CI_POLICY)->guid, 16);
}

static void test_windows_passes(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct log_windows boot;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    log_windows_init(&boot);
    testing_log_windows(&log, &boot);
    testing_baseline(&policy, "model1", WINDOWS, &log.log);
    testing_add(set, &policy);
    testing_policy(&policy, "ci1", POLICY_CI, WINDOWS);
    policy.ci.windows.candidate_count = 1;
    policy.ci.windows.candidates[0].banks[0] = (struct digest){DIGEST_SHA256, 32, {0}};
    memcpy(policy.ci.windows.candidates[0].banks[0].value, boot.si_policy_digest, 32);
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, WINDOWS);
    const struct verdict_policy *failure = verdict_first_failure(&verdict);
    if (failure != NULL)
        fail_msg("%s: %s", failure->name, failure->reason);
    assert_true(verdict.passed);
    policy_set_free(set);
}

/* No policies: a host with nothing registered for it does not pass. */
static void test_empty(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct log_linux boot;
    struct policy_set *set = policy_set_new(0); /* what can be staged is */
    log_linux_init(&boot);
    testing_log_linux(&log, &boot);
    testing_judge(&verdict, set, &log, LINUX);
    assert_false(verdict.passed);
    testing_assert_row(&verdict, "Hgs_SecureBootSettings", VERDICT_NOT_EVALUATED,
                       "there is no baseline of version v2 for this host");
    testing_assert_row(&verdict, "Hgs_CiPolicy", VERDICT_NOT_EVALUATED,
                       "there is no ci policy of version v2 for this host");
    policy_set_free(set);
}

/* Not evaluated never passes. */
static void test_not_evaluated(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict verdict;
    struct fabric fabric;
    fabric_init(&fabric);
    fabric.evidence.identity_key = POLICY_KEY_UNKNOWN;
    fabric_judge(&verdict, &fabric, 2);
    assert_false(verdict.passed);
    assert_string_equal(verdict_first_failure(&verdict)->name, "Hgs_IdentityKeyInTpm");
}

static void test_versions(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict baseline, ci, host;
    struct fabric fabric;
    fabric_init(&fabric);
    fabric.baseline.version = POLICY_VERSION_1;
    fabric_judge(&baseline, &fabric, 2);
    assert_false(baseline.passed);
    testing_assert_row(&baseline, "model1", VERDICT_NOT_EVALUATED,
                       "it is of version v1 and the host is registered as v2");
    testing_assert_row(&baseline, "Hgs_SecureBootSettings", VERDICT_NOT_EVALUATED,
                       "baseline model1 does not count: it is of version v1");
    testing_assert_row(&baseline, "Hgs_CiPolicy", VERDICT_PASSED, "");
    fabric_init(&fabric);
    fabric.ci.version = POLICY_VERSION_1;
    fabric_judge(&ci, &fabric, 2);
    assert_false(ci.passed);
    testing_assert_row(&ci, "Hgs_CiPolicy", VERDICT_NOT_EVALUATED, "ci policy kernel1 does not");
    fabric_init(&fabric);
    fabric.baseline.version = fabric.ci.version = POLICY_VERSION_1;
    fabric.evidence.subject.version = POLICY_VERSION_1;
    fabric_judge(&host, &fabric, 2);
    assert_true(host.passed);
}

static void test_scope(void **state)
{
    (void)state;
    static const char *const sets[] = {"rack1"};
    static const struct {
        enum policy_scope scope;
        const char *name;
        bool passes;
    } cases[] = {
        {POLICY_FOR_HOST, "node1", true},  {POLICY_FOR_HOST, "node2", false},
        {POLICY_FOR_SET, "rack1", true},   {POLICY_FOR_SET, "rack2", false},
        {POLICY_FOR_HOST, "rack1", false}, {POLICY_FOR_SET, "node1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_verdict_ struct verdict verdict;
        struct fabric fabric;
        fabric_init(&fabric);
        fabric.evidence.subject.sets = sets;
        fabric.evidence.subject.set_count = 1;
        fabric.baseline.scope = cases[i].scope;
        snprintf(fabric.baseline.scope_name, sizeof fabric.baseline.scope_name, "%s",
                 cases[i].name);
        fabric_judge(&verdict, &fabric, 2);
        assert_int_equal(verdict.passed, cases[i].passes);
        assert_int_equal(verdict_find(&verdict, "model1") != NULL, cases[i].passes);
    }
}

static void test_states(void **state)
{
    (void)state;
    static const struct {
        enum policy_state state;
        const char *words;
    } cases[] = {{POLICY_DISABLED, "it is disabled"}, {POLICY_STAGED, "it is staged"}};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_verdict_ struct verdict verdict;
        struct fabric fabric;
        fabric_init(&fabric);
        fabric.ci.state = cases[i].state;
        fabric_judge(&verdict, &fabric, 2);
        assert_false(verdict.passed);
        testing_assert_row(&verdict, "kernel1", VERDICT_PASSED, ""); /* it would */
        assert_int_equal(verdict_find(&verdict, "kernel1")->state, cases[i].state);
        testing_assert_row(&verdict, "Hgs_CiPolicy", VERDICT_NOT_EVALUATED, cases[i].words);
    }
}

static void test_until(void **state)
{
    (void)state;
    for (int ended = 0; ended < 2; ended++) {
        _cleanup_verdict_ struct verdict verdict;
        struct fabric fabric;
        fabric_init(&fabric);
        fabric.baseline.until = fabric.evidence.now + 1 - ended;
        fabric_judge(&verdict, &fabric, 2);
        assert_int_equal(verdict.passed, !ended);
        testing_assert_row(&verdict, "model1", ended ? VERDICT_NOT_EVALUATED : VERDICT_PASSED,
                           ended ? "it ended at 2023-11-14T22:15:00Z" : "");
        testing_assert_row(&verdict, "Hgs_SecureBootSettings",
                           ended ? VERDICT_NOT_EVALUATED : VERDICT_PASSED,
                           ended ? "does not count: it ended" : "");
    }
}

/* The end of a verdict: the first at which what it needs is gone, and no other policy serves. */
static void test_end(void **state)
{
    (void)state;
    enum { NEVER, SOON = 100, LATER = 200, HORIZON = 1000 };
    static const struct {
        int64_t baseline, ci, spare; /* `until`, seconds from now; spare: a second ci policy */
        int64_t end;
    } cases[] = {
        {NEVER, NEVER, NEVER, HORIZON},   {SOON, NEVER, NEVER, SOON},
        {NEVER, SOON, SOON, SOON},        {NEVER, SOON, LATER, LATER},
        {NEVER, SOON, NEVER, HORIZON},    {LATER, SOON, SOON, SOON},
        {SOON, LATER, LATER, SOON},       {HORIZON, HORIZON, HORIZON, HORIZON},
        {HORIZON - 1, NEVER, NEVER, 999},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fabric fabric;
        struct policy spare;
        struct log_linux boot;
        struct policy_set *set = policy_set_new(2);
        fabric_init(&fabric);
        log_linux_init(&boot);
        testing_policy(&spare, "kernel2", POLICY_CI, LINUX);
        assert_ok(
            code_integrity_take_kernel(&spare.ci, slice_from_text("kernel"), boot.grub_line, err));
        int64_t now = fabric.evidence.now;
        fabric.baseline.until = cases[i].baseline == NEVER ? 0 : now + cases[i].baseline;
        fabric.ci.until = cases[i].ci == NEVER ? 0 : now + cases[i].ci;
        spare.until = cases[i].spare == NEVER ? 0 : now + cases[i].spare;
        testing_add(set, &fabric.baseline);
        testing_add(set, &fabric.ci);
        testing_add(set, &spare);
        assert_int_equal(policy_evaluate_end(set, &fabric.evidence, now + HORIZON) - now,
                         cases[i].end);
        policy_set_free(set);
        eventlog_claims_done(&fabric.claims);
        testing_log_done(&fabric.log);
    }
}

/* A built-in that is not in force is evaluated, and decides nothing. */
static void test_builtin_states(void **state)
{
    (void)state;
    static const enum policy_state states[] = {POLICY_ENABLED, POLICY_DISABLED, POLICY_STAGED};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        struct log_linux boot;
        struct policy policy;
        struct policy_set *set = policy_set_new(2);
        log_linux_init(&boot);
        boot.grub_line = "/vmlinuz lockdown=integrity"; /* nothing of an IOMMU */
        testing_log_linux(&log, &boot);
        testing_baseline(&policy, "model1", LINUX, &log.log);
        testing_add(set, &policy);
        testing_policy(&policy, "kernel1", POLICY_CI, LINUX);
        assert_ok(
            code_integrity_take_kernel(&policy.ci, slice_from_text("kernel"), boot.grub_line, err));
        testing_add(set, &policy);
        if (states[i] != POLICY_ENABLED)
            testing_set_state(set, LINUX, "Hgs_IommuEnabled", states[i]);
        testing_judge(&verdict, set, &log, LINUX);
        const struct verdict_policy *row = verdict_find(&verdict, "Hgs_IommuEnabled");
        assert_int_equal(row->result, VERDICT_NOT_EVALUATED);
        assert_int_equal(row->state, states[i]);
        assert_int_equal(row->required, states[i] == POLICY_ENABLED);
        assert_int_equal(verdict.passed, states[i] != POLICY_ENABLED);
        policy_set_free(set);
    }
}

/* What a service of a lower level stages is not demanded there. */
static void test_level(void **state)
{
    (void)state;
    for (uint32_t level = 1; level <= 2; level++) {
        _cleanup_verdict_ struct verdict verdict;
        struct fabric fabric;
        fabric_init(&fabric);
        fabric_judge(&verdict, &fabric, level);
        assert_true(verdict.passed);
        assert_int_equal(verdict_find(&verdict, "Hgs_Lockdown")->required, level == 2);
    }
}

/* The same set and evidence give the same verdict. */
static void test_pure(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict first, second;
    struct fabric fabric;
    fabric_init(&fabric);
    struct policy_set *set = policy_set_new(2);
    testing_add(set, &fabric.baseline);
    testing_add(set, &fabric.ci);
    policy_evaluate(&first, set, &fabric.evidence);
    policy_evaluate(&second, set, &fabric.evidence);
    assert_int_equal(first.count, second.count);
    for (size_t i = 0; i < first.count; i++) {
        assert_int_equal(first.policies[i].result, second.policies[i].result);
        assert_string_equal(first.policies[i].reason, second.policies[i].reason);
    }
    policy_set_free(set);
    eventlog_claims_done(&fabric.claims);
    testing_log_done(&fabric.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),   cmocka_unit_test(test_windows_passes),
        cmocka_unit_test(test_empty),    cmocka_unit_test(test_not_evaluated),
        cmocka_unit_test(test_versions), cmocka_unit_test(test_scope),
        cmocka_unit_test(test_states),   cmocka_unit_test(test_until),
        cmocka_unit_test(test_end),      cmocka_unit_test(test_builtin_states),
        cmocka_unit_test(test_level),    cmocka_unit_test(test_pure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
