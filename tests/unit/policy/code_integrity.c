/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/errors.h"

static void test_windows(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf file;
    struct policy_ci ci;
    vector_read(&file, "bootimage", "signed.p7b");
    assert_ok(code_integrity_take_windows(&ci, buf_slice(&file), "ws2022.p7b", err));
    assert_int_equal(ci.form, POLICY_CI_WINDOWS);
    assert_int_equal(ci.windows.candidate_count, 2);
    assert_ok(code_integrity_take_windows(&ci, buf_slice(&file), NULL, err));
    assert_refused(
        code_integrity_take_windows(&ci, buf_slice(&file), "C:\\x\\DriverSiPolicy.p7b", err),
        &policy_ci_driver_list);
    assert_refused(code_integrity_take_windows(&ci, SLICE_EMPTY, NULL, err),
                   &bootimage_windows_policy);
}

static void test_unified(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf image, addon;
    struct policy_ci ci;
    vector_read(&image, "bootimage", "stub-252.efi");
    vector_read(&addon, "bootimage", "quiet.addon.efi");
    assert_refused(code_integrity_take_unified(&ci, buf_slice(&addon), err),
                   &bootimage_not_unified);
    assert_ok(code_integrity_take_unified(&ci, buf_slice(&image), err));
    assert_int_equal(ci.form, POLICY_CI_UNIFIED_KERNEL);
    assert_refused(code_integrity_allow_addon(&ci, buf_slice(&image), err), &bootimage_not_addon);
    for (size_t i = 0; i < CODE_INTEGRITY_ADDITIONS_MAX; i++)
        assert_ok(code_integrity_allow_addon(&ci, buf_slice(&addon), err));
    assert_refused(code_integrity_allow_addon(&ci, buf_slice(&addon), err), &policy_ci_additions);
    code_integrity_done(&ci);
    assert_ok(code_integrity_take_ima(&ci, slice_from_text("appraise\n"), err));
    assert_refused(code_integrity_allow_addon(&ci, buf_slice(&addon), err), &policy_ci_additions);
}

static void test_kernel(void **state)
{
    (void)state;
    static const struct {
        const char *given, *kept;
    } lines[] = {
        {"BOOT_IMAGE=/vmlinuz root=/dev/vda quiet\n", "/vmlinuz root=/dev/vda quiet"},
        {" root=/dev/vda quiet ", "root=/dev/vda quiet"},
        {"/vmlinuz", "/vmlinuz"},
    };
    struct policy_ci ci;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_ok(code_integrity_take_kernel(&ci, slice_from_text("kernel"), lines[i].given, err));
        assert_string_equal(buf_text(&ci.kernel.command_line), lines[i].kept);
        assert_false(ci.kernel.has_image);
        code_integrity_done(&ci);
    }
    _cleanup_buf_ struct buf image;
    vector_read(&image, "bootimage", "pe32plus.efi");
    assert_ok(code_integrity_take_kernel(&ci, buf_slice(&image), "quiet", err));
    assert_true(ci.kernel.has_image);
    code_integrity_done(&ci);
}

static void test_kernel_refuses(void **state)
{
    (void)state;
    static const char *const lines[] = {"", " \n", "quiet\nsplash", "quiet \xff"};
    struct slice kernel = slice_from_text("kernel");
    struct policy_ci ci;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_refused(code_integrity_take_kernel(&ci, kernel, lines[i], err),
                       &policy_ci_command_line);
    char *longer = malloc(UNIFIED_KERNEL_COMMAND_LINE_MAX + 2);
    assert_non_null(longer);
    memset(longer, 'x', UNIFIED_KERNEL_COMMAND_LINE_MAX + 1);
    longer[UNIFIED_KERNEL_COMMAND_LINE_MAX + 1] = '\0';
    assert_refused(code_integrity_take_kernel(&ci, kernel, longer, err), &policy_ci_command_line);
    free(longer);
    assert_refused(code_integrity_take_kernel(&ci, SLICE_EMPTY, "quiet", err), &policy_ci_kernel);
}

static void test_ima(void **state)
{
    (void)state;
    struct policy_ci ci;
    static const uint8_t large[(1 << 20) + 1];
    assert_ok(code_integrity_take_ima(&ci, slice_from_text("appraise\n"), err));
    assert_int_equal(ci.form, POLICY_CI_IMA);
    assert_refused(code_integrity_take_ima(&ci, SLICE_EMPTY, err), &policy_ci_ima);
    assert_refused(code_integrity_take_ima(&ci, slice_of(large, sizeof large), err),
                   &policy_ci_ima);
}

static void test_warning(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool is_guarded;
    } cases[] = {
        {"root=/dev/vda quiet", false},
        {"root=/dev/vda lockdown=integrity", true},
        {"root=/dev/vda module.sig_enforce=1", true},
        {"root=/dev/vda ima_policy=appraise_tcb ima_appraise=enforce", true},
        {"root=/dev/vda lockdown=integrity lockdown=none", false},
        {"roothash=0123 quiet", true},
    };
    struct policy_ci ci;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].line);
        assert_ok(code_integrity_take_kernel(&ci, slice_from_text("kernel"), cases[i].line, err));
        assert_int_equal(code_integrity_warning(&ci) == NULL, cases[i].is_guarded);
        code_integrity_done(&ci);
    }
    assert_ok(code_integrity_take_ima(&ci, slice_from_text("appraise\n"), err));
    assert_null(code_integrity_warning(&ci));
    for (int form = 0; form < 4; form++) {
        assert_true(strlen(code_integrity_strength((enum policy_ci_form)form)) > 0);
        assert_true(strlen(code_integrity_evidence((enum policy_ci_form)form)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows), cmocka_unit_test(test_unified),
        cmocka_unit_test(test_kernel),  cmocka_unit_test(test_kernel_refuses),
        cmocka_unit_test(test_ima),     cmocka_unit_test(test_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
