/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX

/* Judges the log by baselines of these recorded boots, called as the boots. */
static void judge(struct verdict *out, const struct testing_log *log, const char *const *boots,
                  size_t count)
{
    struct policy_set *set = policy_set_new(2);
    for (size_t i = 0; i < count; i++) {
        _cleanup_testing_log_ struct testing_log reference;
        struct policy policy;
        testing_log_recorded(&reference, boots[i]);
        testing_baseline(&policy, boots[i], LINUX, &reference.log);
        testing_add(set, &policy);
    }
    testing_judge(out, set, log, LINUX);
    policy_set_free(set);
}

static const char *const boots[] = {"no-secure-boot-uki", "direct-kernel", "secure-boot-uki"};

static void test_one_of_several(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    testing_log_recorded(&log, "secure-boot-uki");
    judge(&verdict, &log, boots, 3);
    testing_assert_row(&verdict, "secure-boot-uki", VERDICT_PASSED, "are the baseline's");
    testing_assert_row(&verdict, "no-secure-boot-uki", VERDICT_FAILED, "it differs in ");
    testing_assert_row(&verdict, "direct-kernel", VERDICT_FAILED, "it differs in ");
    testing_assert_row(&verdict, "Hgs_SecureBootSettings", VERDICT_PASSED,
                       "baseline secure-boot-uki: ");
}

/* The nearest is told about, with what is extra and what is missing. */
static void test_nearest(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    testing_log_recorded(&log, "secure-boot-uki");
    judge(&verdict, &log, boots, 2);
    testing_assert_row(&verdict, "Hgs_SecureBootSettings", VERDICT_FAILED,
                       "baseline direct-kernel: ");
    const struct verdict_policy *row = verdict_find(&verdict, "no-secure-boot-uki");
    assert_non_null(strstr(row->reason, "extra in PCR "));
    assert_non_null(strstr(row->reason, "missing in PCR "));
    assert_true(row->event_count > 0);
    for (size_t i = 0; i < row->event_count; i++)
        assert_true(row->events[i] < log.log.event_count);
}

static void test_many_more(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_testing_log_ struct testing_log log, plain;
    _cleanup_verdict_ struct verdict verdict;
    struct log_linux boot;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    log_linux_init(&boot);
    testing_log_linux(&plain, &boot);
    log_builder_init(&builder, testing_bank, 1);
    log_linux_build(&builder, &boot);
    for (int i = 0; i < 5; i++)
        log_builder_text(&builder, 2, EVENTLOG_EFI_ACTION, "more");
    testing_log_parse(&log, log_builder_slice(&builder));
    testing_baseline(&policy, "plain", LINUX, &plain.log);
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "plain", VERDICT_FAILED, "; and 3 more");
    assert_int_equal(verdict_find(&verdict, "plain")->event_count, 5);
    policy_set_free(set);
}

static void test_attested(void **state)
{
    (void)state;
    static const uint32_t pcrs[] = {0, 2, 4, 7};
    _cleanup_testing_log_ struct testing_log log;
    testing_log_recorded(&log, "secure-boot-uki");
    for (size_t i = 0; i < sizeof pcrs / sizeof pcrs[0]; i++) {
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        _cleanup_verdict_ struct verdict verdict;
        struct policy_evidence evidence;
        struct policy policy;
        struct policy_set *set = policy_set_new(2);
        testing_baseline(&policy, "model", LINUX, &log.log);
        testing_add(set, &policy);
        testing_evidence(&evidence, &log, &claims, LINUX);
        evidence.attested &= ~(1u << pcrs[i]);
        policy_evaluate(&verdict, set, &evidence);
        testing_assert_row(&verdict, "model", VERDICT_NOT_EVALUATED, "is not attested");
        testing_assert_row(&verdict, "Hgs_SecureBootSettings", VERDICT_NOT_EVALUATED,
                           "is not attested");
        policy_set_free(set);
    }
}

static void test_bank(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log one, three;
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_verdict_ struct verdict verdict;
    struct policy_evidence evidence;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    testing_log_recorded(&one, "secure-boot-uki");
    testing_log_recorded(&three, "secure-boot-uki-three-banks");
    testing_baseline(&policy, "one", LINUX, &one.log);
    testing_add(set, &policy);
    testing_baseline(&policy, "three", LINUX, &three.log);
    testing_add(set, &policy);
    eventlog_claims_evaluate(&claims, &three.log, LINUX, DIGEST_SHA384);
    evidence = (struct policy_evidence){
        .subject = {.host = "node1", .profile = LINUX, .version = POLICY_VERSION_2},
        .log = &three.log,
        .claims = &claims,
        .bank = DIGEST_SHA384,
        .attested = ALL_PCRS};
    policy_evaluate(&verdict, set, &evidence);
    testing_assert_row(&verdict, "one", VERDICT_NOT_EVALUATED, "the attested bank (sha384)");
    testing_assert_row(&verdict, "three", VERDICT_PASSED, "");
    policy_set_free(set);
}

/* A new kernel needs a ci policy and no new baseline, in both directions; a disabled ci policy
 * allows nothing. */
static void test_new_kernel(void **state)
{
    (void)state;
    static const char *const reasons[] = {"are the baseline's", "extra in PCR 4"};
    for (int disabled = 0; disabled < 2; disabled++) {
        _cleanup_log_builder_ struct log_builder builder;
        _cleanup_testing_log_ struct testing_log log, reference;
        _cleanup_verdict_ struct verdict verdict;
        struct log_linux boot = {.is_secure_boot_on = true};
        struct policy policy;
        struct slice old = slice_from_text("kernel image"), new = slice_from_text("new image");
        struct policy_set *set = policy_set_new(2);
        testing_log_linux(&reference, &boot);
        testing_baseline(&policy, "model", LINUX, &reference.log);
        testing_add(set, &policy);
        testing_policy(&policy, "old", POLICY_CI, LINUX);
        policy.ci.form = POLICY_CI_UNIFIED_KERNEL;
        policy.state = POLICY_DISABLED;
        digests_compute(&policy.ci.unified.image, &old, 1);
        testing_add(set, &policy);
        testing_policy(&policy, "new", POLICY_CI, LINUX);
        policy.ci.form = POLICY_CI_UNIFIED_KERNEL;
        policy.state = disabled ? POLICY_DISABLED : POLICY_ENABLED;
        digests_compute(&policy.ci.unified.image, &new, 1);
        testing_add(set, &policy);
        log_builder_init(&builder, testing_bank, 1);
        log_linux_firmware(&builder, &boot);
        log_builder_hashed(&builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, new, SLICE_EMPTY);
        testing_log_parse(&log, log_builder_slice(&builder));
        testing_judge(&verdict, set, &log, LINUX);
        testing_assert_row(&verdict, "model", disabled ? VERDICT_FAILED : VERDICT_PASSED,
                           reasons[disabled]);
        policy_set_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_several), cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_many_more),      cmocka_unit_test(test_attested),
        cmocka_unit_test(test_bank),           cmocka_unit_test(test_new_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
