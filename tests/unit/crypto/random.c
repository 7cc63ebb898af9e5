/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include "tool.h"

static void test_bytes_differ(void **state)
{
    (void)state;
    uint8_t first[32] = {0}, second[32] = {0}, zero[32] = {0};
    random_bytes(first, sizeof first);
    random_bytes(second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(first, zero, sizeof first);
    random_bytes(first, 0);
}

static void test_below(void **state)
{
    (void)state;
    bool seen[5] = {false};
    for (int i = 0; i < 1000; i++) {
        uint32_t value = random_below(5);
        assert_in_range(value, 0, 4);
        seen[value] = true;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i]);
    assert_int_equal(random_below(1), 0);
    /* With a bound just over half the range, every second draw has to be thrown away. */
    for (int i = 0; i < 100; i++)
        assert_true(random_below(UINT32_C(0x80000001)) <= UINT32_C(0x80000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_differ),
        cmocka_unit_test(test_below),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
