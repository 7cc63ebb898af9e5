/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"
#include "tool.h"

static void test_format(void **state)
{
    (void)state;
    uint8_t bytes[200];
    memset(bytes, 0xa5, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size += 8) {
        tool_write("der", slice_of(bytes, size));
        tool_run(
            "{ echo '-----BEGIN X Y-----'; base64 -w 64 der; echo '-----END X Y-----'; } > pem");
        struct buf made, expected, read;
        buf_init(&made, 1000);
        buf_init(&read, 1000);
        pem_format(&made, "X Y", slice_of(bytes, size));
        assert_slice_equal(buf_slice(&made), tool_read(&expected, "pem"));
        assert_true(pem_is(buf_slice(&made)));
        assert_true(pem_find(&read, buf_slice(&made), "X Y"));
        assert_slice_equal(buf_slice(&read), slice_of(bytes, size));
        buf_done(&made);
        buf_done(&expected);
        buf_done(&read);
    }
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *found; /* NULL: none */
    } cases[] = {
        {"-----BEGIN A-----\nYWJj\n-----END A-----\n", "abc"},
        {"words\n-----BEGIN B-----\nYWJj\n-----END B-----\n-----BEGIN A-----\r\nZGVm\r\n-----END "
         "A-----",
         "def"},
        {"-----BEGIN A-----\nYWJj\n-----END A-----\n-----BEGIN A-----\nZGVm\n-----END A-----",
         "abc"},
        {"-----BEGIN A-----\nYWJj\n", NULL},
        {"-----BEGIN A-----\nYW*j\n-----END A-----", NULL},
        {"-----BEGIN A-----\nHeader: x\n\nYWJj\n-----END A-----", NULL},
        {"-----BEGIN AB-----\nYWJj\n-----END AB-----", NULL},
        {"-----END A-----", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf found;
        buf_init(&found, 100);
        assert_int_equal(pem_find(&found, slice_from_text(cases[i].text), "A"),
                         cases[i].found != NULL);
        assert_string_equal(buf_text(&found), cases[i].found != NULL ? cases[i].found : "");
        buf_done(&found);
    }
    assert_false(pem_is(slice_from_text("\x30\x82")));
    assert_false(pem_is(SLICE_EMPTY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
