/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "policy/dump.h"

static void test_parse(void **state)
{
    (void)state;
    static const char good[] = "d0d0d0d0d0d0d0d0D0D0D0D0D0D0D0D0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0";
    static const char *const bad[] = {
        "", "d0", "x0d0d0d0d0d0d0d0D0D0D0D0D0D0D0D0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0",
        "d0d0d0d0d0d0d0d0D0D0D0D0D0D0D0D0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"};
    uint8_t key[POLICY_DUMP_KEY_SIZE], expected[POLICY_DUMP_KEY_SIZE];
    memset(expected, 0xd0, sizeof expected);
    assert_ok(dump_key_parse(key, good, err));
    assert_memory_equal(key, expected, sizeof key);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(dump_key_parse(key, bad[i], err), &policy_dump_hash);
    assert_memory_equal(key, expected, sizeof key);
}

static void test_take(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log with, without, linux_log;
    struct log_windows boot;
    uint8_t key[POLICY_DUMP_KEY_SIZE];
    log_windows_init(&boot);
    testing_log_windows(&with, &boot);
    assert_ok(dump_key_take(key, &with.log, DIGEST_SHA256, err));
    assert_memory_equal(key, boot.dump_key_digest, sizeof key);
    boot.has_dump_key = false;
    testing_log_windows(&without, &boot);
    assert_refused(dump_key_take(key, &without.log, DIGEST_SHA256, err), &policy_dump_absent);
    testing_log_recorded(&linux_log, "secure-boot-uki");
    assert_refused(dump_key_take(key, &linux_log.log, DIGEST_SHA256, err), &policy_dump_absent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
