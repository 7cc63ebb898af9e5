/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attacker can do who has taken over a host: extend PCRs, and send any log that replays to
 * them. Each test is what the TPM really holds, and the log that the attacker sends for it. That
 * both replay to the same PCRs is asserted; that nothing becomes good by it is the point.
 */
#include "base/utf16.h"
#include "eventlog/sipa.h"
#include "eventlog/variable.h"
#include "testing.h"

/* What happened, and what is sent. */
struct attack {
    struct log_builder real, sent;
    struct eventlog real_log, sent_log;
    struct eventlog_claims claims; /* of what was sent */
};

static void begin(struct attack *attack)
{
    *attack = (struct attack){0};
    testing_log(&attack->real);
    testing_log(&attack->sent);
}

static void judge(struct attack *attack, enum eventlog_profile profile)
{
    struct tpm_pcr_bank real, sent;
    assert_ok(eventlog_parse(&attack->real_log, log_builder_slice(&attack->real), err));
    testing_claims(&attack->sent_log, &attack->claims, &attack->sent, profile);
    assert_ok(eventlog_replay(&real, &attack->real_log, DIGEST_SHA256, err));
    assert_ok(eventlog_replay(&sent, &attack->sent_log, DIGEST_SHA256, err));
    assert_int_equal(eventlog_replay_differs(&sent, &real, TESTING_ALL_PCRS), 0);
}

static void done(struct attack *attack)
{
    eventlog_claims_done(&attack->claims);
    eventlog_done(&attack->real_log);
    eventlog_done(&attack->sent_log);
    log_builder_done(&attack->real);
    log_builder_done(&attack->sent);
}

static void assert_not_good(const struct attack *attack, enum eventlog_claim_id id)
{
    const struct eventlog_claim *claim = &attack->claims.claims[id];
    if (claim->value == EVENTLOG_GOOD)
        fail_msg("%s: %s", eventlog_claim_name(id), claim->sentence);
}

/* The data of an event that log_builder_variable makes. */
static void variable_data(struct buf *out, const char *name, struct slice data)
{
    buf_init(out, 4096);
    buf_append_bytes(out, uefi_global_variable.bytes, 16);
    buf_append_u64_le(out, strlen(name));
    buf_append_u64_le(out, data.size);
    utf16_from_utf8(out, slice_from_text(name));
    buf_append(out, data);
}

static const struct slice on = {(const uint8_t *)"\1", 1};
static const struct slice off = {(const uint8_t *)"\0", 1};
static const struct slice zeros = {(const uint8_t *)"\0\0\0\0", 4};

static void secure_boot(struct log_builder *builder, uint32_t type, struct slice data)
{
    log_builder_variable(builder, 7, type, &uefi_global_variable, "SecureBoot", data);
}

/* Relabel real PCR 7 events to a type that is ignored, append good ones. */
static void test_relabel_pcr7(void **state)
{
    (void)state;
    static const uint32_t types[] = {EVENTLOG_EFI_VARIABLE_BOOT,
                                     EVENTLOG_IPL,
                                     EVENTLOG_TAG,
                                     EVENTLOG_EFI_ACTION,
                                     EVENTLOG_EFI_VARIABLE_AUTHORITY,
                                     EVENTLOG_EFI_SPDM_DEVICE_POLICY,
                                     EVENTLOG_SEPARATOR,
                                     0x12345678};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct attack attack;
        begin(&attack);
        secure_boot(&attack.real, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, off);
        log_builder_event(&attack.real, 7, EVENTLOG_SEPARATOR, zeros);
        secure_boot(&attack.real, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, on);
        log_builder_event(&attack.real, 7, EVENTLOG_SEPARATOR, zeros);

        secure_boot(&attack.sent, types[i], off);
        log_builder_event(&attack.sent, 7, types[i], zeros);
        secure_boot(&attack.sent, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, on);
        log_builder_event(&attack.sent, 7, EVENTLOG_SEPARATOR, zeros);
        judge(&attack, EVENTLOG_PROFILE_LINUX);
        assert_not_good(&attack, EVENTLOG_CLAIM_SECURE_BOOT);
        assert_not_good(&attack, EVENTLOG_CLAIM_UEFI_DEBUG_OFF);
        done(&attack);
    }
}

/* Edit an event's data, keep its digest. */
static void test_edit_data(void **state)
{
    (void)state;
    struct attack attack;
    _cleanup_buf_ struct buf real, edited;
    variable_data(&real, "SecureBoot", off);
    variable_data(&edited, "SecureBoot", on);
    begin(&attack);
    secure_boot(&attack.real, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, off);
    log_builder_event(&attack.real, 7, EVENTLOG_SEPARATOR, zeros);
    log_builder_hashed(&attack.sent, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, buf_slice(&real),
                       buf_slice(&edited));
    log_builder_event(&attack.sent, 7, EVENTLOG_SEPARATOR, zeros);
    judge(&attack, EVENTLOG_PROFILE_LINUX);
    assert_not_good(&attack, EVENTLOG_CLAIM_SECURE_BOOT);
    done(&attack);
}

/* Append a second SecureBoot. */
static void test_second_secure_boot(void **state)
{
    (void)state;
    struct attack attack;
    begin(&attack);
    for (int i = 0; i < 2; i++) {
        struct log_builder *log = i == 0 ? &attack.real : &attack.sent;
        secure_boot(log, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, off);
        log_builder_event(log, 7, EVENTLOG_SEPARATOR, zeros);
        secure_boot(log, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, on);
    }
    judge(&attack, EVENTLOG_PROFILE_LINUX);
    testing_assert_claim(&attack.claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_BAD);
    done(&attack);
}

/* A tag of one setting in PCR 12. */
static void setting(struct log_builder *builder, uint32_t type, uint32_t id, uint64_t value)
{
    _cleanup_buf_ struct buf list;
    buf_init(&list, 64);
    log_builder_sipa(&list, id, value, 1);
    log_builder_event(builder, 12, type, buf_slice(&list));
}

/* A boot of Windows that says nothing of the IOMMU, up to where the caps come. */
static void windows_without_iommu(struct log_builder *builder, struct log_windows *windows)
{
    log_windows_init(windows);
    log_windows_omit(windows, SIPA_VBS_IOMMU_REQUIRED);
    log_windows_firmware(builder, windows);
    log_windows_loaders(builder, windows);
}

/* Extend fake SIPA events after the boot: behind the cap, or before it in the log. */
static void test_sipa_after_boot(void **state)
{
    (void)state;
    struct attack attack;
    struct log_windows windows;
    begin(&attack);
    for (int i = 0; i < 2; i++) {
        struct log_builder *log = i == 0 ? &attack.real : &attack.sent;
        windows_without_iommu(log, &windows);
        log_windows_close(log, &windows);
        setting(log, EVENTLOG_TAG, SIPA_VBS_IOMMU_REQUIRED, 1);
        log_builder_text(log, 12, EVENTLOG_SEPARATOR, "WBCL");
    }
    judge(&attack, EVENTLOG_PROFILE_WINDOWS);
    assert_not_good(&attack, EVENTLOG_CLAIM_IOMMU);
    assert_not_good(&attack, EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE);
    assert_int_equal(attack.claims.vsm_idk.modulus.size, 0);
    done(&attack);
}

/* The same, with the real cap relabelled. */
static void test_cap_relabelled(void **state)
{
    (void)state;
    static const uint32_t types[] = {EVENTLOG_TAG, EVENTLOG_ACTION, EVENTLOG_COMPACT_HASH, 0x77};
    for (size_t i = 0; i < 4; i++) {
        struct attack attack;
        struct log_windows windows;
        begin(&attack);
        for (int j = 0; j < 2; j++) {
            struct log_builder *log = j == 0 ? &attack.real : &attack.sent;
            windows_without_iommu(log, &windows);
            log_builder_text(log, 12, j == 0 ? EVENTLOG_SEPARATOR : types[i], "WBCL");
            setting(log, EVENTLOG_TAG, SIPA_VBS_IOMMU_REQUIRED, 1);
            log_windows_close(log, &windows);
        }
        judge(&attack, EVENTLOG_PROFILE_WINDOWS);
        assert_not_good(&attack, EVENTLOG_CLAIM_IOMMU);
        done(&attack);
    }
}

/* Hide a real SIPA event by its type. */
static void test_hide_sipa(void **state)
{
    (void)state;
    static const uint32_t types[] = {EVENTLOG_IPL, EVENTLOG_ACTION, EVENTLOG_SEPARATOR, 0x77};
    for (size_t i = 0; i < 4; i++) {
        struct attack attack;
        struct log_windows windows;
        begin(&attack);
        for (int j = 0; j < 2; j++) {
            struct log_builder *log = j == 0 ? &attack.real : &attack.sent;
            log_windows_init(&windows);
            log_windows_firmware(log, &windows);
            log_windows_loaders(log, &windows);
            setting(log, j == 0 ? EVENTLOG_TAG : types[i], SIPA_TEST_SIGNING, 1);
            log_windows_close(log, &windows);
        }
        judge(&attack, EVENTLOG_PROFILE_WINDOWS);
        assert_not_good(&attack, EVENTLOG_CLAIM_TEST_SIGNING_OFF);
        done(&attack);
    }
}

/* SIPA in EV_NO_ACTION, which is extended nowhere. */
static void test_sipa_in_note(void **state)
{
    (void)state;
    struct attack attack;
    struct log_windows windows;
    _cleanup_buf_ struct buf list;
    buf_init(&list, 64);
    log_builder_sipa(&list, SIPA_VBS_IOMMU_REQUIRED, 1, 1);
    begin(&attack);
    for (int i = 0; i < 2; i++) {
        struct log_builder *log = i == 0 ? &attack.real : &attack.sent;
        windows_without_iommu(log, &windows);
        if (i == 1) {
            log_builder_note(log, 12, buf_slice(&list));
            log_builder_hashed(log, 12, EVENTLOG_NO_ACTION, buf_slice(&list), buf_slice(&list));
        }
        log_windows_close(log, &windows);
    }
    judge(&attack, EVENTLOG_PROFILE_WINDOWS);
    testing_assert_claim(&attack.claims, EVENTLOG_CLAIM_IOMMU, EVENTLOG_UNKNOWN);
    testing_assert_claim(&attack.claims, EVENTLOG_CLAIM_CODE_INTEGRITY, EVENTLOG_GOOD);
    done(&attack);
}

/* Lengths that reach over their parent, and lists in lists: void. */
static void test_sipa_lengths(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct attack attack;
        struct log_windows windows;
        _cleanup_buf_ struct buf data;
        buf_init(&data, 256);
        if (i == 0) {
            buf_append_u32_le(&data, SIPA_TRUST_BOUNDARY);
            buf_append_u32_le(&data, UINT32_MAX);
            log_builder_sipa(&data, SIPA_VBS_IOMMU_REQUIRED, 1, 1);
        }
        for (uint32_t depth = 0; depth < 12 && i == 1; depth++) {
            buf_append_u32_le(&data, SIPA_TRUST_BOUNDARY);
            buf_append_u32_le(&data, (11 - depth) * 8 + 9);
        }
        if (i == 1)
            log_builder_sipa(&data, SIPA_VBS_IOMMU_REQUIRED, 1, 1);
        begin(&attack);
        for (int j = 0; j < 2; j++) {
            struct log_builder *log = j == 0 ? &attack.real : &attack.sent;
            windows_without_iommu(log, &windows);
            log_builder_event(log, 12, EVENTLOG_TAG, buf_slice(&data));
            log_windows_close(log, &windows);
        }
        judge(&attack, EVENTLOG_PROFILE_WINDOWS);
        assert_not_good(&attack, EVENTLOG_CLAIM_IOMMU);
        assert_not_good(&attack, EVENTLOG_CLAIM_CODE_INTEGRITY);
        done(&attack);
    }
}

/* Boot Linux, then extend a whole WBCL with its caps into PCRs that are still empty. */
static void test_wbcl_of_another_system(void **state)
{
    (void)state;
    struct attack attack;
    struct log_windows windows;
    struct log_linux linux_boot;
    begin(&attack);
    for (int i = 0; i < 2; i++) {
        struct log_builder *log = i == 0 ? &attack.real : &attack.sent;
        log_linux_init(&linux_boot);
        log_linux_firmware(log, &linux_boot);
        log_windows_init(&windows);
        log_windows_loaders(log, &windows);
        log_windows_close(log, &windows);
    }
    judge(&attack, EVENTLOG_PROFILE_WINDOWS);
    testing_assert_claim(&attack.claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_GOOD);
    for (int id = EVENTLOG_CLAIM_WINDOWS_AUTHORITY; id < EVENTLOG_CLAIMS; id++)
        assert_not_good(&attack, (enum eventlog_claim_id)id);
    assert_int_equal(attack.claims.si_policy_count, 0);
    assert_int_equal(attack.claims.vsm_idk.modulus.size, 0);
    done(&attack);
}

/* The same with Windows' authority added to PCR 7 by the attacker: shim's authorities show. */
static void test_wbcl_with_late_authority(void **state)
{
    (void)state;
    struct attack attack;
    struct log_windows windows;
    begin(&attack);
    for (int i = 0; i < 2; i++) {
        struct log_builder *log = i == 0 ? &attack.real : &attack.sent;
        log_windows_init(&windows);
        log_windows_firmware(log, &windows);
        log_builder_variable(log, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &uefi_security_database, "db",
                             slice_from_text("0123456789abcdefUEFI CA"));
        log_windows_loaders(log, &windows);
        log_windows_close(log, &windows);
    }
    judge(&attack, EVENTLOG_PROFILE_WINDOWS);
    testing_assert_claim(&attack.claims, EVENTLOG_CLAIM_WINDOWS_AUTHORITY, EVENTLOG_BAD);
    assert_not_good(&attack, EVENTLOG_CLAIM_CODE_INTEGRITY);
    done(&attack);
}

static void grub(struct log_builder *builder, uint32_t type, const char *prefix, const char *line)
{
    _cleanup_buf_ struct buf data;
    buf_init(&data, 1024);
    buf_append_text(&data, prefix);
    buf_append_text(&data, line);
    buf_append_u8(&data, 0);
    log_builder_hashed(builder, 8, type, slice_from_text(line), buf_slice(&data));
}

/* Relabel GRUB's kernel line as something else, and append another. */
static void test_grub_relabelled(void **state)
{
    (void)state;
    static const char *const prefixes[] = {
        "grub_cmd: ", "grub_cmd ", "module_cmdline: ", "kernel_cmdline: ", "", "kernel_cmdline:"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        for (int other_type = 0; other_type < 2; other_type++) {
            struct attack attack;
            struct log_linux linux_boot;
            begin(&attack);
            for (int j = 0; j < 2; j++) {
                struct log_builder *log = j == 0 ? &attack.real : &attack.sent;
                log_linux_init(&linux_boot);
                log_linux_firmware(log, &linux_boot);
                grub(log, j == 1 && other_type ? EVENTLOG_TAG : EVENTLOG_IPL,
                     j == 0 ? "kernel_cmdline: " : prefixes[i], "/vmlinuz evil");
                grub(log, EVENTLOG_IPL, "kernel_cmdline: ", "/vmlinuz lockdown=integrity");
            }
            judge(&attack, EVENTLOG_PROFILE_LINUX);
            assert_not_good(&attack, EVENTLOG_CLAIM_COMMAND_LINE);
            assert_not_good(&attack, EVENTLOG_CLAIM_LOCKDOWN);
            assert_int_equal(attack.claims.command_line.text.size, 0);
            done(&attack);
        }
    }
}

/* A line in systemd's PCR for a boot whose line is in GRUB's. */
static void test_line_in_another_pcr(void **state)
{
    (void)state;
    struct attack attack;
    struct log_linux linux_boot;
    begin(&attack);
    for (int i = 0; i < 2; i++) {
        struct log_builder *log = i == 0 ? &attack.real : &attack.sent;
        log_linux_init(&linux_boot);
        linux_boot.grub_line = "/vmlinuz evil";
        log_linux_build(log, &linux_boot);
        log_builder_wide(log, 12, "lockdown=integrity");
    }
    judge(&attack, EVENTLOG_PROFILE_LINUX);
    assert_not_good(&attack, EVENTLOG_CLAIM_COMMAND_LINE);
    assert_not_good(&attack, EVENTLOG_CLAIM_LOCKDOWN);
    done(&attack);
}

/* Claims by a bank that was not measured into, or by SHA-1. */
static void test_wrong_bank(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA256, DIGEST_SHA1};
    struct log_windows windows;
    struct tpm_pcr_bank bank;
    struct eventlog_claims claims;
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_eventlog_ struct eventlog log = {0};
    log_builder_init(&builder, two, 2);
    log_windows_init(&windows);
    log_windows_build(&builder, &windows);
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    assert_refused(eventlog_replay(&bank, &log, DIGEST_SHA1, err), eventlog_bank_weak);
    assert_refused(eventlog_replay(&bank, &log, DIGEST_SHA512, err), eventlog_bank_missing);
    for (enum eventlog_profile profile = 0; profile <= EVENTLOG_PROFILE_LINUX; profile++) {
        static const enum digest_algorithm wrong[] = {DIGEST_SHA1, DIGEST_SHA512};
        for (size_t i = 0; i < 2; i++) {
            eventlog_claims_evaluate(&claims, &log, profile, wrong[i]);
            for (int id = 0; id < EVENTLOG_CLAIMS; id++)
                assert_int_not_equal(claims.claims[id].value, EVENTLOG_GOOD);
            eventlog_claims_done(&claims);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relabel_pcr7),
        cmocka_unit_test(test_edit_data),
        cmocka_unit_test(test_second_secure_boot),
        cmocka_unit_test(test_sipa_after_boot),
        cmocka_unit_test(test_cap_relabelled),
        cmocka_unit_test(test_hide_sipa),
        cmocka_unit_test(test_sipa_in_note),
        cmocka_unit_test(test_sipa_lengths),
        cmocka_unit_test(test_wbcl_of_another_system),
        cmocka_unit_test(test_wbcl_with_late_authority),
        cmocka_unit_test(test_grub_relabelled),
        cmocka_unit_test(test_line_in_another_pcr),
        cmocka_unit_test(test_wrong_bank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
