/* SPDX-License-Identifier: Apache-2.0 */

/* Claims from PCRs 8, 9 and 11 to 14 of Linux: of GRUB, and of what no loader decides. */

#include "linux_boot.h"

#include "eventlog/variable.h"

#define LINE "/vmlinuz root=/dev/vda2 lockdown=integrity"

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
        cmocka_unit_test(test_pcr13),
        cmocka_unit_test(test_mok_state),
        cmocka_unit_test(test_dma_protection),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
