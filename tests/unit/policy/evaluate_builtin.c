/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "eventlog/sipa.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define WINDOWS EVENTLOG_PROFILE_WINDOWS
#define OMIT UINT64_MAX

static void judge_windows(struct verdict *out, const struct log_windows *boot)
{
    _cleanup_testing_log_ struct testing_log log;
    struct policy_set *set = policy_set_new(2);
    testing_log_windows(&log, boot);
    testing_judge(out, set, &log, WINDOWS);
    policy_set_free(set);
}

/* One setting, and what its policy says of it: passed, failed, not evaluated. */
static const struct windows_case {
    const char *policy;
    uint32_t setting;
    uint64_t value; /* OMIT: it is not there */
    enum verdict_result result;
} windows_cases[] = {
    {"Hgs_UefiDebugDisabled", SIPA_BOOT_DEBUGGING, 0, VERDICT_PASSED},
    {"Hgs_UefiDebugDisabled", SIPA_BOOT_DEBUGGING, 1, VERDICT_FAILED},
    {"Hgs_UefiDebugDisabled", SIPA_BOOT_DEBUGGING, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_UefiDebugDisabled", SIPA_OS_KERNEL_DEBUG, 1, VERDICT_FAILED},
    {"Hgs_UefiDebugDisabled", SIPA_OS_KERNEL_DEBUG, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_UefiDebugDisabled", SIPA_HYPERVISOR_DEBUG, 1, VERDICT_FAILED},
    {"Hgs_UefiDebugDisabled", SIPA_HYPERVISOR_DEBUG, OMIT, VERDICT_PASSED},
    {"Hgs_FullBoot", SIPA_TRANSFER_CONTROL, 1, VERDICT_PASSED},
    {"Hgs_FullBoot", SIPA_TRANSFER_CONTROL, 2, VERDICT_FAILED},
    {"Hgs_FullBoot", SIPA_TRANSFER_CONTROL, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_VsmRunning", SIPA_VSM_LAUNCH_TYPE, 1, VERDICT_PASSED},
    {"Hgs_VsmRunning", SIPA_VSM_LAUNCH_TYPE, 0, VERDICT_FAILED},
    {"Hgs_VsmRunning", SIPA_VSM_LAUNCH_TYPE, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_IommuEnabled", SIPA_VBS_IOMMU_REQUIRED, 1, VERDICT_PASSED},
    {"Hgs_IommuEnabled", SIPA_VBS_IOMMU_REQUIRED, 0, VERDICT_FAILED},
    {"Hgs_IommuEnabled", SIPA_VBS_IOMMU_REQUIRED, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_BitLockerEnabled", SIPA_BITLOCKER_UNLOCK, 4, VERDICT_PASSED},
    {"Hgs_BitLockerEnabled", SIPA_BITLOCKER_UNLOCK, 0, VERDICT_FAILED},
    {"Hgs_BitLockerEnabled", SIPA_BITLOCKER_UNLOCK, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_PageFileEncryptionEnabled", SIPA_PAGEFILE_ENCRYPTION, 1, VERDICT_PASSED},
    {"Hgs_PageFileEncryptionEnabled", SIPA_PAGEFILE_ENCRYPTION, 0, VERDICT_FAILED},
    {"Hgs_PageFileEncryptionEnabled", SIPA_PAGEFILE_ENCRYPTION, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_HypervisorEnforcedCiPolicy", SIPA_VBS_HVCI_POLICY, 1, VERDICT_PASSED},
    {"Hgs_HypervisorEnforcedCiPolicy", SIPA_VBS_HVCI_POLICY, 0, VERDICT_FAILED},
    {"Hgs_HypervisorEnforcedCiPolicy", SIPA_VBS_HVCI_POLICY, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_NoHibernation", SIPA_HIBERNATION_DISABLED, 1, VERDICT_PASSED},
    {"Hgs_NoHibernation", SIPA_HIBERNATION_DISABLED, 0, VERDICT_FAILED},
    {"Hgs_NoHibernation", SIPA_HIBERNATION_DISABLED, OMIT, VERDICT_NOT_EVALUATED},
    {"Hgs_NoDumps", SIPA_DUMPS_DISABLED, 1, VERDICT_PASSED},
    {"Hgs_NoDumps", SIPA_DUMPS_DISABLED, 0, VERDICT_FAILED},
    {"Hgs_NoDumps", SIPA_DUMPS_DISABLED, OMIT, VERDICT_NOT_EVALUATED},
};

static void test_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof windows_cases / sizeof windows_cases[0]; i++) {
        const struct windows_case *c = &windows_cases[i];
        _cleanup_verdict_ struct verdict verdict;
        struct log_windows boot;
        print_message("%s %x\n", c->policy, c->setting);
        log_windows_init(&boot);
        if (c->value == OMIT)
            log_windows_omit(&boot, c->setting);
        else
            log_windows_set(&boot, c->setting, c->value);
        judge_windows(&verdict, &boot);
        testing_assert_row(&verdict, c->policy, c->result, "");
        if (c->result == VERDICT_FAILED)
            assert_true(verdict_find(&verdict, c->policy)->event_count > 0);
    }
}

static void test_secure_boot(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict on, off, absent;
    struct log_windows boot;
    log_windows_init(&boot);
    judge_windows(&on, &boot);
    testing_assert_row(&on, "Hgs_SecureBootEnabled", VERDICT_PASSED, "");
    boot.is_secure_boot_on = false;
    judge_windows(&off, &boot);
    testing_assert_row(&off, "Hgs_SecureBootEnabled", VERDICT_FAILED, "");
    boot.has_secure_boot_variable = false;
    judge_windows(&absent, &boot);
    testing_assert_row(&absent, "Hgs_SecureBootEnabled", VERDICT_NOT_EVALUATED, "");
}

static void test_vsm_key(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict with, without;
    struct log_windows boot;
    log_windows_init(&boot);
    judge_windows(&with, &boot);
    testing_assert_row(&with, "Hgs_VsmIdkPresent", VERDICT_PASSED, "");
    boot.has_vsm_key = false;
    judge_windows(&without, &boot);
    testing_assert_row(&without, "Hgs_VsmIdkPresent", VERDICT_NOT_EVALUATED, "");
}

/* Another system could write what Windows' loaders write: without the proof that they ran, and
 * that nothing came after them, nothing of it is evaluated. */
static void test_windows_must_have_booted(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "Hgs_UefiDebugDisabled", "Hgs_CiPolicy",         "Hgs_FullBoot",
        "Hgs_VsmIdkPresent",     "Hgs_VsmRunning",       "Hgs_HypervisorEnforcedCiPolicy",
        "Hgs_IommuEnabled",      "Hgs_BitLockerEnabled", "Hgs_PageFileEncryptionEnabled",
        "Hgs_NoHibernation",     "Hgs_NoDumps",          "Hgs_DumpEncryption",
        "Hgs_DumpEncryptionKey"};
    for (int open = 0; open < 2; open++) {
        _cleanup_verdict_ struct verdict verdict;
        struct log_windows boot;
        log_windows_init(&boot);
        if (open)
            boot.is_closed = false;
        else
            boot.authority = SLICE_EMPTY;
        judge_windows(&verdict, &boot);
        for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
            testing_assert_row(&verdict, policies[i], VERDICT_NOT_EVALUATED,
                               "that Windows booted is not proven");
    }
}

static void test_attested(void **state)
{
    (void)state;
    static const uint32_t pcrs[] = {7, 11, 12, 13, 14};
    _cleanup_testing_log_ struct testing_log log;
    struct log_windows boot;
    log_windows_init(&boot);
    testing_log_windows(&log, &boot);
    for (size_t i = 0; i < sizeof pcrs / sizeof pcrs[0]; i++) {
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        _cleanup_verdict_ struct verdict verdict;
        struct policy_evidence evidence;
        struct policy_set *set = policy_set_new(2);
        testing_evidence(&evidence, &log, &claims, WINDOWS);
        evidence.attested &= ~(1u << pcrs[i]);
        policy_evaluate(&verdict, set, &evidence);
        testing_assert_row(&verdict, "Hgs_NoDumps", VERDICT_NOT_EVALUATED, "is not attested");
        testing_assert_row(&verdict, "Hgs_CiPolicy", VERDICT_NOT_EVALUATED, "is not attested");
        testing_assert_row(&verdict, "Hgs_SecureBootEnabled",
                           pcrs[i] == 7 ? VERDICT_NOT_EVALUATED : VERDICT_PASSED, "");
        policy_set_free(set);
    }
}

/* What would make any code integrity policy worthless. */
static void test_ci_guards(void **state)
{
    (void)state;
    static const struct {
        uint32_t setting;
        uint64_t value;
        enum verdict_result result;
    } guards[] = {
        {SIPA_TEST_SIGNING, 0, VERDICT_PASSED},
        {SIPA_TEST_SIGNING, 1, VERDICT_FAILED},
        {SIPA_TEST_SIGNING, OMIT, VERDICT_NOT_EVALUATED},
        {SIPA_CODE_INTEGRITY, 0, VERDICT_FAILED},
        {SIPA_SAFE_MODE, 1, VERDICT_FAILED},
        {SIPA_WINPE, 1, VERDICT_FAILED},
        {SIPA_FIRMWARE_FAILURE, 1, VERDICT_FAILED},
    };
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        struct log_windows boot;
        struct policy policy;
        struct policy_set *set = policy_set_new(2);
        log_windows_init(&boot);
        if (guards[i].value == OMIT)
            log_windows_omit(&boot, guards[i].setting);
        else
            log_windows_set(&boot, guards[i].setting, guards[i].value);
        testing_log_windows(&log, &boot);
        testing_policy(&policy, "ws2022", POLICY_CI, WINDOWS);
        policy.ci.windows.candidate_count = 1;
        policy.ci.windows.candidates[0].banks[0] = (struct digest){DIGEST_SHA256, 32, {0}};
        memset(policy.ci.windows.candidates[0].banks[0].value, 0x51, 32);
        testing_add(set, &policy);
        testing_judge(&verdict, set, &log, WINDOWS);
        testing_assert_row(&verdict, "ws2022", VERDICT_PASSED, "");
        testing_assert_row(&verdict, "Hgs_CiPolicy", guards[i].result, "");
        policy_set_free(set);
    }
}

/* Dumps, their encryption and its key (guarded fabric documentation). */
static const struct dump_case {
    uint64_t disabled, encrypted; /* as measured; OMIT: not at all */
    bool has_key, is_known;       /* measured; in a dump policy */
    enum policy_state encryption; /* of Hgs_DumpEncryption */
    enum verdict_result no_dumps, dump_encryption, key;
} dump_cases[] = {
    /* dumps off pass all three, whatever else */
    {1, 0, false, false, POLICY_ENABLED, VERDICT_PASSED, VERDICT_PASSED, VERDICT_PASSED},
    {1, OMIT, true, false, POLICY_ENABLED, VERDICT_PASSED, VERDICT_PASSED, VERDICT_PASSED},
    /* encrypted to a known key */
    {0, 1, true, true, POLICY_ENABLED, VERDICT_FAILED, VERDICT_PASSED, VERDICT_PASSED},
    {OMIT, 1, true, true, POLICY_ENABLED, VERDICT_NOT_EVALUATED, VERDICT_PASSED, VERDICT_PASSED},
    /* to an unknown one; to none that is proven */
    {0, 1, true, false, POLICY_ENABLED, VERDICT_FAILED, VERDICT_PASSED, VERDICT_FAILED},
    {0, 1, false, true, POLICY_ENABLED, VERDICT_FAILED, VERDICT_PASSED, VERDICT_NOT_EVALUATED},
    /* not encrypted, and not known whether */
    {0, 0, true, true, POLICY_ENABLED, VERDICT_FAILED, VERDICT_FAILED, VERDICT_PASSED},
    {0, OMIT, true, true, POLICY_ENABLED, VERDICT_FAILED, VERDICT_NOT_EVALUATED, VERDICT_PASSED},
    /* the key is moot when the policy of encryption is off */
    {0, 1, true, false, POLICY_DISABLED, VERDICT_FAILED, VERDICT_PASSED, VERDICT_PASSED},
    {0, 0, false, false, POLICY_STAGED, VERDICT_FAILED, VERDICT_FAILED, VERDICT_PASSED},
};

static void set_or_omit(struct log_windows *boot, uint32_t setting, uint64_t value)
{
    if (value == OMIT)
        log_windows_omit(boot, setting);
    else
        log_windows_set(boot, setting, value);
}

static void add_dump_policy(struct policy_set *set, const char *name, int value)
{
    struct policy policy;
    testing_policy(&policy, name, POLICY_DUMP, WINDOWS);
    memset(policy.dump_key, value, sizeof policy.dump_key);
    testing_add(set, &policy);
}

static void test_dumps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dump_cases / sizeof dump_cases[0]; i++) {
        const struct dump_case *c = &dump_cases[i];
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        struct log_windows boot;
        struct policy_set *set = policy_set_new(2);
        print_message("%zu\n", i);
        log_windows_init(&boot);
        set_or_omit(&boot, SIPA_DUMPS_DISABLED, c->disabled);
        set_or_omit(&boot, SIPA_DUMP_ENCRYPTION, c->encrypted);
        boot.has_dump_key = c->has_key;
        testing_log_windows(&log, &boot);
        add_dump_policy(set, "other", 0x0d);
        if (c->is_known)
            add_dump_policy(set, "known", 0xd0); /* what log_windows measures */
        if (c->encryption != POLICY_ENABLED)
            testing_set_state(set, WINDOWS, "Hgs_DumpEncryption", c->encryption);
        testing_judge(&verdict, set, &log, WINDOWS);
        testing_assert_row(&verdict, "Hgs_NoDumps", c->no_dumps, "");
        testing_assert_row(&verdict, "Hgs_DumpEncryption", c->dump_encryption, "");
        testing_assert_row(&verdict, "Hgs_DumpEncryptionKey", c->key, "");
        policy_set_free(set);
    }
}

/* No key is known at first. */
static void test_no_dump_policy(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict verdict;
    struct log_windows boot;
    log_windows_init(&boot);
    log_windows_set(&boot, SIPA_DUMPS_DISABLED, 0);
    judge_windows(&verdict, &boot);
    testing_assert_row(&verdict, "Hgs_DumpEncryptionKey", VERDICT_NOT_EVALUATED,
                       "there is no dump policy");
}

/* One Linux command line (GRUB's), and what is made of it. */
static const struct linux_case {
    const char *policy, *line;
    enum verdict_result result;
} linux_cases[] = {
    {"Hgs_Lockdown", "lockdown=integrity", VERDICT_PASSED},
    {"Hgs_Lockdown", "lockdown=confidentiality", VERDICT_PASSED},
    {"Hgs_Lockdown", "quiet", VERDICT_NOT_EVALUATED},
    {"Hgs_Lockdown", "lockdown=integrity lockdown=none", VERDICT_FAILED},
    {"Hgs_FullBoot", "noresume", VERDICT_PASSED},
    {"Hgs_FullBoot", "nohibernate", VERDICT_PASSED},
    {"Hgs_FullBoot", "lockdown=integrity", VERDICT_PASSED},
    {"Hgs_FullBoot", "quiet", VERDICT_NOT_EVALUATED},
    {"Hgs_NoHibernation", "nohibernate", VERDICT_PASSED},
    {"Hgs_NoHibernation", "lockdown=integrity", VERDICT_PASSED},
    {"Hgs_NoHibernation", "quiet", VERDICT_NOT_EVALUATED},
    {"Hgs_IommuEnabled", "intel_iommu=on", VERDICT_PASSED},
    {"Hgs_IommuEnabled", "intel_iommu=on iommu=pt", VERDICT_FAILED},
    {"Hgs_IommuEnabled", "quiet", VERDICT_NOT_EVALUATED},
    {"Hgs_NoDumps", "quiet", VERDICT_PASSED},
    {"Hgs_NoDumps", "quiet crashkernel=256M", VERDICT_FAILED},
};

static void judge_line(struct verdict *out, const char *line)
{
    _cleanup_testing_log_ struct testing_log log;
    struct log_linux boot;
    char text[256];
    struct policy_set *set = policy_set_new(2);
    log_linux_init(&boot);
    snprintf(text, sizeof text, "/vmlinuz root=/dev/vda2 %s", line);
    boot.grub_line = text;
    testing_log_linux(&log, &boot);
    testing_judge(out, set, &log, LINUX);
    policy_set_free(set);
}

static void test_linux(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof linux_cases / sizeof linux_cases[0]; i++) {
        _cleanup_verdict_ struct verdict verdict;
        print_message("%s: %s\n", linux_cases[i].policy, linux_cases[i].line);
        judge_line(&verdict, linux_cases[i].line);
        testing_assert_row(&verdict, linux_cases[i].policy, linux_cases[i].result, "");
    }
}

/* Without a proven line, and with PCR 8 not attested, nothing that rests on it is evaluated. */
static void test_linux_line(void **state)
{
    (void)state;
    static const char *const policies[] = {"Hgs_FullBoot", "Hgs_Lockdown", "Hgs_IommuEnabled",
                                           "Hgs_NoHibernation", "Hgs_NoDumps"};
    for (int attested = 0; attested < 2; attested++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        _cleanup_verdict_ struct verdict verdict;
        struct policy_evidence evidence;
        struct log_linux boot;
        struct policy_set *set = policy_set_new(2);
        log_linux_init(&boot);
        if (attested)
            boot.grub_line = NULL;
        testing_log_linux(&log, &boot);
        testing_evidence(&evidence, &log, &claims, LINUX);
        if (!attested)
            evidence.attested &= ~(1u << 8);
        policy_evaluate(&verdict, set, &evidence);
        for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
            testing_assert_row(&verdict, policies[i], VERDICT_NOT_EVALUATED,
                               attested ? "" : "PCR 8 is not attested");
        policy_set_free(set);
    }
}

/* Firmware's words in PCR 7, before its end. */
static void judge_firmware(struct verdict *out, const char *words, enum eventlog_profile profile)
{
    _cleanup_log_builder_ struct log_builder builder, whole;
    _cleanup_testing_log_ struct testing_log log;
    struct log_linux boot;
    struct policy_set *set = policy_set_new(2);
    log_linux_init(&boot);
    log_builder_init(&builder, testing_bank, 1);
    log_builder_init(&whole, testing_bank, 1);
    size_t head = whole.bytes.size;
    log_builder_text(&builder, 7, EVENTLOG_EFI_ACTION, words);
    log_linux_build(&whole, &boot);
    buf_append(&builder.bytes, slice_of(whole.bytes.data + head, whole.bytes.size - head));
    testing_log_parse(&log, log_builder_slice(&builder));
    testing_judge(out, set, &log, profile);
    policy_set_free(set);
}

static void test_firmware_words(void **state)
{
    (void)state;
    _cleanup_verdict_ struct verdict debug, dma, windows;
    judge_firmware(&debug, "UEFI Debug Mode", LINUX);
    testing_assert_row(&debug, "Hgs_UefiDebugDisabled", VERDICT_FAILED, "");
    testing_assert_row(&debug, "Hgs_IommuEnabled", VERDICT_PASSED, "");
    judge_firmware(&dma, "DMA Protection Disabled", LINUX);
    testing_assert_row(&dma, "Hgs_IommuEnabled", VERDICT_FAILED, "DMA");
    testing_assert_row(&dma, "Hgs_UefiDebugDisabled", VERDICT_PASSED, "");
    judge_firmware(&windows, "quiet", WINDOWS); /* a Linux boot, judged as Windows */
    testing_assert_row(&windows, "Hgs_CiPolicy", VERDICT_NOT_EVALUATED, "not proven");
}

static void test_identity_key(void **state)
{
    (void)state;
    static const struct {
        enum policy_identity_key key;
        enum verdict_result result;
    } cases[] = {
        {POLICY_KEY_IN_TPM, VERDICT_PASSED},
        {POLICY_KEY_ELSEWHERE, VERDICT_FAILED},
        {POLICY_KEY_UNKNOWN, VERDICT_NOT_EVALUATED},
    };
    _cleanup_testing_log_ struct testing_log log;
    struct log_linux boot;
    log_linux_init(&boot);
    testing_log_linux(&log, &boot);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        _cleanup_verdict_ struct verdict verdict;
        struct policy_evidence evidence;
        struct policy_set *set = policy_set_new(2);
        testing_evidence(&evidence, &log, &claims, LINUX);
        evidence.identity_key = cases[i].key;
        policy_evaluate(&verdict, set, &evidence);
        testing_assert_row(&verdict, "Hgs_IdentityKeyInTpm", cases[i].result, "");
        policy_set_free(set);
    }
}

/* IMA knows of a crash kernel that no command line speaks of. */
static void test_kexec(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_verdict_ struct verdict verdict;
    struct policy_evidence evidence;
    struct log_linux boot;
    struct ima_list list = {0};
    struct ima_replay replay = {0};
    struct ima_facts facts = {.facts = {{.kind = IMA_FACT_KEXEC_LINE}}, .count = 1};
    struct policy_set *set = policy_set_new(2);
    log_linux_init(&boot);
    testing_log_linux(&log, &boot);
    testing_evidence(&evidence, &log, &claims, LINUX);
    evidence.ima = &list;
    evidence.ima_replay = &replay;
    evidence.ima_facts = &facts;
    policy_evaluate(&verdict, set, &evidence);
    testing_assert_row(&verdict, "Hgs_NoDumps", VERDICT_FAILED, "kexec");
    policy_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),        cmocka_unit_test(test_secure_boot),
        cmocka_unit_test(test_vsm_key),        cmocka_unit_test(test_windows_must_have_booted),
        cmocka_unit_test(test_attested),       cmocka_unit_test(test_ci_guards),
        cmocka_unit_test(test_dumps),          cmocka_unit_test(test_no_dump_policy),
        cmocka_unit_test(test_linux),          cmocka_unit_test(test_linux_line),
        cmocka_unit_test(test_firmware_words), cmocka_unit_test(test_identity_key),
        cmocka_unit_test(test_kexec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
