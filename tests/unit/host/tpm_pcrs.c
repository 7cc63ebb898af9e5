/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_pcrs.h"

#include "tpm_fixture.h"

#include "base/errors.h"

static void reads_all_of_the_strongest_common_bank(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank, expected = {.algorithm = DIGEST_SHA256};
    const uint8_t zeros[32] = {0}, digest[32] = {1};
    assert_ok(host_tpm_pcrs_read(&bank, device, HOST_TPM_BANK_ANY, err));
    assert_int_equal(bank.algorithm, DIGEST_SHA256);
    assert_int_equal(bank.present, 0x00FFFFFF);
    assert_memory_equal(tpm_pcr_value(&bank, 5).data, zeros, sizeof zeros);
    tpm_extend(5);
    assert_ok(host_tpm_pcrs_read(&bank, device, HOST_TPM_BANK_ANY, err));
    tpm_pcr_set(&expected, 5, slice_of(zeros, sizeof zeros));
    tpm_pcr_extend(&expected, 5, slice_of(digest, sizeof digest));
    assert_true(slice_equal(tpm_pcr_value(&bank, 5), tpm_pcr_value(&expected, 5)));
    assert_int_equal(tpm_pcr_value(&bank, 17).data[0], 0xff);
}

static void reads_the_bank_that_is_wanted(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank;
    enum digest_algorithm wanted;
    static const char *const names[] = {"sha256", "sha384", "sha512"};
    static const enum digest_algorithm banks[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    assert_ok(host_tpm_pcrs_bank(&wanted, "auto", err));
    assert_int_equal(wanted, HOST_TPM_BANK_ANY);
    for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++) {
        assert_ok(host_tpm_pcrs_bank(&wanted, names[i], err));
        assert_int_equal(wanted, banks[i]);
    }
    assert_refused(host_tpm_pcrs_bank(&wanted, "sha1", err), base_config_malformed);
    assert_refused(host_tpm_pcrs_bank(&wanted, "", err), base_config_malformed);
    assert_ok(host_tpm_pcrs_read(&bank, device, DIGEST_SHA256, err));
    assert_int_equal(bank.algorithm, DIGEST_SHA256);
    /* which this TPM has not */
    assert_refused(host_tpm_pcrs_read(&bank, device, DIGEST_SHA512, err), host_tpm_version);
}

/* The service may bind the key to less than it read, leaving out what changes on a running host. */
static void finds_what_a_policy_is_about(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank;
    struct tpm_pcr_selection found;
    uint8_t policy[DIGEST_SHA256_SIZE];
    const struct tpm_pcr_selection read = {DIGEST_SHA256, 0x00000C9D};
    static const uint32_t bound[] = {0x00000C9D, 0x0000089D, 0x0000009D};
    assert_ok(host_tpm_pcrs_read(&bank, device, HOST_TPM_BANK_ANY, err));
    for (size_t i = 0; i < sizeof bound / sizeof bound[0]; i++) {
        tpm_pcr_policy_digest(policy, (struct tpm_pcr_selection){DIGEST_SHA256, bound[i]}, &bank);
        assert_true(host_tpm_pcrs_of_policy(&found, read, &bank, slice_of(policy, sizeof policy)));
        assert_int_equal(found.pcrs, bound[i]);
    }
}

static void finds_nothing_else(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank;
    struct tpm_pcr_selection found;
    uint8_t policy[DIGEST_SHA256_SIZE];
    struct slice digest = slice_of(policy, sizeof policy);
    struct tpm_pcr_selection read = {DIGEST_SHA256, 0x0000009D};
    assert_ok(host_tpm_pcrs_read(&bank, device, HOST_TPM_BANK_ANY, err));
    /* A firmware's register less, or one more than was read. */
    tpm_pcr_policy_digest(policy, (struct tpm_pcr_selection){DIGEST_SHA256, 0x0000008D}, &bank);
    assert_false(host_tpm_pcrs_of_policy(&found, read, &bank, digest));
    tpm_pcr_policy_digest(policy, (struct tpm_pcr_selection){DIGEST_SHA256, 0x0000049D}, &bank);
    assert_false(host_tpm_pcrs_of_policy(&found, read, &bank, digest));
    tpm_pcr_policy_digest(policy, read, &bank);
    assert_true(host_tpm_pcrs_of_policy(&found, read, &bank, digest));
    bank.values[4][0] ^= 1;
    assert_false(host_tpm_pcrs_of_policy(&found, read, &bank, digest));
    read.algorithm = DIGEST_SHA384;
    assert_false(host_tpm_pcrs_of_policy(&found, read, &bank, digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_of_the_strongest_common_bank),
        cmocka_unit_test(reads_the_bank_that_is_wanted),
        cmocka_unit_test(finds_what_a_policy_is_about),
        cmocka_unit_test(finds_nothing_else),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
