/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

static void test_words(void **state)
{
    (void)state;
    static const char *const words[] = {"NotEvaluated", "Failed", "Passed"};
    for (int i = 0; i < 3; i++) {
        enum verdict_result result;
        assert_string_equal(verdict_result_name((enum verdict_result)i), words[i]);
        assert_true(verdict_result_parse(&result, words[i]));
        assert_int_equal(result, i);
    }
    enum verdict_result result;
    assert_false(verdict_result_parse(&result, "passed"));
}

static void test_find(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b", c[] = "c";
    struct verdict_policy rows[] = {
        {.name = a, .result = VERDICT_FAILED},
        {.name = b, .required = true, .result = VERDICT_PASSED},
        {.name = c, .required = true, .result = VERDICT_NOT_EVALUATED},
    };
    struct verdict verdict = {.policies = rows, .count = 3};
    assert_ptr_equal(verdict_first_failure(&verdict), &rows[2]);
    verdict.count = 2;
    assert_null(verdict_first_failure(&verdict));
    assert_ptr_equal(verdict_find(&verdict, "b"), &rows[1]);
    assert_null(verdict_find(&verdict, "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
