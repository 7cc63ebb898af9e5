/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain_name.h"

#include "../testing.h"

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "Node-1.example_x", "a.", "0-"};
    static const char *const bad[] = {"", ".a", "-a", "_a", "a b", "a/b", "\xc3\xa4", "a\n", "a*"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(plain_name_valid(good[i], PLAIN_NAME_SIZE));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(plain_name_valid(bad[i], PLAIN_NAME_SIZE));
}

static void test_size(void **state)
{
    (void)state;
    char longest[PLAIN_NAME_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    longest[PLAIN_NAME_SIZE - 1] = '\0';
    assert_true(plain_name_valid(longest, PLAIN_NAME_SIZE));
    assert_false(plain_name_valid(longest, PLAIN_NAME_SIZE - 1));
    longest[PLAIN_NAME_SIZE - 1] = 'a';
    longest[PLAIN_NAME_SIZE] = '\0';
    assert_false(plain_name_valid(longest, PLAIN_NAME_SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
