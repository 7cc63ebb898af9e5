/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define WINDOWS EVENTLOG_PROFILE_WINDOWS

/* A policy whose candidates are bytes of this value: what log_windows measures is 0x51. */
static void windows_policy(struct policy *out, const char *name, uint8_t first, uint8_t second)
{
    testing_policy(out, name, POLICY_CI, WINDOWS);
    out->ci.form = POLICY_CI_WINDOWS;
    out->ci.windows.candidate_count = 2;
    for (size_t bank = 0; bank < DIGESTS_BANKS; bank++) {
        struct slice part = slice_of(&bank, 1);
        struct digests digests;
        digests_compute(&digests, &part, 1);
        for (size_t i = 0; i < 2; i++) {
            out->ci.windows.candidates[i].banks[bank] = digests.banks[bank];
            memset(out->ci.windows.candidates[i].banks[bank].value, i == 0 ? first : second,
                   digests.banks[bank].size);
        }
    }
}

static void assert_windows(const struct log_windows *boot, uint8_t first, uint8_t second,
                           enum verdict_result result, const char *words)
{
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    testing_log_windows(&log, boot);
    windows_policy(&policy, "ws2022", first, second);
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, WINDOWS);
    testing_assert_row(&verdict, "ws2022", result, words);
    testing_assert_row(&verdict, "Hgs_CiPolicy", result, words);
    policy_set_free(set);
}

static void test_windows(void **state)
{
    (void)state;
    struct log_windows boot;
    log_windows_init(&boot);
    assert_windows(&boot, 0x51, 0, VERDICT_PASSED, "activated it as SiPolicy.p7b");
    assert_windows(&boot, 0, 0x51, VERDICT_PASSED, "activated it"); /* the signed content */
    assert_windows(&boot, 0, 1, VERDICT_FAILED, "not among the policies");
    boot.si_policy_name = "{A244370E-44C9-4C06-B551-F6016E563076}.CIP";
    assert_windows(&boot, 0x51, 0, VERDICT_PASSED, ".CIP");
}

/* The list of blocked drivers allows everything else: it never counts. */
static void test_driver_block_list(void **state)
{
    (void)state;
    struct log_windows boot;
    log_windows_init(&boot);
    boot.si_policy_name = NULL; /* only DriverSiPolicy.p7b is left */
    assert_windows(&boot, 0x51, 0, VERDICT_NOT_EVALUATED, "no code integrity policy");
    boot.si_policy_name = "DriverSiPolicy.p7b";
    assert_windows(&boot, 0x51, 0, VERDICT_NOT_EVALUATED, "no code integrity policy");
}

/* What log_linux boots by GRUB. */
static void assert_kernel(const struct log_linux *boot, const char *kernel, const char *line,
                          enum verdict_result result, const char *words)
{
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    testing_log_linux(&log, boot);
    testing_policy(&policy, "kernel", POLICY_CI, LINUX);
    assert_ok(code_integrity_take_kernel(&policy.ci, slice_from_text(kernel), line, err));
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "kernel", result, words);
    testing_assert_row(&verdict, "Hgs_CiPolicy", result, words);
    policy_set_free(set);
}

static void test_kernel(void **state)
{
    (void)state;
    struct log_linux boot;
    log_linux_init(&boot);
    boot.grub_line = "/vmlinuz root=/dev/vda2 lockdown=integrity";
    assert_kernel(&boot, "kernel", "root=/dev/vda2 lockdown=integrity", VERDICT_PASSED,
                  "was booted with the policy's command line");
    assert_kernel(&boot, "kernel", "BOOT_IMAGE=/vmlinuz root=/dev/vda2 lockdown=integrity",
                  VERDICT_PASSED, "was booted");
    assert_kernel(&boot, "kernel", "/boot/vmlinuz root=/dev/vda2 lockdown=integrity",
                  VERDICT_FAILED, "with another command line: /vmlinuz root=");
    assert_kernel(&boot, "kernel", "root=/dev/vda2 lockdown=integrity quiet", VERDICT_FAILED,
                  "with another command line");
    assert_kernel(&boot, "kernel", "root=/dev/vda2", VERDICT_FAILED, "with another command line");
    assert_kernel(&boot, "another", "root=/dev/vda2 lockdown=integrity", VERDICT_FAILED,
                  "neither in PCR 4 nor in PCR 9");
    boot.grub_line = "/vmlinuz \x1b[2J\xff"; /* is shown to administrators, on their terminals */
    assert_kernel(&boot, "kernel", "quiet", VERDICT_FAILED, "command line: /vmlinuz ?[2J?");
}

/* A kernel that systemd-boot starts: its image in PCR 4, its line in PCR 12. */
static void test_kernel_without_grub(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct log_linux boot = {.is_secure_boot_on = true,
                             .systemd_line = "root=/dev/vda",
                             .load_options = "root=/dev/vda"};
    struct policy policy;
    struct slice image = slice_from_text("kernel image");
    struct policy_set *set = policy_set_new(2);
    testing_log_linux(&log, &boot);
    testing_policy(&policy, "kernel", POLICY_CI, LINUX);
    assert_ok(
        code_integrity_take_kernel(&policy.ci, slice_from_text("file"), "root=/dev/vda", err));
    policy.ci.kernel.has_image = true;
    digests_compute(&policy.ci.kernel.image, &image, 1);
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "kernel", VERDICT_PASSED, "was booted");
    policy_set_free(set);
}

static void start_kernel(struct log_builder *builder, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        log_builder_hashed(builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION,
                           slice_from_text("kernel image"), slice_from_text("path"));
}

/* The kernel alone, with any command line, and what GRUB would have measured afterwards; also when
 * so much follows that the claims tell no images. */
static void test_kernel_before_its_loader(void **state)
{
    (void)state;
    for (uint32_t after = 0; after <= EVENTLOG_IMAGES_MAX; after += EVENTLOG_IMAGES_MAX) {
        _cleanup_log_builder_ struct log_builder builder;
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        struct log_linux boot;
        struct policy policy;
        struct slice image = slice_from_text("kernel image");
        struct policy_set *set = policy_set_new(2);
        log_linux_init(&boot);
        log_builder_init(&builder, testing_bank, 1);
        start_kernel(&builder, 1);
        log_linux_build(&builder, &boot);
        start_kernel(&builder, after);
        testing_log_parse(&log, log_builder_slice(&builder));
        testing_policy(&policy, "kernel", POLICY_CI, LINUX);
        assert_ok(
            code_integrity_take_kernel(&policy.ci, slice_from_text("kernel"), boot.grub_line, err));
        policy.ci.kernel.has_image = true;
        digests_compute(&policy.ci.kernel.image, &image, 1);
        testing_add(set, &policy);
        testing_judge(&verdict, set, &log, LINUX);
        testing_assert_row(&verdict, "kernel", VERDICT_FAILED, "another image was started after");
        policy_set_free(set);
    }
}

/* Two lines in PCR 8: none is believed. */
static void test_kernel_contradiction(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct log_linux boot;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    log_linux_init(&boot);
    log_builder_init(&builder, testing_bank, 1);
    log_linux_build(&builder, &boot);
    log_builder_hashed(&builder, 8, EVENTLOG_IPL, slice_from_text("/vmlinuz init=/bin/sh"),
                       slice_from_text("kernel_cmdline: /vmlinuz init=/bin/sh"));
    testing_log_parse(&log, log_builder_slice(&builder));
    testing_policy(&policy, "kernel", POLICY_CI, LINUX);
    assert_ok(
        code_integrity_take_kernel(&policy.ci, slice_from_text("kernel"), boot.grub_line, err));
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "kernel", VERDICT_NOT_EVALUATED, "two different");
    testing_assert_row(&verdict, "Hgs_Lockdown", VERDICT_NOT_EVALUATED, "");
    policy_set_free(set);
}

/* One entry of an IMA list, ima-ng, for a file with this content. */
static void append_entry(struct buf *out, const char *content, const char *path)
{
    struct digest digest, template_digest;
    _cleanup_buf_ struct buf data;
    buf_init(&data, 4096);
    digest_compute(&digest, DIGEST_SHA256, slice_from_text(content));
    buf_append_u32_le(&data, 8 + DIGEST_SHA256_SIZE);
    buf_append_bytes(&data, "sha256:", 8);
    buf_append(&data, digest_slice(&digest));
    buf_append_u32_le(&data, (uint32_t)strlen(path) + 1);
    buf_append_bytes(&data, path, strlen(path) + 1);
    digest_compute(&template_digest, DIGEST_SHA1, buf_slice(&data));
    buf_append_u32_le(out, IMA_PCR);
    buf_append(out, digest_slice(&template_digest));
    buf_append_u32_le(out, 6);
    buf_append_text(out, "ima-ng");
    buf_append_u32_le(out, (uint32_t)data.size);
    buf_append(out, buf_slice(&data));
}

struct ima_case {
    bool is_sent, is_attested;
    enum ima_aggregate aggregate;
    enum ima_fact_kind fact; /* one fact of this kind */
    bool is_cut;
    const char *line; /* GRUB's */
    const char *measured;
    enum verdict_result result;
    const char *words;
};

static void assert_ima(const struct ima_case *c)
{
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_verdict_ struct verdict verdict;
    _cleanup_buf_ struct buf bytes;
    _cleanup_ima_ struct ima_list list;
    struct ima_facts facts = {
        .facts = {{.kind = c->fact}}, .count = 1, .is_cut = c->is_cut, .aggregate = c->aggregate};
    struct policy_evidence evidence;
    struct log_linux boot;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    log_linux_init(&boot);
    if (c->line != NULL)
        boot.grub_line = c->line;
    testing_log_linux(&log, &boot);
    buf_init(&bytes, 65536);
    append_entry(&bytes, "init", "/sbin/init");
    append_entry(&bytes, c->measured, "/etc/ima/ima-policy");
    assert_ok(ima_parse(&list, buf_slice(&bytes), err));
    struct ima_replay replay = {.count = list.count};
    testing_policy(&policy, "ima", POLICY_CI, LINUX);
    assert_ok(code_integrity_take_ima(&policy.ci, slice_from_text("rules"), err));
    testing_add(set, &policy);
    testing_evidence(&evidence, &log, &claims, LINUX);
    if (c->is_sent) {
        evidence.ima = &list;
        evidence.ima_replay = &replay;
        evidence.ima_facts = &facts;
    }
    if (!c->is_attested)
        evidence.attested &= ~(1u << IMA_PCR);
    policy_evaluate(&verdict, set, &evidence);
    testing_assert_row(&verdict, "ima", c->result, c->words);
    testing_assert_row(&verdict, "Hgs_CiPolicy", c->result, c->words);
    policy_set_free(set);
}

static void test_ima(void **state)
{
    (void)state;
    static const enum ima_fact_kind other = IMA_FACT_POLICY_FILE;
    const struct ima_case cases[] = {
        {true, true, IMA_AGGREGATE_GOOD, other, false, NULL, "rules", VERDICT_PASSED, "measured"},
        {true, true, IMA_AGGREGATE_GOOD, other, false, NULL, "other rules", VERDICT_FAILED,
         "no such policy file"},
        {false, true, IMA_AGGREGATE_GOOD, other, false, NULL, "rules", VERDICT_NOT_EVALUATED,
         "no IMA list"},
        {true, false, IMA_AGGREGATE_GOOD, other, false, NULL, "rules", VERDICT_NOT_EVALUATED,
         "PCR 10 is not attested"},
        {true, true, IMA_AGGREGATE_BAD, other, false, NULL, "rules", VERDICT_NOT_EVALUATED,
         "does not begin with"},
        {true, true, IMA_AGGREGATE_UNKNOWN, other, false, NULL, "rules", VERDICT_NOT_EVALUATED,
         "does not begin with"},
        {true, true, IMA_AGGREGATE_GOOD, IMA_FACT_KEXEC_LINE, false, NULL, "rules", VERDICT_FAILED,
         "another kernel"},
        {true, true, IMA_AGGREGATE_GOOD, other, true, NULL, "rules", VERDICT_FAILED,
         "another kernel"},
        {true, true, IMA_AGGREGATE_GOOD, other, false, "/vmlinuz ima_appraise=off", "rules",
         VERDICT_FAILED, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%zu\n", i);
        assert_ima(&cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_driver_block_list),
        cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_kernel_without_grub),
        cmocka_unit_test(test_kernel_contradiction),
        cmocka_unit_test(test_kernel_before_its_loader),
        cmocka_unit_test(test_ima),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
