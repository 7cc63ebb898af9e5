/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/systemd.h"

#include "testing.h"

#define BIT(pcr) (UINT32_C(1) << (pcr))
#define ALL 0xffffffu

/* All PCRs, each with a value of its own. */
static void bank_init(struct tpm_pcr_bank *out)
{
    *out = (struct tpm_pcr_bank){.algorithm = DIGEST_SHA256};
    for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++) {
        uint8_t value[DIGEST_SHA256_SIZE];
        memset(value, (int)pcr, sizeof value);
        tpm_pcr_set(out, pcr, slice_of(value, sizeof value));
    }
}

static void extend(struct tpm_pcr_bank *bank, unsigned pcr, const char *word)
{
    struct digest digest;
    digest_compute(&digest, bank->algorithm, slice_from_text(word));
    tpm_pcr_extend(bank, pcr, digest_slice(&digest));
}

static void test_phases(void **state)
{
    (void)state;
    static const char *const phases[] = {"enter-initrd", "leave-initrd", "sysinit",
                                         "ready",        "shutdown",     "final"};
    for (unsigned chosen = 0; chosen < 64; chosen++) {
        struct tpm_pcr_bank replayed, read;
        bank_init(&replayed);
        bank_init(&read);
        for (unsigned i = 0; i < 6; i++)
            if (chosen >> i & 1)
                extend(&read, 11, phases[i]);
        assert_int_equal(systemd_explains(&replayed, &read, ALL), chosen == 0 ? 0 : BIT(11));
    }
}

static void test_separators(void **state)
{
    (void)state;
    uint32_t separated = 0xffu | BIT(9) | BIT(12) | BIT(13) | BIT(14);
    struct tpm_pcr_bank replayed, read;
    bank_init(&replayed);
    bank_init(&read);
    for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++)
        extend(&read, pcr, "os-separator");
    assert_int_equal(systemd_explains(&replayed, &read, ALL), separated);
    assert_int_equal(systemd_explains(&replayed, &read, BIT(7) | BIT(8)), BIT(7));
    extend(&read, 9, "nvpcr-separator");
    extend(&read, 7, "nvpcr-separator");
    assert_int_equal(systemd_explains(&replayed, &read, ALL), separated & ~BIT(7));
}

static void test_refuses(void **state)
{
    (void)state;
    struct tpm_pcr_bank replayed, read;
    bank_init(&replayed);
    bank_init(&read);
    assert_int_equal(systemd_explains(&replayed, &read, ALL), 0); /* nothing to explain */
    extend(&read, 11, "ready");
    extend(&read, 11, "sysinit"); /* in no order of systemd's */
    extend(&read, 12, "ready");
    extend(&read, 7, "os-separator");
    extend(&read, 7, "os-separator");
    extend(&read, 0, "anything");
    assert_int_equal(systemd_explains(&replayed, &read, ALL), 0);
    bank_init(&read);
    extend(&read, 11, "ready");
    assert_int_equal(systemd_explains(&replayed, &read, ALL), BIT(11));
    read.present &= ~BIT(11);
    assert_int_equal(systemd_explains(&replayed, &read, ALL), 0);
    read.present |= BIT(11);
    read.algorithm = DIGEST_SHA384;
    assert_int_equal(systemd_explains(&replayed, &read, ALL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
