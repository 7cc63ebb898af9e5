/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/replay.h"

#include "eventlog/ima.h"
#include "testing.h"

/* The recorded boots: all PCRs of all banks, as the TPM held them in the guest. */
static void check_boot(const char *boot, enum digest_algorithm algorithm, bool is_padded)
{
    _cleanup_buf_ struct buf bios, ima;
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_ima_ struct ima_list list = {0};
    struct tpm_pcr_bank replayed, read;
    struct ima_replay reached;
    testing_read(&bios, boot, "bios.bin");
    testing_read(&ima, boot, "ima.bin");
    testing_read_pcrs(&read, boot, algorithm);
    assert_ok(eventlog_parse(&log, buf_slice(&bios), err));
    assert_ok(eventlog_replay(&replayed, &log, algorithm, err));
    assert_int_equal(read.present, TESTING_ALL_PCRS);
    assert_int_equal(replayed.present, TESTING_ALL_PCRS);
    assert_int_equal(eventlog_replay_differs(&replayed, &read, TESTING_ALL_PCRS), 1u << IMA_PCR);
    assert_ok(ima_parse(&list, buf_slice(&ima), err));
    assert_ok(ima_replay(&reached, &list, algorithm, tpm_pcr_value(&replayed, IMA_PCR),
                         tpm_pcr_value(&read, IMA_PCR), err));
    assert_int_equal(reached.count, list.count);
    assert_int_equal(reached.is_padded, is_padded);
}

static void test_recorded_boots(void **state)
{
    (void)state;
    for (size_t i = 0; i < TESTING_BOOTS; i++)
        check_boot(testing_boots[i], DIGEST_SHA256, false);
    /* That kernel has no SHA-384 when it starts, and pads SHA-1. */
    check_boot("secure-boot-uki-three-banks", DIGEST_SHA384, true);
}

static void replay_built(struct tpm_pcr_bank *out, const struct log_builder *builder)
{
    _cleanup_eventlog_ struct eventlog log = {0};
    assert_ok(eventlog_parse(&log, log_builder_slice(builder), err));
    assert_ok(eventlog_replay(out, &log, DIGEST_SHA256, err));
}

/* H(start of zeros and locality ‖ H("x")). */
static void assert_pcr0(const struct tpm_pcr_bank *bank, uint8_t locality)
{
    uint8_t parts[64] = {0}, expected[32];
    parts[31] = locality;
    digest_sha256(parts + 32, slice_from_text("x"));
    digest_sha256(expected, slice_of(parts, 64));
    assert_memory_equal(bank->values[0], expected, 32);
}

static const char locality_3[] = "StartupLocality\0\3";
static const char locality_4[] = "StartupLocality\0\4";

static void test_locality(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank;
    _cleanup_log_builder_ struct log_builder plain, early, late;
    testing_log(&plain);
    log_builder_text(&plain, 0, EVENTLOG_ACTION, "x");
    replay_built(&bank, &plain);
    assert_pcr0(&bank, 0);
    testing_log(&early);
    log_builder_note(&early, 0, slice_of(locality_3, 17));
    log_builder_note(&early, 0, slice_of(locality_4, 17)); /* the first counts */
    log_builder_text(&early, 0, EVENTLOG_ACTION, "x");
    replay_built(&bank, &early);
    assert_pcr0(&bank, 3);
    testing_log(&late);
    log_builder_note(&late, 1, slice_of(locality_3, 17)); /* not PCR 0's */
    log_builder_text(&late, 0, EVENTLOG_ACTION, "x");
    log_builder_note(&late, 0, slice_of(locality_3, 17));
    replay_built(&bank, &late);
    assert_pcr0(&bank, 0);
}

static void test_hcrtm(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    log_builder_event(&builder, 0, EVENTLOG_EFI_HCRTM_EVENT, slice_from_text("x"));
    replay_built(&bank, &builder);
    assert_pcr0(&bank, 4);
}

static void test_wrong_locality(void **state)
{
    (void)state;
    static const char wrong[] = "StartupLocality\0\1";
    struct eventlog log;
    for (size_t size = 16; size <= 17; size++) {
        _cleanup_log_builder_ struct log_builder builder;
        testing_log(&builder);
        log_builder_note(&builder, 0, slice_of(wrong, size));
        assert_refused(eventlog_parse(&log, log_builder_slice(&builder), err), eventlog_malformed);
    }
}

static void test_starts(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    uint8_t ones[32];
    struct tpm_pcr_bank bank;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    replay_built(&bank, &builder);
    memset(ones, 0xFF, sizeof ones);
    for (uint32_t pcr = 0; pcr < TPM_PCR_COUNT; pcr++)
        assert_memory_equal(bank.values[pcr], pcr >= 17 && pcr <= 22 ? ones : zeros, 32);
}

static void test_banks(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA1, DIGEST_SHA256};
    struct tpm_pcr_bank bank;
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, two, 2);
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    assert_ok(eventlog_replay(&bank, &log, DIGEST_SHA256, err));
    assert_refused(eventlog_replay(&bank, &log, DIGEST_SHA1, err), eventlog_bank_weak);
    assert_refused(eventlog_replay(&bank, &log, DIGEST_SHA384, err), eventlog_bank_missing);
}

/* An event that one bank does not have spoils that PCR of that bank, and no other. */
static void test_event_without_digest(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA1, DIGEST_SHA256};
    struct tpm_pcr_bank bank;
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, two, 2);
    builder.bank_count = 1; /* only SHA-1 */
    log_builder_text(&builder, 5, EVENTLOG_ACTION, "x");
    builder.bank_count = 2; /* what follows has both, and mends nothing */
    log_builder_text(&builder, 5, EVENTLOG_ACTION, "y");
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    assert_ok(eventlog_replay(&bank, &log, DIGEST_SHA256, err));
    assert_int_equal(bank.present, TESTING_ALL_PCRS & ~(1u << 5));
    struct tpm_pcr_bank same = bank;
    same.present = TESTING_ALL_PCRS;
    assert_int_equal(eventlog_replay_differs(&bank, &same, 1u << 4 | 1u << 5), 1u << 5);
    same.algorithm = DIGEST_SHA384;
    assert_int_equal(eventlog_replay_differs(&bank, &same, 3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_boots),
        cmocka_unit_test(test_locality),
        cmocka_unit_test(test_hcrtm),
        cmocka_unit_test(test_wrong_locality),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_banks),
        cmocka_unit_test(test_event_without_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
