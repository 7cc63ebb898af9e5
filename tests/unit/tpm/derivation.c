/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/derivation.h"

#include "tpm_test.h"

/* Bytes 0, 1, 2…: keys and contexts are parts of it. */
static uint8_t counting[64];

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)i;
    return 0;
}

/*
 * Made with python's hmac and hashlib from the definitions:
 *     hmac.new(key, pack(">I", i) + b"ATH\0" + u + v + pack(">I", 8 * size), hash)…
 * with key = counting[0:32], u = counting[16:48], v = counting[32:64].
 */
static void test_kdfa(void **state)
{
    (void)state;
    static const struct {
        enum digest_algorithm algorithm;
        const char *made;
    } vectors[] = {
        {DIGEST_SHA256, "7375a5906af06325a614e269df46de20e30b59985ae817f23f7d5663d9cff581"},
        {DIGEST_SHA256, "d64b9eda12d674998202e801d8ae13d7"},
        {DIGEST_SHA256, "7d98e45b548b6a1b30b7bcfcc1a89c32aebe284e2882f0dc0c94ead5eb20d553"
                        "54b48527b3561a65a26b4d701308076b20b96455b747a750a7458849dd6effee"
                        "9eb9db0ac5f3eaab94c32f0d1614d179"},
        {DIGEST_SHA384, "147eee3edae34c419a24fc8b9f66ebb773321fc22469f09ddd2b1ad976402323"
                        "bc196c1e1953abecba0ab8052cdca03f"},
        {DIGEST_SHA512, "e207351e5baab766b7b5eebcdec7ff580eeee4a59d8b1af0bcfdd8838df1ef4c"
                        "ebd5f3d954a99b9f7ef82f775aefe8830933c135dcc1a23c9fb7df419d10233d"
                        "1aad9abf11d9d0bcdbb8a22abd023d4f37015d30e3cf945ef35a5bb8bdbedac5"
                        "8109d33c"},
        {DIGEST_SHA1, "1f611a9d5015795a8ae5044f765eb769cd1ab4508bf2d4a83c2533aec8025f99ac"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf expected;
        uint8_t made[128];
        from_hex(&expected, vectors[i].made);
        tpm_kdfa(made, expected.size, vectors[i].algorithm, slice_of(counting, 32), "ATH",
                 slice_of(counting + 16, 32), slice_of(counting + 32, 32));
        assert_slice_equal(slice_of(made, expected.size), buf_slice(&expected));
        buf_done(&expected);
    }
    struct buf expected;
    uint8_t made[32];
    from_hex(&expected, "268219658844c3678db635a17ac6139c846280f4709dce33ca7d1ceb60301a03");
    tpm_kdfa(made, sizeof made, DIGEST_SHA256, SLICE_EMPTY, "ATH", SLICE_EMPTY, SLICE_EMPTY);
    assert_slice_equal(slice_of(made, sizeof made), buf_slice(&expected));
    buf_done(&expected);
}

/* sha(pack(">I", i) + z + b"SECRET\0" + u + v)… with z = counting[0:field], u = counting[1:], v =
 * counting[2:], field bytes each. */
static void test_kdfe(void **state)
{
    (void)state;
    static const struct {
        enum digest_algorithm algorithm;
        size_t field;
        const char *made;
    } vectors[] = {
        {DIGEST_SHA256, 32, "32ac3250d27f7073bdb125bd1f51728546b0f1ae587d243c0364f535b9d72af0"},
        {DIGEST_SHA384, 48,
         "6749f4dce306b9140a6c070db254935cf87a0c1bbab0ae1b151cb5e9f5ceeaf9"
         "ac1e45073c4c52c95d09b9a8f4f6c35b"},
        {DIGEST_SHA512, 48,
         "27b07b771e56299ed9eefa0d9c12a9d224cf74728d18f2176f970231dd64cbda"
         "9e8faaaf19dd66af8379ee03afc199629e139e4dd62640f98afba71964bacfd8"},
        {DIGEST_SHA256, 32,
         "32ac3250d27f7073bdb125bd1f51728546b0f1ae587d243c0364f535b9d72af0"
         "b3b0eb16cb1e149c"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf expected;
        uint8_t made[64];
        size_t field = vectors[i].field;
        from_hex(&expected, vectors[i].made);
        tpm_kdfe(made, expected.size, vectors[i].algorithm, slice_of(counting, field), "SECRET",
                 slice_of(counting + 1, field), slice_of(counting + 2, field));
        assert_slice_equal(slice_of(made, expected.size), buf_slice(&expected));
        buf_done(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kdfa), cmocka_unit_test(test_kdfe)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
