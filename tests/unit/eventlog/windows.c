/* SPDX-License-Identifier: Apache-2.0 */
/* Claims from PCRs 11 to 14 of Windows. */
#include "eventlog/evaluation.h"
#include "eventlog/sipa.h"
#include "eventlog/variable.h"
#include "testing.h"

/* Claims that only PCRs 11 to 14 can prove. */
static const enum eventlog_claim_id measured[] = {
    EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE,
    EVENTLOG_CLAIM_FULL_BOOT,
    EVENTLOG_CLAIM_BOOT_DEBUG_OFF,
    EVENTLOG_CLAIM_KERNEL_DEBUG_OFF,
    EVENTLOG_CLAIM_HYPERVISOR_DEBUG_OFF,
    EVENTLOG_CLAIM_CODE_INTEGRITY,
    EVENTLOG_CLAIM_TEST_SIGNING_OFF,
    EVENTLOG_CLAIM_SAFE_MODE_OFF,
    EVENTLOG_CLAIM_WINPE_OFF,
    EVENTLOG_CLAIM_NO_FAILURE,
    EVENTLOG_CLAIM_VSM_IDK,
    EVENTLOG_CLAIM_VSM_RUNNING,
    EVENTLOG_CLAIM_IOMMU,
    EVENTLOG_CLAIM_HVCI,
    EVENTLOG_CLAIM_BITLOCKER,
    EVENTLOG_CLAIM_PAGEFILE_ENCRYPTION,
    EVENTLOG_CLAIM_NO_HIBERNATION,
    EVENTLOG_CLAIM_NO_DUMPS,
    EVENTLOG_CLAIM_DUMP_ENCRYPTION,
    EVENTLOG_CLAIM_DUMP_KEY,
};
#define MEASURED (sizeof measured / sizeof measured[0])

struct boot {
    struct log_windows windows;
    struct log_builder builder;
    struct eventlog log;
    struct eventlog_claims claims;
};

static void begin(struct boot *boot)
{
    *boot = (struct boot){0};
    log_windows_init(&boot->windows);
    testing_log(&boot->builder);
}

static void evaluate(struct boot *boot)
{
    testing_claims(&boot->log, &boot->claims, &boot->builder, EVENTLOG_PROFILE_WINDOWS);
}

static void build(struct boot *boot)
{
    log_windows_build(&boot->builder, &boot->windows);
    evaluate(boot);
}

static void done(struct boot *boot)
{
    eventlog_claims_done(&boot->claims);
    eventlog_done(&boot->log);
    log_builder_done(&boot->builder);
}

/* Nothing measured by Windows is good, and nothing of it is handed out. */
static void assert_nothing_good(const struct boot *boot)
{
    for (size_t i = 0; i < MEASURED; i++)
        if (boot->claims.claims[measured[i]].value == EVENTLOG_GOOD)
            fail_msg("%s is good", eventlog_claim_name(measured[i]));
    assert_int_equal(boot->claims.si_policy_count, 0);
    assert_int_equal(boot->claims.vsm_idk.modulus.size, 0);
    assert_int_equal(boot->claims.vsm_idks.modulus.size, 0);
    assert_int_equal(boot->claims.dump_key_digest.size, 0);
}

static void test_good_boot(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    build(&boot);
    for (size_t i = 0; i < MEASURED; i++)
        testing_assert_claim(&boot.claims, measured[i], EVENTLOG_GOOD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_GOOD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_WINDOWS_AUTHORITY, EVENTLOG_GOOD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_UNKNOWN);
    assert_int_equal(boot.claims.si_policy_count, 2);
    assert_string_equal(boot.claims.si_policies[0].name, "SiPolicy.p7b");
    assert_false(boot.claims.si_policies[0].is_driver_block_list);
    assert_true(slice_equal(boot.claims.si_policies[0].digest,
                            slice_of(boot.windows.si_policy_digest, 32)));
    assert_true(boot.claims.si_policies[1].is_driver_block_list);
    assert_true(slice_equal(boot.claims.vsm_idk.modulus, slice_of(boot.windows.vsm_modulus, 256)));
    assert_true(slice_equal(boot.claims.vsm_idks.exponent, slice_of("\1\0\1", 3)));
    assert_true(
        slice_equal(boot.claims.dump_key_digest, slice_of(boot.windows.dump_key_digest, 32)));
    done(&boot);
}

/* Each setting by itself: another value is bad, none is unknown, and nothing else changes. */
static void test_settings(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        enum eventlog_claim_id claim;
        uint64_t bad;
    } cases[] = {
        {SIPA_TRANSFER_CONTROL, EVENTLOG_CLAIM_FULL_BOOT, 2},
        {SIPA_TRANSFER_CONTROL, EVENTLOG_CLAIM_FULL_BOOT, 3},
        {SIPA_TRANSFER_CONTROL, EVENTLOG_CLAIM_FULL_BOOT, 4},
        {SIPA_TRANSFER_CONTROL, EVENTLOG_CLAIM_FULL_BOOT, 6},
        {SIPA_BOOT_DEBUGGING, EVENTLOG_CLAIM_BOOT_DEBUG_OFF, 1},
        {SIPA_OS_KERNEL_DEBUG, EVENTLOG_CLAIM_KERNEL_DEBUG_OFF, 1},
        {SIPA_HYPERVISOR_DEBUG, EVENTLOG_CLAIM_HYPERVISOR_DEBUG_OFF, 1},
        {SIPA_CODE_INTEGRITY, EVENTLOG_CLAIM_CODE_INTEGRITY, 0},
        {SIPA_CODE_INTEGRITY, EVENTLOG_CLAIM_CODE_INTEGRITY, 2},
        {SIPA_TEST_SIGNING, EVENTLOG_CLAIM_TEST_SIGNING_OFF, 1},
        {SIPA_SAFE_MODE, EVENTLOG_CLAIM_SAFE_MODE_OFF, 1},
        {SIPA_WINPE, EVENTLOG_CLAIM_WINPE_OFF, 1},
        {SIPA_VBS_IOMMU_REQUIRED, EVENTLOG_CLAIM_IOMMU, 0},
        {SIPA_VBS_HVCI_POLICY, EVENTLOG_CLAIM_HVCI, 0},
        {SIPA_VBS_HVCI_POLICY, EVENTLOG_CLAIM_HVCI, 2},
        {SIPA_PAGEFILE_ENCRYPTION, EVENTLOG_CLAIM_PAGEFILE_ENCRYPTION, 0},
        {SIPA_HIBERNATION_DISABLED, EVENTLOG_CLAIM_NO_HIBERNATION, 0},
        {SIPA_DUMPS_DISABLED, EVENTLOG_CLAIM_NO_DUMPS, 0},
        {SIPA_DUMP_ENCRYPTION, EVENTLOG_CLAIM_DUMP_ENCRYPTION, 0},
        {SIPA_VSM_LAUNCH_TYPE, EVENTLOG_CLAIM_VSM_RUNNING, 0},
        {SIPA_HYPERVISOR_LAUNCH_TYPE, EVENTLOG_CLAIM_VSM_RUNNING, 0},
        {SIPA_BITLOCKER_UNLOCK, EVENTLOG_CLAIM_BITLOCKER, 0},
        {SIPA_BITLOCKER_UNLOCK, EVENTLOG_CLAIM_BITLOCKER, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int omit = 0; omit <= 1; omit++) {
            struct boot boot;
            begin(&boot);
            if (omit)
                log_windows_omit(&boot.windows, cases[i].id);
            else
                log_windows_set(&boot.windows, cases[i].id, cases[i].bad);
            build(&boot);
            for (size_t j = 0; j < MEASURED; j++)
                testing_assert_claim(&boot.claims, measured[j],
                                     measured[j] != cases[i].claim ? EVENTLOG_GOOD
                                     : omit                        ? EVENTLOG_UNKNOWN
                                                                   : EVENTLOG_BAD);
            done(&boot);
        }
    }
}

static void test_good_values(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        enum eventlog_claim_id claim;
        uint64_t good;
    } cases[] = {
        {SIPA_TRANSFER_CONTROL, EVENTLOG_CLAIM_FULL_BOOT, 5},
        {SIPA_VSM_LAUNCH_TYPE, EVENTLOG_CLAIM_VSM_RUNNING, 2},
        {SIPA_BITLOCKER_UNLOCK, EVENTLOG_CLAIM_BITLOCKER, 0x10},
        {SIPA_BITLOCKER_UNLOCK, EVENTLOG_CLAIM_BITLOCKER, 0x200},
        {SIPA_BITLOCKER_UNLOCK, EVENTLOG_CLAIM_BITLOCKER, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct boot boot;
        begin(&boot);
        log_windows_set(&boot.windows, cases[i].id, cases[i].good);
        build(&boot);
        testing_assert_claim(&boot.claims, cases[i].claim, EVENTLOG_GOOD);
        done(&boot);
    }
}

/* Adds a tag with this leaf to PCR 12 or 13 of a good boot, before the caps. */
static void build_with(struct boot *boot, uint32_t pcr, uint32_t id, struct slice payload)
{
    _cleanup_buf_ struct buf list;
    buf_init(&list, 65536);
    log_builder_sipa_bytes(&list, id, payload);
    log_windows_firmware(&boot->builder, &boot->windows);
    log_windows_loaders(&boot->builder, &boot->windows);
    log_builder_event(&boot->builder, pcr, EVENTLOG_TAG, buf_slice(&list));
    log_windows_close(&boot->builder, &boot->windows);
    evaluate(boot);
}

/* A failure, another dump key, a value of a wrong size: bad, whatever else is said. */
static void test_bad_wins(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        const char *payload;
        size_t size;
        enum eventlog_claim_id claim;
    } cases[] = {
        {SIPA_FIRMWARE_FAILURE, "", 0, EVENTLOG_CLAIM_NO_FAILURE},
        {SIPA_INTERNAL_FAILURE, "\0", 1, EVENTLOG_CLAIM_NO_FAILURE},
        {SIPA_HYPERVISOR_FAILURE, "\0\0\0\0", 4, EVENTLOG_CLAIM_NO_FAILURE},
        {SIPA_TEST_SIGNING, "\1", 1, EVENTLOG_CLAIM_TEST_SIGNING_OFF},
        {SIPA_TEST_SIGNING, "", 0, EVENTLOG_CLAIM_TEST_SIGNING_OFF},
        {SIPA_TEST_SIGNING, "\0\0\0", 3, EVENTLOG_CLAIM_TEST_SIGNING_OFF},
        {SIPA_TRANSFER_CONTROL, "\2\0\0\0", 4, EVENTLOG_CLAIM_FULL_BOOT},
        {SIPA_TRANSFER_CONTROL, "\2\0\0", 3, EVENTLOG_CLAIM_FULL_BOOT},
        {SIPA_VSM_LAUNCH_TYPE, "\0", 1, EVENTLOG_CLAIM_VSM_RUNNING},
        {SIPA_DUMP_ENCRYPTION_KEY_DIGEST, "01234567890123456789012345678901", 32,
         EVENTLOG_CLAIM_DUMP_KEY},
        {SIPA_DUMP_ENCRYPTION_KEY_DIGEST, "short", 5, EVENTLOG_CLAIM_DUMP_KEY},
        {SIPA_VSM_IDK_INFO, "no key", 6, EVENTLOG_CLAIM_VSM_IDK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct boot boot;
        begin(&boot);
        build_with(&boot, 12, cases[i].id, slice_of(cases[i].payload, cases[i].size));
        for (size_t j = 0; j < MEASURED; j++)
            testing_assert_claim(&boot.claims, measured[j],
                                 measured[j] == cases[i].claim ? EVENTLOG_BAD : EVENTLOG_GOOD);
        done(&boot);
    }
}

static void test_vsm_keys(void **state)
{
    (void)state;
    struct boot boot;
    _cleanup_buf_ struct buf key;
    uint8_t modulus[256];
    memset(modulus, 0xE1, sizeof modulus);
    buf_init(&key, 1000);
    log_builder_vsm_key(&key, SIPA_VSM_IDK_INFO, modulus);
    struct slice payload = slice_of(key.data + 8, key.size - 8);
    begin(&boot); /* another key */
    build_with(&boot, 12, SIPA_VSM_IDK_INFO, payload);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_VSM_IDK, EVENTLOG_BAD);
    done(&boot);
    begin(&boot); /* not in PCR 12: no key */
    boot.windows.has_vsm_key = false;
    build_with(&boot, 13, SIPA_VSM_IDK_INFO, payload);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_VSM_IDK, EVENTLOG_UNKNOWN);
    assert_int_equal(boot.claims.vsm_idk.modulus.size, 0);
    done(&boot);
    begin(&boot); /* a signing key that contradicts */
    build_with(&boot, 12, SIPA_VSM_IDKS_INFO, payload);
    assert_nothing_good(&boot);
    done(&boot);
}

static void test_si_policies(void **state)
{
    (void)state;
    struct boot boot;
    _cleanup_buf_ struct buf list;
    uint8_t digest[DIGEST_SHA256_SIZE] = {9};
    buf_init(&list, 65536);
    begin(&boot); /* the block list alone, in another case */
    boot.windows.si_policy_name = "DRIVERSIPOLICY.P7B";
    build(&boot);
    assert_int_equal(boot.claims.si_policy_count, 2);
    assert_true(boot.claims.si_policies[0].is_driver_block_list);
    done(&boot);
    begin(&boot); /* damaged */
    build_with(&boot, 13, SIPA_SI_POLICY, slice_from_text("damaged"));
    assert_nothing_good(&boot);
    done(&boot);
    begin(&boot); /* of an algorithm that we do not know: not listed */
    log_builder_si_policy(&list, "a", digest);
    list.data[8 + 8 + 2] = 0x77;
    build_with(&boot, 13, SIPA_SI_POLICY, slice_of(list.data + 8, list.size - 8));
    assert_int_equal(boot.claims.si_policy_count, 2);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE, EVENTLOG_GOOD);
    done(&boot);
    begin(&boot); /* more than there is room for */
    buf_reset(&list);
    for (int i = 0; i < EVENTLOG_SI_POLICIES_MAX + 5; i++)
        log_builder_si_policy(&list, "{0}.CIP", digest);
    build_with(&boot, 13, SIPA_TRUST_BOUNDARY, buf_slice(&list));
    assert_int_equal(boot.claims.si_policy_count, EVENTLOG_SI_POLICIES_MAX);
    done(&boot);
}

/* A resume from hibernation leaves a short log without settings of the system. */
static void test_resume(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    log_windows_set(&boot.windows, SIPA_TRANSFER_CONTROL, 2);
    for (uint32_t id = 0x00050001; id <= 0x00050030; id++)
        if (id != SIPA_CODE_INTEGRITY && id != SIPA_TEST_SIGNING)
            log_windows_omit(&boot.windows, id);
    boot.windows.has_vsm_key = false;
    boot.windows.has_dump_key = false;
    build(&boot);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_FULL_BOOT, EVENTLOG_BAD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_KERNEL_DEBUG_OFF, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_NO_DUMPS, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_VSM_RUNNING, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_VSM_IDK, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_CODE_INTEGRITY, EVENTLOG_GOOD);
    done(&boot);
}

/* Without Secure Boot, the authority of Windows or the caps, PCRs 12 to 14 prove nothing. */
static void test_preconditions(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct boot boot;
        begin(&boot);
        boot.windows.is_secure_boot_on = i != 0;
        boot.windows.has_secure_boot_variable = i != 1;
        if (i == 2)
            boot.windows.authority = slice_from_text("UEFI CA");
        boot.windows.is_closed = i != 3;
        build(&boot);
        assert_nothing_good(&boot);
        done(&boot);
    }
}

/* What was bad stays bad although the rest is void. */
static void test_bad_in_doubt(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    boot.windows.is_closed = false;
    log_windows_set(&boot.windows, SIPA_TEST_SIGNING, 1);
    build(&boot);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_TEST_SIGNING_OFF, EVENTLOG_BAD);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_CODE_INTEGRITY, EVENTLOG_UNKNOWN);
    done(&boot);
}

/* DMA protection off contradicts VSM's demand for an IOMMU. */
static void test_iommu_contradicted(void **state)
{
    (void)state;
    struct boot boot;
    begin(&boot);
    log_builder_text(&boot.builder, 7, EVENTLOG_EFI_ACTION, "DMA Protection Disabled");
    build(&boot);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_IOMMU, EVENTLOG_BAD);
    done(&boot);
}

/* Windows measures into one bank and spoils the others. */
static void test_spoiled_bank(void **state)
{
    (void)state;
    static const enum digest_algorithm two[] = {DIGEST_SHA384, DIGEST_SHA256};
    struct boot boot;
    begin(&boot);
    log_builder_done(&boot.builder);
    log_builder_init(&boot.builder, two, 2);
    log_windows_firmware(&boot.builder, &boot.windows);
    boot.builder.banks[0] = DIGEST_SHA256;
    boot.builder.bank_count = 1;
    log_windows_loaders(&boot.builder, &boot.windows);
    log_windows_close(&boot.builder, &boot.windows);
    evaluate(&boot);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_CODE_INTEGRITY, EVENTLOG_GOOD);
    eventlog_claims_done(&boot.claims);
    eventlog_claims_evaluate(&boot.claims, &boot.log, EVENTLOG_PROFILE_WINDOWS, DIGEST_SHA384);
    testing_assert_claim(&boot.claims, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_GOOD);
    assert_nothing_good(&boot);
    done(&boot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_boot),    cmocka_unit_test(test_settings),
        cmocka_unit_test(test_good_values),  cmocka_unit_test(test_bad_wins),
        cmocka_unit_test(test_vsm_keys),     cmocka_unit_test(test_si_policies),
        cmocka_unit_test(test_resume),       cmocka_unit_test(test_preconditions),
        cmocka_unit_test(test_bad_in_doubt), cmocka_unit_test(test_iommu_contradicted),
        cmocka_unit_test(test_spoiled_bank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
