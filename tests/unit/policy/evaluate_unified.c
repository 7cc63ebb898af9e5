/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define LINE "root=/dev/vda2 lockdown=integrity nohibernate intel_iommu=on"

static void digest_text(struct digests *out, const char *text)
{
    struct slice part = slice_from_text(text);
    digests_compute(out, &part, 1);
}

static void add_section(struct unified_kernel *kernel, const char *name, const char *content)
{
    struct unified_kernel_section *section = &kernel->sections[kernel->section_count++];
    snprintf(section->name, sizeof section->name, "%s", name);
    digest_text(&section->contents, content);
}

/* The policy of the image that log_builder boots. */
static void image_policy(struct policy *out, const char *name)
{
    testing_policy(out, name, POLICY_CI, LINUX);
    out->ci.form = POLICY_CI_UNIFIED_KERNEL;
    digest_text(&out->ci.unified.image, "kernel image");
    add_section(&out->ci.unified, ".linux", "the kernel");
    add_section(&out->ci.unified, ".cmdline", LINE);
    add_section(&out->ci.unified, ".initrd", "the initrd");
    add_section(&out->ci.unified, ".uname", "6.1"); /* this stub does not know it */
    buf_init(&out->ci.unified.command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX);
    buf_append_text(&out->ci.unified.command_line, LINE);
}

static void image_boot(struct log_linux *out)
{
    *out = (struct log_linux){
        .is_secure_boot_on = true, .is_unified = true, .image_line = LINE, .load_options = LINE};
}

/* Judges the boot by the policy alone, which is freed. */
static void assert_judged(const struct log_linux *boot, struct policy *policy,
                          enum verdict_result result, const char *words)
{
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct policy_set *set = policy_set_new(2);
    testing_log_linux(&log, boot);
    testing_add(set, policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "image", result, words);
    policy_set_free(set);
}

static void test_passes(void **state)
{
    (void)state;
    struct log_linux boot;
    struct policy policy;
    image_boot(&boot);
    image_policy(&policy, "image");
    assert_judged(&boot, &policy, VERDICT_PASSED, "was booted");
    boot.load_options = NULL; /* a kernel that does not measure them */
    image_policy(&policy, "image");
    assert_judged(&boot, &policy, VERDICT_PASSED, "was booted");
}

static void test_other_image(void **state)
{
    (void)state;
    struct log_linux boot;
    struct policy policy;
    image_boot(&boot);
    image_policy(&policy, "image");
    digest_text(&policy.ci.unified.image, "another image");
    assert_judged(&boot, &policy, VERDICT_FAILED, "not among those that firmware started");
}

static void start_image(struct log_builder *builder, const char *image)
{
    log_builder_hashed(builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, slice_from_text(image),
                       slice_from_text("path"));
}

/* A kernel that another policy names, started by itself with any command line, can have all that
 * follows in PCR 4 measured: the image, loaders of a baseline. */
static void test_other_image_started(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *words;
        enum verdict_result result;
    } cases[] = {
        {"a loader", NULL, "was booted", VERDICT_PASSED},
        {"other kernel", NULL, "the image of another ci policy was started, too", VERDICT_FAILED},
        {NULL, "other kernel", "another image was started after it", VERDICT_FAILED},
        {NULL, "a loader", "another image was started after it", VERDICT_FAILED},
        {NULL, "kernel image", "was booted", VERDICT_PASSED},
        {NULL, "inner kernel", "was booted", VERDICT_PASSED},
        {"inner kernel", NULL, "what is in the image was started before it", VERDICT_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_log_builder_ struct log_builder builder;
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        struct log_linux boot;
        struct policy policy;
        struct policy_set *set = policy_set_new(2);
        log_builder_init(&builder, testing_bank, 1);
        if (cases[i].before != NULL)
            start_image(&builder, cases[i].before);
        image_boot(&boot);
        log_linux_build(&builder, &boot);
        if (cases[i].after != NULL)
            start_image(&builder, cases[i].after);
        testing_log_parse(&log, log_builder_slice(&builder));
        image_policy(&policy, "image");
        policy.ci.unified.has_kernel = true;
        digest_text(&policy.ci.unified.kernel, "inner kernel");
        testing_add(set, &policy);
        testing_policy(&policy, "kernel", POLICY_CI, LINUX);
        assert_ok(code_integrity_take_kernel(&policy.ci, slice_from_text("file"), "quiet", err));
        policy.ci.kernel.has_image = true;
        digest_text(&policy.ci.kernel.image, "other kernel");
        testing_add(set, &policy);
        testing_judge(&verdict, set, &log, LINUX);
        testing_assert_row(&verdict, "image", cases[i].result, cases[i].words);
        policy_set_free(set);
    }
}

static void test_sections(void **state)
{
    (void)state;
    struct log_linux boot;
    struct policy policy;
    image_boot(&boot);
    image_policy(&policy, "image");
    digest_text(&policy.ci.unified.sections[2].contents, "another initrd");
    assert_judged(&boot, &policy, VERDICT_FAILED, "section .initrd in PCR 11 is not the image's");
    image_policy(&policy, "image");
    add_section(&policy.ci.unified, ".pcrpkey", "key"); /* which every stub would measure */
    assert_judged(&boot, &policy, VERDICT_FAILED, "are missing in PCR 11");
    image_policy(&policy, "image");
    memcpy(policy.ci.unified.sections[0].name, ".osrel\0", 8);
    assert_judged(&boot, &policy, VERDICT_FAILED, "other sections than the image");
    image_policy(&policy, "image");
    boot.is_unified = false; /* nothing in PCR 11 */
    assert_judged(&boot, &policy, VERDICT_FAILED, "are missing in PCR 11");
}

static void test_command_line(void **state)
{
    (void)state;
    struct log_linux boot;
    struct policy policy;
    image_boot(&boot);
    image_policy(&policy, "image");
    boot.load_options = LINE " init=/bin/sh";
    assert_judged(&boot, &policy, VERDICT_FAILED, "another command line than the image's (PCR 9)");
    image_boot(&boot);
    image_policy(&policy, "image");
    boot.grub_line = "/vmlinuz quiet"; /* beside the image, a kernel of GRUB's */
    assert_judged(&boot, &policy, VERDICT_FAILED, "not among those");
}

static void allow_addon(struct policy *policy, const char *image)
{
    _cleanup_buf_ struct buf addon;
    vector_read(&addon, "bootimage", "quiet.addon.efi");
    assert_ok(code_integrity_allow_addon(&policy->ci, buf_slice(&addon), err));
    digest_text(&policy->ci.additions[0].image, image);
}

static void test_additions(void **state)
{
    (void)state;
    struct log_linux boot;
    struct policy policy;
    image_boot(&boot);
    boot.systemd_line = "splash name=Zo\u00eb\U0001f600";
    boot.load_options = LINE " splash name=Zo\u00eb\U0001f600";
    image_policy(&policy, "image");
    assert_judged(&boot, &policy, VERDICT_FAILED, "added to the image that is not allowed");
    image_policy(&policy, "image");
    allow_addon(&policy, "the add-on");
    assert_judged(&boot, &policy, VERDICT_FAILED, "that was not loaded (PCR 4)");
    boot.addon = "the add-on";
    image_policy(&policy, "image");
    allow_addon(&policy, "the add-on");
    assert_judged(&boot, &policy, VERDICT_PASSED, "was booted");
    boot.systemd_line = "init=/bin/sh";
    boot.load_options = LINE " init=/bin/sh";
    image_policy(&policy, "image");
    allow_addon(&policy, "the add-on");
    assert_judged(&boot, &policy, VERDICT_FAILED, "added to the image that is not allowed");
    image_boot(&boot);
    image_policy(&policy, "image"); /* allowed is not demanded */
    allow_addon(&policy, "the add-on");
    assert_judged(&boot, &policy, VERDICT_PASSED, "was booted");
}

/* An event more in one of the PCRs, of that type. */
static void assert_with_event(uint32_t pcr, uint32_t type, const char *words)
{
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct log_linux boot;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    image_boot(&boot);
    log_builder_init(&builder, testing_bank, 1);
    log_linux_build(&builder, &boot);
    log_builder_text(&builder, pcr, type, "more");
    testing_log_parse(&log, log_builder_slice(&builder));
    image_policy(&policy, "image");
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "image", VERDICT_FAILED, words);
    testing_assert_row(&verdict, "Hgs_CiPolicy", VERDICT_FAILED, words);
    assert_int_not_equal(verdict_find(&verdict, "Hgs_Lockdown")->result, VERDICT_PASSED);
    policy_set_free(set);
}

static void test_more_events(void **state)
{
    (void)state;
    assert_with_event(11, EVENTLOG_IPL, "other sections");
    assert_with_event(11, EVENTLOG_SEPARATOR, "no section");
    assert_with_event(12, EVENTLOG_TAG, "added to the image");
    assert_with_event(13, EVENTLOG_IPL, "added to the image");
}

/* The kernel's EFI stub ran twice, the second time with who knows what. */
static void test_started_twice(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_verdict_ struct verdict verdict;
    struct log_linux boot;
    struct policy policy;
    struct policy_set *set = policy_set_new(2);
    image_boot(&boot);
    log_builder_init(&builder, testing_bank, 1);
    log_linux_build(&builder, &boot);
    log_builder_hashed(&builder, 9, EVENTLOG_TAG, slice_from_text("evil"),
                       slice_of("\xed\x22\x3b\x8f\0\0\0\0", 8));
    testing_log_parse(&log, log_builder_slice(&builder));
    image_policy(&policy, "image");
    testing_add(set, &policy);
    testing_judge(&verdict, set, &log, LINUX);
    testing_assert_row(&verdict, "image", VERDICT_FAILED, "something else may have been started");
    policy_set_free(set);
}

/* Real boots: the image's facts taken from the log and the recorded command line. */
static void recorded_policy(struct policy *out, const struct eventlog *log, const char *line)
{
    testing_policy(out, "image", POLICY_CI, LINUX);
    out->ci.form = POLICY_CI_UNIFIED_KERNEL;
    struct unified_kernel *kernel = &out->ci.unified;
    static const char *const names[] = {".linux", ".osrel", ".cmdline", ".initrd"};
    size_t events = 0;
    kernel->stub_version = 252;
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        struct digest *digest = NULL;
        if (event->pcr == 4 && event->type == EVENTLOG_EFI_BOOT_SERVICES_APPLICATION)
            digest = &kernel->image.banks[0];
        if (event->pcr == 11 && events++ % 2 == 1) {
            struct unified_kernel_section *section = &kernel->sections[kernel->section_count];
            snprintf(section->name, sizeof section->name, "%s", names[kernel->section_count++]);
            digest = &section->contents.banks[0];
        }
        if (digest == NULL)
            continue;
        *digest = (struct digest){.algorithm = DIGEST_SHA256, .size = DIGEST_SHA256_SIZE};
        memcpy(digest->value, eventlog_event_digest(event, DIGEST_SHA256).data, digest->size);
    }
    buf_init(&kernel->command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX);
    buf_append_text(&kernel->command_line, line);
}

/* PCR 11 as the TPM held it: "sha256 11 hex". */
static void assert_recorded_pcr(const char *folder, struct slice value)
{
    _cleanup_buf_ struct buf pcrs;
    char hex[2 * DIGEST_SIZE_MAX + 1], line[256];
    vector_read(&pcrs, folder, "pcrs.txt");
    hex_format(value, hex);
    for (char *at = hex; *at != '\0'; at++)
        *at = (char)(*at >= 'a' ? *at - 'a' + 'A' : *at);
    snprintf(line, sizeof line, "sha256 11 %s", hex);
    if (strstr(buf_text(&pcrs), line) == NULL)
        fail_msg("not in pcrs.txt: %s", line);
}

static void test_recorded(void **state)
{
    (void)state;
    static const char *const boots[] = {"secure-boot-uki", "secure-boot-uki-no-smm",
                                        "secure-boot-uki-three-banks"};
    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        _cleanup_buf_ struct buf line;
        char folder[64];
        struct policy policy;
        struct digest pcr11, expected;
        struct policy_set *set = policy_set_new(2);
        snprintf(folder, sizeof folder, "boots/%s", boots[i]);
        testing_log_recorded(&log, boots[i]);
        vector_read(&line, folder, "cmdline.txt");
        line.size--; /* the line's end, which is /proc/cmdline's */
        recorded_policy(&policy, &log.log, buf_text(&line));
        assert_int_equal(policy.ci.unified.section_count, 4);
        digest_compute(&expected, DIGEST_SHA256, buf_slice(&line));
        assert_true(slice_equal(digest_slice(&expected),
                                digest_slice(&policy.ci.unified.sections[2].contents.banks[0])));
        unified_kernel_predict(&pcr11, &policy.ci.unified, DIGEST_SHA256);
        assert_recorded_pcr(folder, digest_slice(&pcr11));
        testing_add(set, &policy);
        testing_judge(&verdict, set, &log, LINUX);
        testing_assert_row(&verdict, "image", VERDICT_PASSED, "was booted");
        testing_assert_row(&verdict, "Hgs_CiPolicy", VERDICT_PASSED, "ci policy image");
        testing_assert_row(&verdict, "Hgs_Lockdown", VERDICT_PASSED, "");
        policy_set_free(set);
    }
}

static void test_not_attested(void **state)
{
    (void)state;
    static const uint32_t pcrs[] = {4, 8, 9, 11, 12, 13};
    for (size_t i = 0; i < sizeof pcrs / sizeof pcrs[0]; i++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_eventlog_claims_ struct eventlog_claims claims;
        _cleanup_verdict_ struct verdict verdict;
        struct policy_evidence evidence;
        struct log_linux boot;
        struct policy policy;
        struct policy_set *set = policy_set_new(2);
        char words[64];
        image_boot(&boot);
        testing_log_linux(&log, &boot);
        image_policy(&policy, "image");
        testing_add(set, &policy);
        testing_evidence(&evidence, &log, &claims, LINUX);
        evidence.attested = ALL_PCRS & ~(1u << pcrs[i]);
        policy_evaluate(&verdict, set, &evidence);
        snprintf(words, sizeof words, "PCR %u is not attested", pcrs[i]);
        testing_assert_row(&verdict, "image", VERDICT_NOT_EVALUATED, words);
        testing_assert_row(&verdict, "Hgs_CiPolicy", VERDICT_NOT_EVALUATED, words);
        assert_false(verdict.passed);
        policy_set_free(set);
    }
}

/* Without Secure Boot anything may have loaded the image, so its command line proves nothing. */
static void test_line_needs_secure_boot(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_verdict_ struct verdict verdict;
        struct log_linux boot;
        struct policy policy;
        struct policy_set *set = policy_set_new(2);
        image_boot(&boot);
        boot.is_secure_boot_on = on;
        testing_log_linux(&log, &boot);
        image_policy(&policy, "image");
        testing_add(set, &policy);
        testing_judge(&verdict, set, &log, LINUX);
        testing_assert_row(&verdict, "image", VERDICT_PASSED, "");
        testing_assert_row(&verdict, "Hgs_Lockdown", on ? VERDICT_PASSED : VERDICT_NOT_EVALUATED,
                           on ? "" : "Secure Boot");
        testing_assert_row(&verdict, "Hgs_IommuEnabled",
                           on ? VERDICT_PASSED : VERDICT_NOT_EVALUATED, "");
        policy_set_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_other_image),
        cmocka_unit_test(test_other_image_started),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_additions),
        cmocka_unit_test(test_more_events),
        cmocka_unit_test(test_started_twice),
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_not_attested),
        cmocka_unit_test(test_line_needs_secure_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
