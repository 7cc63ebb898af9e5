/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "eventlog/sipa.h"
#include "policy/validate.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define WINDOWS EVENTLOG_PROFILE_WINDOWS

/* It is refused, and the policy that is not met is named. */
static void assert_names(const struct testing_log *log, enum eventlog_profile profile,
                         const char *name)
{
    struct error err = {0};
    assert_false(policy_validate_baseline(&log->log, profile, DIGEST_SHA256, &err));
    assert_string_equal(err.code->name, policy_baseline_invalid.name);
    assert_string_equal(err.object, name);
    assert_true(strlen(err.message) > 0);
}

static void test_recorded(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log on, off;
    testing_log_recorded(&on, "secure-boot-uki");
    assert_ok(policy_validate_baseline(&on.log, LINUX, DIGEST_SHA256, err));
    testing_log_recorded(&off, "no-secure-boot-uki");
    assert_names(&off, LINUX, "Hgs_SecureBootEnabled");
}

static void test_linux(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log good, dumps;
    struct log_linux boot;
    log_linux_init(&boot);
    testing_log_linux(&good, &boot);
    assert_ok(policy_validate_baseline(&good.log, LINUX, DIGEST_SHA256, err));
    boot.grub_line = "/vmlinuz lockdown=integrity intel_iommu=on crashkernel=256M";
    testing_log_linux(&dumps, &boot);
    assert_names(&dumps, LINUX, "Hgs_NoDumps");
    assert_names(&good, WINDOWS, "Hgs_UefiDebugDisabled");
}

static void test_windows(void **state)
{
    (void)state;
    static const struct {
        uint32_t setting;
        uint64_t value;
        const char *name;
    } cases[] = {
        {SIPA_PAGEFILE_ENCRYPTION, 0, "Hgs_PageFileEncryptionEnabled"},
        {SIPA_HIBERNATION_DISABLED, 0, "Hgs_NoHibernation"},
        {SIPA_TRANSFER_CONTROL, 2, "Hgs_FullBoot"},
        {SIPA_VBS_HVCI_POLICY, 0, "Hgs_HypervisorEnforcedCiPolicy"},
    };
    _cleanup_testing_log_ struct testing_log good, no_policy;
    struct log_windows boot;
    log_windows_init(&boot);
    testing_log_windows(&good, &boot);
    assert_ok(policy_validate_baseline(&good.log, WINDOWS, DIGEST_SHA256, err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_testing_log_ struct testing_log log;
        log_windows_init(&boot);
        log_windows_set(&boot, cases[i].setting, cases[i].value);
        testing_log_windows(&log, &boot);
        assert_names(&log, WINDOWS, cases[i].name);
    }
    log_windows_init(&boot);
    boot.si_policy_name = NULL;
    testing_log_windows(&no_policy, &boot);
    assert_names(&no_policy, WINDOWS, "Hgs_CiPolicy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_linux),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
