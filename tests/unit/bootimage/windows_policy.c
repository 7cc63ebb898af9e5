/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/windows_policy.h"

static void test_unsigned(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct windows_policy policy;
    struct digest flat;
    testing_vector(&bytes, "policy.cip");
    assert_ok(windows_policy_parse(&policy, buf_slice(&bytes), err));
    assert_int_equal(policy.candidate_count, 1);
    digest_compute(&flat, DIGEST_SHA512, buf_slice(&bytes));
    assert_true(
        slice_equal(digests_get(&policy.candidates[0], DIGEST_SHA512), digest_slice(&flat)));
}

/* Signed by the openssl command. */
static void test_signed(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct windows_policy policy;
    struct digest flat;
    testing_vector(&bytes, "signed.p7b");
    assert_ok(windows_policy_parse(&policy, buf_slice(&bytes), err));
    assert_int_equal(policy.candidate_count, 2);
    digest_compute(&flat, DIGEST_SHA256, buf_slice(&bytes));
    assert_true(
        slice_equal(digests_get(&policy.candidates[0], DIGEST_SHA256), digest_slice(&flat)));
    testing_assert_digest(digests_get(&policy.candidates[1], DIGEST_SHA256), "signed.p7b",
                          "content");
}

static void test_refuses(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf other, good, binary;
    struct windows_policy policy;
    testing_vector(&other, "signed-other.p7b"); /* a SignedData of something else */
    assert_refused(windows_policy_parse(&policy, buf_slice(&other), err),
                   &bootimage_windows_policy);
    assert_refused(windows_policy_parse(&policy, SLICE_EMPTY, err), &bootimage_windows_policy);
    assert_refused(windows_policy_parse(
                       &policy,
                       slice_from_text("<?xml version=\"1.0\"?><SiPolicy xmlns=\"urn:schemas\"/>"),
                       err),
                   &bootimage_windows_policy);
    testing_vector(&good, "signed.p7b");
    buf_append_u8(&good, 0); /* behind the end */
    assert_refused(windows_policy_parse(&policy, buf_slice(&good), err), &bootimage_windows_policy);
    for (size_t size = 0; size < good.size - 1; size++)
        assert_refused(windows_policy_parse(&policy, slice_of(good.data, size), err),
                       &bootimage_windows_policy);
    testing_vector(&binary, "policy.cip");
    testing_put_u32(&binary, 0, 33);
    assert_refused(windows_policy_parse(&policy, buf_slice(&binary), err),
                   &bootimage_windows_policy);
    assert_refused(windows_policy_parse(&policy, slice_of(binary.data + 1, 39), err),
                   &bootimage_windows_policy);
}

static void test_driver_block_list(void **state)
{
    (void)state;
    static const char *const names[] = {"DriverSiPolicy.p7b", "driversipolicy.P7B",
                                        "/mnt/CodeIntegrity/driversipolicy.p7b",
                                        "C:\\Windows\\System32\\CodeIntegrity\\DriverSiPolicy.p7b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(windows_policy_is_driver_block_list(names[i]));
    assert_false(windows_policy_is_driver_block_list("SiPolicy.p7b"));
    assert_false(windows_policy_is_driver_block_list("DriverSiPolicy.p7b/SiPolicy.p7b"));
    assert_false(windows_policy_is_driver_block_list("MyDriverSiPolicy.p7b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_driver_block_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
