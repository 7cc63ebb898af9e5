/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"

#include "../testing.h"

/* Of RFC 2781 section 5 and its borders, by hand. */
static const struct {
    const char *utf8;
    const char *utf16;
    size_t size;
} pairs[] = {
    {"", "", 0},
    {"db", "d\0b\0", 4},
    {"\xc2\x80\xdf\xbf", "\x80\0\xff\x07", 4},
    {"\xe0\xa0\x80\xef\xbf\xbf", "\0\x08\xff\xff", 4},
    {"\xf0\x92\x8d\x85=Ra", "\x08\xd8\x45\xdf=\0R\0a\0", 10},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\x00\xd8\x00\xdc\xff\xdb\xff\xdf", 8},
};

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        _cleanup_buf_ struct buf narrow, wide;
        buf_init(&narrow, 100);
        buf_init(&wide, 100);
        assert_true(utf16_to_utf8(&narrow, slice_of(pairs[i].utf16, pairs[i].size)));
        assert_string_equal(buf_text(&narrow), pairs[i].utf8);
        assert_true(utf16_from_utf8(&wide, slice_from_text(pairs[i].utf8)));
        assert_true(slice_equal(buf_slice(&wide), slice_of(pairs[i].utf16, pairs[i].size)));
    }
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const damaged[] = {"\x00\xd8", "\x00\xdc\x00\xd8", "a\0\x00\xd8z\0"};
    static const size_t sizes[] = {2, 4, 6};
    _cleanup_buf_ struct buf out;
    buf_init(&out, 100);
    for (size_t i = 0; i < 3; i++)
        assert_false(utf16_to_utf8(&out, slice_of(damaged[i], sizes[i])));
    assert_false(utf16_to_utf8(&out, slice_of("a\0b", 3)));
    assert_false(utf16_from_utf8(&out, slice_from_text("a\xff")));
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
