/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../log_builder.h"
#include "attestation/tpm_boot.h"
#include "eventlog/errors.h"
#include "eventlog/replay.h"

#define STUB_PCR 11

static const struct policy_subject linux_host = {
    .host = "n1", .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_2};
static const struct policy_subject windows_host = {
    .host = "n1", .profile = EVENTLOG_PROFILE_WINDOWS, .version = POLICY_VERSION_2};

/* A recorded boot and what the guest's TPM held. */
struct recorded {
    struct buf log, ima;
    struct tpm_pcr_bank bank;
};

static void read_pcrs(struct tpm_pcr_bank *bank, const char *path)
{
    _cleanup_buf_ struct buf text;
    testing_vector(&text, path);
    *bank = (struct tpm_pcr_bank){.algorithm = DIGEST_SHA256};
    for (char *line = strtok((char *)buf_text(&text), "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        unsigned pcr;
        char hex[65] = "";
        _cleanup_buf_ struct buf value;
        buf_init(&value, 32);
        if (sscanf(line, "sha256 %u %64[0-9A-Fa-f]", &pcr, hex) != 2 || strlen(hex) != 64 ||
            pcr >= TPM_PCR_COUNT)
            continue;
        assert_ok(hex_parse(&value, slice_from_text(hex), err));
        tpm_pcr_set(bank, pcr, buf_slice(&value));
    }
}

static void recorded_init(struct recorded *recorded, const char *boot)
{
    char path[256];
    snprintf(path, sizeof path, "boots/%s/bios.bin", boot);
    testing_vector(&recorded->log, path);
    snprintf(path, sizeof path, "boots/%s/ima.bin", boot);
    testing_vector(&recorded->ima, path);
    snprintf(path, sizeof path, "boots/%s/pcrs.txt", boot);
    read_pcrs(&recorded->bank, path);
    if ((recorded->bank.present & 0x9ff) == 0)
        fail_msg("%s: no PCRs were read from it", path);
}

static void recorded_done(struct recorded *recorded)
{
    buf_done(&recorded->log);
    buf_done(&recorded->ima);
}
#define _cleanup_recorded_ __attribute__((cleanup(recorded_done)))

static bool judge(const struct recorded *recorded, uint32_t registers, struct error *err)
{
    struct attestation_tpm_boot boot;
    struct policy_set *set = policy_set_new(2);
    struct attestation_tpm_boot_input input = {
        .set = set,
        .subject = &linux_host,
        .registers = registers,
        .log = buf_slice(&recorded->log),
        .ima_log = buf_slice(&recorded->ima),
        .bank = &recorded->bank,
        .now = 1700000000,
    };
    bool good = attestation_tpm_boot_judge(&boot, &input, err);
    if (good) {
        assert_false(boot.verdict.passed); /* nothing is registered */
        assert_true(boot.verdict.count > 5);
        attestation_tpm_boot_done(&boot);
    }
    policy_set_free(set);
    return good;
}

static void recorded_boots_are_judged(void **state)
{
    (void)state;
    static const char *const boots[] = {"secure-boot-uki", "no-secure-boot-uki",
                                        "secure-boot-uki-three-banks"};
    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        _cleanup_recorded_ struct recorded recorded;
        recorded_init(&recorded, boots[i]);
        assert_ok(judge(&recorded, 0x78ff, err));
    }
}

/* Every register that is compared is named when it differs. */
static void another_value_is_refused(void **state)
{
    (void)state;
    _cleanup_recorded_ struct recorded recorded;
    recorded_init(&recorded, "secure-boot-uki");
    for (unsigned pcr = 0; pcr < 15; pcr++) {
        if (pcr == IMA_PCR)
            continue;
        char text[16];
        struct error err = {0};
        recorded.bank.values[pcr][31] ^= 1;
        assert_false(judge(&recorded, 0x7fff & ~(1u << IMA_PCR), &err));
        assert_ptr_equal(err.code, &attestation_log_mismatch);
        snprintf(text, sizeof text, "PCR %u", pcr);
        assert_non_null(strstr(err.message, text));
        recorded.bank.values[pcr][31] ^= 1;
    }
}

static void a_register_without_value_is_refused(void **state)
{
    (void)state;
    _cleanup_recorded_ struct recorded recorded;
    recorded_init(&recorded, "secure-boot-uki");
    recorded.bank.present &= ~(1u << 7);
    assert_refused(judge(&recorded, 1u << 7, err), &attestation_pcr_missing);
}

/* PCR 10 is what the IMA list leads to, or some beginning of it. */
static void the_ima_list_must_reach_its_register(void **state)
{
    (void)state;
    _cleanup_recorded_ struct recorded recorded;
    recorded_init(&recorded, "secure-boot-uki");
    uint32_t registers = 1u << 7 | 1u << IMA_PCR;
    assert_ok(judge(&recorded, registers, err));
    recorded.bank.values[IMA_PCR][0] ^= 1;
    assert_refused(judge(&recorded, registers, err), &eventlog_ima_mismatch);
    recorded.bank.values[IMA_PCR][0] ^= 1;
    recorded.ima.size--;
    assert_refused(judge(&recorded, registers, err), &eventlog_ima_truncated);
    recorded.ima.size = 0; /* none: nothing is known of PCR 10, and nothing is refused */
    assert_ok(judge(&recorded, registers, err));
}

static void extend_text(struct tpm_pcr_bank *bank, const char *text)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text(text));
    tpm_pcr_extend(bank, STUB_PCR, digest_slice(&digest));
}

/* systemd-pcrphase(8) extends PCR 11 as the system starts. */
static void phases_may_follow_in_the_stubs_register(void **state)
{
    (void)state;
    static const char *const good[][4] = {
        {"enter-initrd", "leave-initrd", "sysinit", "ready"},
        {"sysinit", "ready"},
        {"enter-initrd"},
    };
    static const char *const bad[][4] = {
        {"ready", "sysinit"},
        {"ready", "ready"},
        {"sysinit", "something else"},
    };
    for (size_t i = 0; i < 3; i++) {
        _cleanup_recorded_ struct recorded right, wrong;
        recorded_init(&right, "secure-boot-uki");
        recorded_init(&wrong, "secure-boot-uki");
        for (size_t k = 0; k < 4; k++) {
            if (good[i][k] != NULL)
                extend_text(&right.bank, good[i][k]);
            if (bad[i][k] != NULL)
                extend_text(&wrong.bank, bad[i][k]);
        }
        assert_ok(judge(&right, 1u << STUB_PCR, err));
        assert_refused(judge(&wrong, 1u << STUB_PCR, err), &attestation_log_mismatch);
    }
}

static void what_is_read_and_what_is_sealed_to(void **state)
{
    (void)state;
    struct attestation_tpm_registers registers;
    struct policy_set *set = policy_set_new(2);
    assert_ok(attestation_tpm_boot_registers(&registers, set, &linux_host, err));
    assert_int_equal(registers.read, policy_pcrs(set, &linux_host));
    assert_int_equal(registers.sealed & (1u << 10 | 1u << 11 | 1u << 15 | 0xff0000), 0);
    assert_int_equal(registers.sealed & 1u << 7, 1u << 7);
    assert_int_equal(registers.sealed & ~registers.read, 0);
    /* the identity keys of Windows are in its log */
    assert_ok(attestation_tpm_boot_registers(&registers, set, &windows_host, err));
    assert_int_equal(registers.read & 0x7890, 0x7890);
    assert_int_equal(registers.sealed & 1u << 11, 1u << 11);
    policy_set_free(set);
}

/* A baseline of everything is more than one exchange reads. */
static void too_many_registers_are_refused(void **state)
{
    (void)state;
    struct attestation_tpm_registers registers;
    struct policy_set *set = policy_set_new(2);
    struct policy baseline = {.kind = POLICY_BASELINE,
                              .profile = EVENTLOG_PROFILE_LINUX,
                              .version = POLICY_VERSION_2,
                              .state = POLICY_ENABLED,
                              .baseline.pcrs = 0x1ffff};
    snprintf(baseline.name, sizeof baseline.name, "all");
    assert_ok(policy_set_add(set, &baseline, err));
    assert_refused(attestation_tpm_boot_registers(&registers, set, &linux_host, err),
                   &attestation_pcrs_none);
    policy_set_free(set);
}

static void registers_in_words(void **state)
{
    (void)state;
    char text[ATTESTATION_REGISTERS_TEXT_SIZE];
    assert_string_equal(attestation_tpm_boot_format_registers(text, 0), "");
    assert_string_equal(attestation_tpm_boot_format_registers(text, 0x890), "4, 7, 11");
    assert_true(strlen(attestation_tpm_boot_format_registers(text, 0xffffff)) < sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_boots_are_judged),
        cmocka_unit_test(another_value_is_refused),
        cmocka_unit_test(a_register_without_value_is_refused),
        cmocka_unit_test(the_ima_list_must_reach_its_register),
        cmocka_unit_test(phases_may_follow_in_the_stubs_register),
        cmocka_unit_test(what_is_read_and_what_is_sealed_to),
        cmocka_unit_test(too_many_registers_are_refused),
        cmocka_unit_test(registers_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
