/* SPDX-License-Identifier: Apache-2.0 */

/* Claims of Linux behind systemd's boot loader, in unified kernels, and with options of the
 * firmware. */

#include "linux_boot.h"

#include "base/utf16.h"

#define LINE "/vmlinuz root=/dev/vda2 lockdown=integrity"

/* The EFI stub knows the line, too. */
static void test_load_options(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot.grub_line = LINE;
    boot.linux_boot.load_options = "BOOT_IMAGE=" LINE;
    build(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_GRUB, LINE);
    assert_true(
        eventlog_claims_confirm_load_options(&boot.claims, slice_from_text("BOOT_IMAGE=" LINE)));
    assert_false(eventlog_claims_confirm_load_options(&boot.claims, slice_from_text(LINE)));
    done(&boot);
    begin(&boot);
    boot.linux_boot.load_options = "BOOT_IMAGE=/vmlinuz evil";
    build(&boot);
    assert_contradicted(&boot);
    done(&boot);
    begin(&boot); /* none: nothing is confirmed */
    build(&boot);
    assert_false(eventlog_claims_confirm_load_options(&boot.claims, SLICE_EMPTY));
    done(&boot);
}

static void test_two_load_options(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot.load_options = "BOOT_IMAGE=" LINE;
    boot.linux_boot.grub_line = LINE;
    log_linux_build(&boot.builder, &boot.linux_boot);
    log_builder_hashed(&boot.builder, 9, EVENTLOG_TAG, slice_from_text("evil"),
                       slice_of("\xed\x22\x3b\x8f\0\0\0\0", 8));
    evaluate(&boot);
    assert_contradicted(&boot);
    assert_int_equal(boot.claims.load_options.digest.size, 0);
    assert_true(boot.claims.has_other_start);
    done(&boot);
}

/* A line that systemd's loader gave to a kernel without one of its own. */
static void test_systemd(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot.grub_line = NULL;
    boot.linux_boot.systemd_line = "root=/dev/vda2 lockdown=integrity";
    log_linux_build(&boot.builder, &boot.linux_boot);
    log_builder_wide(&boot.builder, 12, boot.linux_boot.systemd_line); /* twice in one boot */
    evaluate(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_SYSTEMD, "root=/dev/vda2 lockdown=integrity");
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_GOOD);
    assert_false(boot.claims.has_no_additions);
    done(&boot);
}

/* Versions that measured into PCR 8 logged a byte less than they hashed. */
static void test_old_systemd(void **state)
{
    (void)state;
    struct boot boot;
    _cleanup_buf_ struct buf wide;
    buf_init(&wide, 100);
    utf16_from_utf8(&wide, slice_from_text("quiet"));
    buf_append_u16_le(&wide, 0);
    begin(&boot);
    log_linux_firmware(&boot.builder, &boot.linux_boot);
    log_builder_hashed(&boot.builder, 8, EVENTLOG_IPL, buf_slice(&wide),
                       slice_of(wide.data, wide.size - 1));
    evaluate(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_SYSTEMD, "quiet");
    done(&boot);
}

static void test_systemd_voided(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct boot boot;
        begin(&boot);
        boot.linux_boot.grub_line = i == 4 ? LINE : NULL; /* GRUB's line, too */
        boot.linux_boot.systemd_line = "root=/dev/vda2 lockdown=integrity";
        boot.linux_boot.load_options = i == 3 ? "root=/dev/vda2" : NULL; /* another line */
        log_linux_build(&boot.builder, &boot.linux_boot);
        if (i == 0) /* another line, appended by a running system */
            log_builder_wide(&boot.builder, 12, "root=/dev/vda2");
        if (i == 1) /* a devicetree that was added */
            log_builder_hashed(&boot.builder, 12, EVENTLOG_TAG, slice_from_text("x"),
                               slice_of("\x51\xf7\x46\x6c\0\0\0\0", 8));
        if (i == 2) /* not covered */
            log_builder_hashed(&boot.builder, 12, EVENTLOG_IPL, slice_from_text("x"),
                               slice_of("a\0", 2));
        evaluate(&boot);
        assert_contradicted(&boot);
        done(&boot);
    }
}

/* A unified kernel image carries its line, which is not in the log in words. */
static void test_unified(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot = (struct log_linux){.is_secure_boot_on = true,
                                         .is_unified = true,
                                         .image_line = "quiet lockdown=integrity",
                                         .load_options = "quiet lockdown=integrity"};
    build(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_NONE, "");
    assert_true(boot.claims.has_no_additions);
    assert_true(eventlog_claims_confirm_load_options(&boot.claims,
                                                     slice_from_text("quiet lockdown=integrity")));
    assert_false(eventlog_claims_confirm_load_options(&boot.claims, slice_from_text("quiet")));
    done(&boot);
}

/* What PCR 12 has only adds to the image's line, so the whole one is not known from the log. */
static void test_unified_with_addition(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot = (struct log_linux){.is_secure_boot_on = true,
                                         .is_unified = true,
                                         .image_line = "quiet",
                                         .systemd_line = "lockdown=integrity"};
    build(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_NONE, "");
    assert_false(boot.claims.has_no_additions);
    done(&boot);
    begin(&boot); /* without a line of its own, PCR 12 has it all, and the kernel confirms it */
    boot.linux_boot = (struct log_linux){.is_secure_boot_on = true,
                                         .is_unified = true,
                                         .systemd_line = "lockdown=integrity",
                                         .load_options = "lockdown=integrity"};
    build(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_SYSTEMD, "lockdown=integrity");
    done(&boot);
    begin(&boot); /* unconfirmed: the image may have been started without any */
    boot.linux_boot = (struct log_linux){
        .is_secure_boot_on = true, .is_unified = true, .systemd_line = "lockdown=integrity"};
    build(&boot);
    assert_contradicted(&boot);
    done(&boot);
    begin(&boot); /* a name that is hidden may be .cmdline */
    boot.linux_boot =
        (struct log_linux){.is_secure_boot_on = true, .systemd_line = "lockdown=integrity"};
    log_builder_hashed(&boot.builder, 11, EVENTLOG_IPL, slice_of(".cmdline", 9),
                       slice_of(".\0x\0\0\0", 6));
    build(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_NONE, "");
    done(&boot);
}

/* Root of a system that a unified kernel image booted extends the empty PCR 8 by the line of
 * another kernel. */
static void test_grub_beside_unified(void **state)
{
    (void)state;
    static const char *const image_lines[] = {"quiet", NULL};
    for (size_t i = 0; i < 2; i++) {
        struct boot boot;
        begin(&boot);
        boot.linux_boot = (struct log_linux){.is_secure_boot_on = true,
                                             .is_unified = true,
                                             .image_line = image_lines[i],
                                             .load_options = "BOOT_IMAGE=" LINE};
        log_linux_build(&boot.builder, &boot.linux_boot);
        pcr8(&boot, LINE, sizeof LINE - 1, "kernel_cmdline: " LINE, sizeof LINE + 16);
        evaluate(&boot);
        assert_contradicted(&boot);
        assert_true(boot.claims.has_other_start);
        done(&boot);
    }
}

/* GRUB was there, so the line of systemd's PCR is not the whole story. */
static void test_systemd_after_grub(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot.grub_line = NULL;
    boot.linux_boot.systemd_line = "lockdown=integrity";
    pcr8(&boot, "set a=b", 7, "grub_cmd: set a=b", 18);
    build(&boot);
    assert_contradicted(&boot);
    done(&boot);
}

static void test_long_systemd_line(void **state)
{
    (void)state;
    static char line[COMMAND_LINE_SIZE_MAX + 2];
    for (size_t size = COMMAND_LINE_SIZE_MAX; size <= COMMAND_LINE_SIZE_MAX + 1; size++) {
        struct boot boot;
        memset(line, 'a', size);
        begin(&boot);
        boot.linux_boot = (struct log_linux){.is_secure_boot_on = true, .systemd_line = line};
        build(&boot);
        if (size == COMMAND_LINE_SIZE_MAX)
            assert_line(&boot, EVENTLOG_COMMAND_LINE_SYSTEMD, line);
        else
            assert_contradicted(&boot);
        done(&boot);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_options),
        cmocka_unit_test(test_two_load_options),
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_old_systemd),
        cmocka_unit_test(test_systemd_voided),
        cmocka_unit_test(test_unified),
        cmocka_unit_test(test_unified_with_addition),
        cmocka_unit_test(test_grub_beside_unified),
        cmocka_unit_test(test_systemd_after_grub),
        cmocka_unit_test(test_long_systemd_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
