/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock_watch.h"

#include "../testing.h"

/* Another time than the last look's is told once. */
static void test_steps(void **state)
{
    (void)state;
    static const int64_t steps[] = {3600, -3600, 86400, -86400, 40 * 86400, -80 * 86400, 3, -3};
    struct clock clock = {.offset = 0};
    struct clock_watch watch;
    clock_watch_init(&watch, &clock);
    assert_int_equal(clock_watch_look(&watch), 0);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        clock.offset += steps[i];
        assert_int_equal(clock_watch_look(&watch), steps[i]);
        assert_int_equal(clock_watch_look(&watch), 0);
    }
}

/* Small ones are told when they have become large. */
static void test_small_steps(void **state)
{
    (void)state;
    struct clock clock = {.offset = 0};
    struct clock_watch watch;
    clock_watch_init(&watch, &clock);
    clock.offset++;
    assert_int_equal(clock_watch_look(&watch), 0);
    clock.offset += 2;
    assert_int_equal(clock_watch_look(&watch), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_small_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
