/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define PCR(number) (1u << (number))

static void add_ci(struct policy_set *set, const char *name, enum policy_ci_form form,
                   enum policy_state policy_state)
{
    struct policy policy;
    testing_policy(&policy, name, POLICY_CI,
                   form == POLICY_CI_WINDOWS ? EVENTLOG_PROFILE_WINDOWS : EVENTLOG_PROFILE_LINUX);
    policy.ci.form = form;
    policy.state = policy_state;
    testing_add(set, &policy);
}

static void test_windows(void **state)
{
    (void)state;
    struct policy_set *set = policy_set_new(2);
    struct policy_subject subject = {
        .host = "n", .profile = EVENTLOG_PROFILE_WINDOWS, .version = POLICY_VERSION_2};
    uint32_t loaders = PCR(7) | PCR(11) | PCR(12) | PCR(13) | PCR(14);
    assert_int_equal(policy_pcrs(set, &subject), loaders);
    add_ci(set, "ci", POLICY_CI_WINDOWS, POLICY_ENABLED);
    assert_int_equal(policy_pcrs(set, &subject), loaders);
    add_ci(set, "linux", POLICY_CI_IMA, POLICY_ENABLED);
    assert_int_equal(policy_pcrs(set, &subject), loaders);
    policy_set_free(set);
}

static void test_linux(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    struct policy_subject subject = {
        .host = "n", .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_2};
    uint32_t always = PCR(4) | PCR(7) | PCR(8) | PCR(9) | PCR(11) | PCR(12) | PCR(13) | PCR(14);
    assert_int_equal(policy_pcrs(set, &subject), always);
    add_ci(set, "kernel", POLICY_CI_KERNEL, POLICY_ENABLED);
    add_ci(set, "old", POLICY_CI_UNIFIED_KERNEL, POLICY_DISABLED);
    assert_int_equal(policy_pcrs(set, &subject), always);
    testing_log_recorded(&log, "secure-boot-uki");
    testing_baseline(&policy, "model", EVENTLOG_PROFILE_LINUX, &log.log);
    testing_add(set, &policy);
    assert_int_equal(policy_pcrs(set, &subject), always | PCR(0) | PCR(2));
    assert_int_equal(policy_pcrs_compared(set, &subject, 1), PCR(0) | PCR(2) | PCR(4) | PCR(7));
    testing_baseline(&policy, "other", EVENTLOG_PROFILE_LINUX, &log.log);
    policy.baseline.pcrs = PCR(2) | PCR(4) | PCR(7) | PCR(9);
    testing_add(set, &policy);
    testing_baseline(&policy, "ended", EVENTLOG_PROFILE_LINUX, &log.log);
    policy.baseline.pcrs = PCR(4) | PCR(7);
    policy.until = 1;
    testing_add(set, &policy);
    assert_int_equal(policy_pcrs_compared(set, &subject, 1), PCR(2) | PCR(4) | PCR(7));
    add_ci(set, "image", POLICY_CI_UNIFIED_KERNEL, POLICY_ENABLED);
    add_ci(set, "ima", POLICY_CI_IMA, POLICY_ENABLED);
    assert_int_equal(policy_pcrs(set, &subject), always | PCR(0) | PCR(2) | PCR(10));
    subject.version = POLICY_VERSION_1;
    assert_int_equal(policy_pcrs(set, &subject), always);
    assert_int_equal(policy_pcrs_compared(set, &subject, 1), 0);
    policy_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_linux),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
