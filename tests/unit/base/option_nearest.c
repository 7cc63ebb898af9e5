/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option_nearest.h"

#include "../testing.h"

static void finds_the_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"certificate", "server", "signer", "key"};
    assert_string_equal(option_nearest("certifcate", words, 4), "certificate");
    assert_string_equal(option_nearest("cert", words, 4), "certificate");
    assert_string_equal(option_nearest("sevrer", words, 4), "server");
    assert_string_equal(option_nearest("singer", words, 4), "signer");
    assert_string_equal(option_nearest("kye", words, 4), "key");
    assert_null(option_nearest("zzz", words, 4));
    assert_null(option_nearest("", words, 4));
    assert_null(option_nearest("x", words, 0));
    char huge[1000];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_null(option_nearest(huge, words, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
