/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/pcr.h"

#include "tpm_test.h"

/* PCR i is byte i, over and over. */
static void make_bank(struct tpm_pcr_bank *bank, enum digest_algorithm algorithm, uint32_t pcrs)
{
    *bank = (struct tpm_pcr_bank){.algorithm = algorithm};
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        uint8_t value[DIGEST_SIZE_MAX];
        memset(value, (int)i, sizeof value);
        if (pcrs >> i & 1)
            tpm_pcr_set(bank, i, slice_of(value, digest_size(algorithm)));
    }
}

static void test_format(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank, read;
    struct buf bytes, expected;
    make_bank(&bank, DIGEST_SHA256, 0x800001);
    buf_init(&bytes, 4096);
    tpm_pcr_bank_format(&bytes, &bank);
    assert_slice_equal(buf_slice(&bytes),
                       from_hex(&expected, "0b0001008000"
                                           "0000000000000000000000000000000000000000000000000000"
                                           "0000000000001717171717171717171717171717171717171717"
                                           "171717171717171717171717"));
    assert_ok(tpm_pcr_bank_parse(&read, buf_slice(&bytes), err));
    assert_int_equal(read.present, 0x800001);
    assert_int_equal(tpm_pcr_differing(&read, &bank, 0xffffff), 0);
    buf_done(&bytes);
    buf_done(&expected);
    static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    for (size_t i = 0; i < 3; i++) {
        make_bank(&bank, algorithms[i], 0xffffff);
        buf_init(&bytes, 4096);
        tpm_pcr_bank_format(&bytes, &bank);
        assert_ok(tpm_pcr_bank_parse(&read, buf_slice(&bytes), err));
        assert_memory_equal(&read, &bank, sizeof bank);
        buf_done(&bytes);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "0b",
        "0b00000000",
        "040000000000",   /* SHA-1 */
        "120000000000",   /* SM3 */
        "0b0000000001",   /* PCR 24 */
        "0b0000000080",   /* PCR 31 */
        "0b0001000000",   /* no value */
        "0b000000000000", /* one byte behind */
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct buf bytes;
        struct tpm_pcr_bank bank;
        from_hex(&bytes, refused[i]);
        assert_refused(tpm_pcr_bank_parse(&bank, buf_slice(&bytes), err), "tpm.pcr-malformed");
        buf_done(&bytes);
    }
    /* Cut at every byte, and one too many. */
    struct tpm_pcr_bank bank, read;
    struct buf bytes;
    make_bank(&bank, DIGEST_SHA384, 0xf0ff);
    buf_init(&bytes, 4096);
    tpm_pcr_bank_format(&bytes, &bank);
    for (size_t size = 0; size < bytes.size; size++)
        assert_refused(tpm_pcr_bank_parse(&read, slice_of(bytes.data, size), err),
                       "tpm.pcr-malformed");
    buf_append_u8(&bytes, 0);
    assert_refused(tpm_pcr_bank_parse(&read, buf_slice(&bytes), err), "tpm.pcr-malformed");
    buf_done(&bytes);
}

static void test_extend_and_compare(void **state)
{
    (void)state;
    struct tpm_pcr_bank a, b;
    make_bank(&a, DIGEST_SHA256, 0xff);
    make_bank(&b, DIGEST_SHA256, 0xfe);
    uint8_t digest[32] = {1};
    tpm_pcr_extend(&a, 1, slice_of(digest, sizeof digest));
    /* hashlib.sha256(bytes([1] * 32) + bytes([1]) + bytes(31)) */
    struct buf expected;
    from_hex(&expected, "0e538004bd522643079dc16316bd90985b62101ed2f0f51349f479efb17bc059");
    assert_slice_equal(tpm_pcr_value(&a, 1), buf_slice(&expected));
    buf_done(&expected);
    assert_int_equal(tpm_pcr_differing(&a, &b, 0xff), 2);
    assert_int_equal(tpm_pcr_differing(&a, &b, 0xfd), 0);
    tpm_pcr_extend(&b, 1, slice_of(digest, sizeof digest));
    assert_int_equal(tpm_pcr_differing(&a, &b, 0xff), 0);
    assert_false(tpm_pcr_bank_is_evidence(DIGEST_SHA1));
    assert_true(tpm_pcr_bank_is_evidence(DIGEST_SHA256));
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        uint32_t pcrs;
        size_t count;
        uint32_t reads[3];
    } splits[] = {
        {0, 0, {0}},
        {1, 1, {1}},
        {0xff, 1, {0xff}},
        {0x1ff, 2, {0x1f, 0x1e0}},
        {0xf0ff, 2, {0x3f, 0xf0c0}},
        {0xffff, 2, {0xff, 0xff00}},
        {0x1ffff, 3, {0x3f, 0xfc0, 0x1f000}},
        {0xffffff, 3, {0xff, 0xff00, 0xff0000}},
    };
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        struct tpm_pcr_selection reads[TPM_PCR_READS_MAX];
        struct tpm_pcr_selection selection = {DIGEST_SHA384, splits[i].pcrs};
        assert_int_equal(tpm_pcr_split(reads, selection), splits[i].count);
        for (size_t j = 0; j < splits[i].count; j++) {
            assert_int_equal(reads[j].pcrs, splits[i].reads[j]);
            assert_int_equal(reads[j].algorithm, DIGEST_SHA384);
        }
    }
}

/*
 * Made with python's hashlib from the definition: sha256(bytes(32) + pack(">I", 0x17f) +
 * pack(">IHB", 1, algorithm, 3) + pack("<I", bits)[:3] + sha256(values).digest()), PCR i being the
 * byte i over and over. (tests/unit/tpm/software_tpm.c has tpm2_createpolicy's.)
 */
static void test_policy(void **state)
{
    (void)state;
    static const struct {
        enum digest_algorithm algorithm;
        uint32_t pcrs;
        const char *digest;
    } vectors[] = {
        {DIGEST_SHA256, 0x1, "093ceb41181d47808862d7946268ee6a17a10e3d1b79b32351bc56e4beaceff0"},
        {DIGEST_SHA256, 0x81, "f68f25c14cac2f875012beb256a79ba5b5b7d504e563462a557e908a4a8249be"},
        {DIGEST_SHA256, 0xffffff,
         "8bc5cad0e5407722a53f19125a61dbe10aa1c4d39d40b8f6d68d2b2015593eee"},
        {DIGEST_SHA256, 0x800000,
         "072e92f38934e4d5353a594ac1a2f5852f6fd06a7c293821fe7678057fa5317c"},
        {DIGEST_SHA256, 0, "7df052f36836e42176aaa0b800a56ef35ed728f46c6cb4cc83d56059490ba361"},
        {DIGEST_SHA384, 0x1, "9bd43a810c4bfecc42d29a48834a677552a4313308caa1b5029fcb93afbcdcf8"},
        {DIGEST_SHA384, 0x81, "236c0151b1e798ea6034662c3822adf1c875d7a863a997f279d9439dd22225ef"},
        {DIGEST_SHA384, 0xffffff,
         "18b4b3cf82d128a6776d9cd3636c546e17c30f2f1930fb739cd04055d231caac"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct tpm_pcr_bank bank;
        struct buf expected;
        uint8_t digest[DIGEST_SHA256_SIZE];
        make_bank(&bank, vectors[i].algorithm, 0xffffff);
        tpm_pcr_policy_digest(
            digest, (struct tpm_pcr_selection){vectors[i].algorithm, vectors[i].pcrs}, &bank);
        assert_slice_equal(slice_of(digest, sizeof digest), from_hex(&expected, vectors[i].digest));
        buf_done(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_extend_and_compare),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
