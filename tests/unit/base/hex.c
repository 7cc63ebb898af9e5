/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <string.h>

#include "../testing.h"
#include "base/errors.h"

static const uint8_t sample[] = {0x00, 0x0f, 0xa5, 0xff};

static void test_formats(void **state)
{
    (void)state;
    char text[9];
    struct buf out;
    buf_init(&out, 100);
    hex_append(&out, slice_of(sample, 4));
    hex_append_upper(&out, slice_of(sample, 4));
    hex_append(&out, SLICE_EMPTY);
    assert_string_equal(buf_text(&out), "000fa5ff000FA5FF");
    assert_string_equal(hex_format(slice_of(sample, 4), text), "000fa5ff");
    assert_string_equal(hex_format(SLICE_EMPTY, text), "");
    buf_done(&out);
}

static void test_parses(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4);
    assert_ok(hex_parse(&out, slice_from_text("000fA5Ff"), err));
    assert_int_equal(out.size, 4);
    assert_memory_equal(out.data, sample, 4);
    assert_ok(hex_parse(&out, SLICE_EMPTY, err));
    assert_refused(hex_parse(&out, slice_from_text("00"), err), base_buffer_full);
    buf_done(&out);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const malformed[] = {"0",   "0g", "g0", "000", "0x00", " 00",
                                            "00 ", "/0", ":0", "@0",  "`0",   "G0"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_refused(hex_parse(&out, slice_from_text(malformed[i]), err), base_hex_malformed);
        assert_int_equal(out.size, 0);
        buf_done(&out);
    }
    struct buf out;
    buf_init(&out, 100);
    assert_refused(hex_parse(&out, slice_of("0\0", 2), err), base_hex_malformed);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
