/* SPDX-License-Identifier: Apache-2.0 */
/* Claims from PCRs 8, 9 and 11 to 14 of Linux. */
#include "base/utf16.h"
#include "eventlog/command_line.h"
#include "eventlog/variable.h"
#include "testing.h"

#define LINE "/vmlinuz root=/dev/vda2 lockdown=integrity"

struct boot {
    struct log_linux linux_boot;
    struct log_builder builder;
    struct eventlog log;
    struct eventlog_claims claims;
};

static void begin(struct boot *boot)
{
    *boot = (struct boot){0};
    log_linux_init(&boot->linux_boot);
    testing_log(&boot->builder);
}

static void evaluate(struct boot *boot)
{
    testing_claims(&boot->log, &boot->claims, &boot->builder, EVENTLOG_PROFILE_LINUX);
}

static void build(struct boot *boot)
{
    log_linux_build(&boot->builder, &boot->linux_boot);
    evaluate(boot);
}

static void done(struct boot *boot)
{
    eventlog_claims_done(&boot->claims);
    eventlog_done(&boot->log);
    log_builder_done(&boot->builder);
}

static void assert_line(struct boot *boot, enum eventlog_command_line_source source,
                        const char *text)
{
    struct eventlog_command_line *line = &boot->claims.command_line;
    assert_int_equal(line->source, source);
    assert_string_equal(buf_text(&line->text), text);
    bool is_known = source == EVENTLOG_COMMAND_LINE_GRUB || source == EVENTLOG_COMMAND_LINE_SYSTEMD;
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_COMMAND_LINE,
                         is_known ? EVENTLOG_GOOD : EVENTLOG_UNKNOWN);
    if (is_known)
        return;
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_NO_DUMPS, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_FULL_BOOT, EVENTLOG_UNKNOWN);
}

static void assert_contradicted(struct boot *boot)
{
    assert_line(boot, EVENTLOG_COMMAND_LINE_CONTRADICTED, "");
}

static void test_grub(void **state)
{
    (void)state;
    static const enum eventlog_claim_id good[] = {
        EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_CLAIM_UEFI_DEBUG_OFF,    EVENTLOG_CLAIM_FULL_BOOT,
        EVENTLOG_CLAIM_IOMMU,       EVENTLOG_CLAIM_NO_HIBERNATION,    EVENTLOG_CLAIM_NO_DUMPS,
        EVENTLOG_CLAIM_LOCKDOWN,    EVENTLOG_CLAIM_MODULE_SIGNATURES, EVENTLOG_CLAIM_COMMAND_LINE};
    struct boot boot;
    begin(&boot);
    build(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_GRUB, boot.linux_boot.grub_line);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        testing_assert_claim(&boot.claims, good[i], EVENTLOG_GOOD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_VSM_RUNNING, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_IMA_APPRAISE, EVENTLOG_UNKNOWN);
    assert_int_equal(boot.claims.image_count, 2);
    assert_true(boot.claims.has_no_additions);
    assert_int_equal(boot.claims.initrd.digest.size, 32);
    assert_int_equal(boot.claims.claims[EVENTLOG_CLAIM_LOCKDOWN].events[0],
                     boot.claims.command_line.event);
    done(&boot);
}

static void test_no_secure_boot(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot.is_secure_boot_on = false;
    build(&boot);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_COMMAND_LINE, EVENTLOG_GOOD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_NO_DUMPS, EVENTLOG_UNKNOWN);
    done(&boot);
}

/* An EV_IPL in PCR 8 whose digest is of hashed. */
static void pcr8(struct boot *boot, const char *hashed, size_t hashed_size, const char *data,
                 size_t data_size)
{
    log_builder_hashed(&boot->builder, 8, EVENTLOG_IPL, slice_of(hashed, hashed_size),
                       slice_of(data, data_size));
}

/* As older GRUBs of Fedora write: commands with the NUL in the digest. */
static void test_old_grub(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    log_linux_firmware(&boot.builder, &boot.linux_boot);
    pcr8(&boot, "set a=b", 8, "grub_cmd set a=b", 17);
    pcr8(&boot, LINE, sizeof LINE - 1, "grub_kernel_cmdline " LINE, sizeof LINE + 20);
    evaluate(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_GRUB, LINE);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_GOOD);
    done(&boot);
}

/* What voids PCR 8, beside a good line. */
static void test_grub_voided(void **state)
{
    (void)state;
    static const struct {
        const char *what, *hashed, *data;
    } cases[] = {
        {"two lines", "/vmlinuz evil", "kernel_cmdline: /vmlinuz evil"},
        {"a line as a command", "/vmlinuz evil", "grub_cmd: /vmlinuz evil"},
        {"a line of another disk as a command", "(hd0)/vmlinuz", "grub_cmd: (hd0)/vmlinuz"},
        {"a line as an old command", "/vmlinuz evil", "grub_cmd /vmlinuz evil"},
        {"a line of a path in quotes as a command", "\"/a b\" evil", "grub_cmd: \"/a b\" evil"},
        {"a kernel by no path", "linux 0+9 evil", "grub_cmd: linux 0+9 evil"},
        {"one wrapped", "! time linuxefi x evil", "grub_cmd: ! time linuxefi x evil"},
        {"a kernel without a name", "linux", "grub_cmd: linux"},
        {"measuring turned off", "rmmod tpm", "grub_cmd: rmmod tpm"},
        {"another kind of kernel", "multiboot2 /x", "grub_cmd: multiboot2 /x"},
        {"a chained image", "chainloader /vmlinuz evil", "grub_cmd: chainloader /vmlinuz evil"},
        {"a line as a module's", "/vmlinuz evil", "module_cmdline: /vmlinuz evil"},
        {"a module's line", "evil", "module_cmdline: evil"},
        {"a command as a line", "linux evil", "kernel_cmdline: linux evil"},
        {"an empty line", "", "kernel_cmdline: "},
        {"unproven", "evil", "grub_cmd: set a=b"},
        {"without a prefix", "/vmlinuz evil", "/vmlinuz evil"},
        {"opaque", "evil", "x"},
        {"empty", "evil", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct boot boot;
        print_message("%s\n", cases[i].what);
        begin(&boot);
        log_linux_build(&boot.builder, &boot.linux_boot);
        pcr8(&boot, cases[i].hashed, strlen(cases[i].hashed), cases[i].data, strlen(cases[i].data));
        evaluate(&boot);
        assert_contradicted(&boot);
        done(&boot);
    }
}

/* What GRUB was told that leaves the line as it is. */
static void test_grub_commands(void **state)
{
    (void)state;
    static const char *const commands[] = {"grub_cmd: linux " LINE, "grub_cmd: linux (hd0)/vmlinuz",
                                           "grub_cmd: echo rmmod tpm", "grub_cmd: time"};
    struct boot boot;
    begin(&boot);
    boot.linux_boot.grub_line = LINE;
    log_linux_build(&boot.builder, &boot.linux_boot);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        pcr8(&boot, commands[i] + 10, strlen(commands[i] + 10), commands[i], strlen(commands[i]));
    evaluate(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_GRUB, LINE);
    assert_false(boot.claims.has_other_start);
    done(&boot);
}

/* Beside a unified kernel image, which has its line inside: what may have run in its place. */
static void test_other_start(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool is_other;
    } cases[] = {
        {"chainloader /image.efi", "boot", false},
        {"chainloader /image.efi", "chainloader /vmlinuz evil", true},
        {"chainloader /image.efi", "time chainloader /vmlinuz", true},
        {"chainloader /image.efi", "rmmod tpm", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct boot boot;
        char first[64], second[64];
        begin(&boot);
        boot.linux_boot = (struct log_linux){.is_secure_boot_on = true,
                                             .is_unified = true,
                                             .image_line = "quiet",
                                             .systemd_line = "an add-on's"};
        log_linux_build(&boot.builder, &boot.linux_boot);
        snprintf(first, sizeof first, "grub_cmd: %s", cases[i].first);
        snprintf(second, sizeof second, "grub_cmd: %s", cases[i].second);
        pcr8(&boot, first + 10, strlen(first + 10), first, strlen(first));
        pcr8(&boot, second + 10, strlen(second + 10), second, strlen(second));
        evaluate(&boot);
        assert_int_equal(boot.claims.has_other_start, cases[i].is_other);
        done(&boot);
    }
}

static void test_grub_other_types(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    log_linux_build(&boot.builder, &boot.linux_boot);
    log_builder_hashed(&boot.builder, 8, EVENTLOG_EFI_ACTION, slice_from_text("/vmlinuz evil"),
                       slice_from_text("text"));
    evaluate(&boot);
    assert_contradicted(&boot);
    done(&boot);
}

/* The same line twice is one line. */
static void test_grub_again(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.linux_boot.grub_line = LINE;
    log_linux_build(&boot.builder, &boot.linux_boot);
    pcr8(&boot, LINE, sizeof LINE - 1, "kernel_cmdline: " LINE, sizeof LINE + 15);
    evaluate(&boot);
    assert_line(&boot, EVENTLOG_COMMAND_LINE_GRUB, LINE);
    done(&boot);
}

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

static void test_pcr13(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    log_builder_text(&boot.builder, 13, EVENTLOG_IPL, "a system extension");
    build(&boot);
    assert_false(boot.claims.has_no_additions);
    done(&boot);
}

/* MokSBState in PCR 14: the name, or the digest of its value under another name. */
static void test_mok_state(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct boot boot;
        begin(&boot);
        log_builder_hashed(&boot.builder, 14, EVENTLOG_IPL, slice_of("\1", i == 0 ? 0 : 1),
                           slice_from_text(i == 0 ? "MokSBState" : "MokListTrusted"));
        build(&boot);
        testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_BAD);
        testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_UNKNOWN);
        done(&boot);
    }
}

static void test_dma_protection(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    log_builder_text(&boot.builder, 7, EVENTLOG_EFI_ACTION, "DMA Protection Disabled");
    build(&boot);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_GOOD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_IOMMU, EVENTLOG_BAD);
    done(&boot);
}

/* As long as kernels read, and a byte longer: what they cut off may be what was asked for. */
static void test_long_line(void **state)
{
    (void)state;
    static char line[COMMAND_LINE_SIZE_MAX + 2];
    size_t longest = COMMAND_LINE_SIZE_MAX - strlen(COMMAND_LINE_GRUB_PREFIX);
    for (size_t more = 0; more < 2; more++) {
        struct boot boot;
        memset(line, 'a', longest + more);
        line[longest + more] = '\0';
        line[0] = '/';
        begin(&boot);
        boot.linux_boot.grub_line = line;
        build(&boot);
        if (more == 0)
            assert_line(&boot, EVENTLOG_COMMAND_LINE_GRUB, line);
        else
            assert_contradicted(&boot);
        done(&boot);
    }
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

/* Recorded boots: the line that the image carries is the one that the EFI stub measured. */
static void test_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < TESTING_BOOTS; i++) {
        bool is_direct = strcmp(testing_boots[i], "direct-kernel") == 0;
        struct boot boot = {0};
        _cleanup_buf_ struct buf bytes, line;
        testing_read(&bytes, testing_boots[i], "bios.bin");
        testing_read(&line, testing_boots[i], "cmdline.txt");
        assert_ok(eventlog_parse(&boot.log, buf_slice(&bytes), err));
        eventlog_claims_evaluate(&boot.claims, &boot.log, EVENTLOG_PROFILE_LINUX, DIGEST_SHA256);
        struct slice text = buf_slice(&line);
        while (text.size > 0 && text.data[text.size - 1] == '\n')
            text.size--;
        assert_line(&boot, EVENTLOG_COMMAND_LINE_NONE, "");
        assert_int_equal(eventlog_claims_confirm_load_options(&boot.claims, text), !is_direct);
        assert_int_equal(boot.claims.initrd.digest.size, 32);
        done(&boot);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grub),
        cmocka_unit_test(test_no_secure_boot),
        cmocka_unit_test(test_old_grub),
        cmocka_unit_test(test_grub_voided),
        cmocka_unit_test(test_grub_commands),
        cmocka_unit_test(test_other_start),
        cmocka_unit_test(test_grub_other_types),
        cmocka_unit_test(test_grub_again),
        cmocka_unit_test(test_load_options),
        cmocka_unit_test(test_two_load_options),
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_old_systemd),
        cmocka_unit_test(test_systemd_voided),
        cmocka_unit_test(test_unified),
        cmocka_unit_test(test_unified_with_addition),
        cmocka_unit_test(test_grub_beside_unified),
        cmocka_unit_test(test_systemd_after_grub),
        cmocka_unit_test(test_pcr13),
        cmocka_unit_test(test_mok_state),
        cmocka_unit_test(test_dma_protection),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_long_systemd_line),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
