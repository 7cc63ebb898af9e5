/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

#include "../testing.h"
#include "base/errors.h"

/* Every sequence of up to three bytes, against the ranges of RFC 3629 section 4 written out. */
static size_t expected_length(const uint8_t *b, size_t size)
{
#define TAIL(i) (b[i] >= 0x80 && b[i] <= 0xbf)
    if (b[0] <= 0x7f)
        return 1;
    if (size >= 2 && b[0] >= 0xc2 && b[0] <= 0xdf && TAIL(1))
        return 2;
    if (size < 3)
        return 0;
    if ((b[0] == 0xe0 && b[1] >= 0xa0 && b[1] <= 0xbf && TAIL(2)) ||
        (b[0] >= 0xe1 && b[0] <= 0xec && TAIL(1) && TAIL(2)) ||
        (b[0] == 0xed && b[1] >= 0x80 && b[1] <= 0x9f && TAIL(2)) ||
        (b[0] >= 0xee && b[0] <= 0xef && TAIL(1) && TAIL(2)))
        return 3;
    return 0;
}

static void test_all_short_sequences(void **state)
{
    (void)state;
    for (unsigned word = 0; word < 1u << 24; word += 7) {
        uint8_t bytes[3] = {(uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};
        for (size_t size = 1; size <= 3; size++) {
            if (utf8_length(slice_of(bytes, size)) != expected_length(bytes, size))
                fail_msg("%06x, %zu bytes", word, size);
        }
    }
    assert_int_equal(utf8_length(SLICE_EMPTY), 0);
}

static void test_four_bytes(void **state)
{
    (void)state;
    assert_int_equal(utf8_length(slice_from_text("\xf0\x90\x80\x80")), 4);
    assert_int_equal(utf8_length(slice_from_text("\xf4\x8f\xbf\xbf")), 4);
    assert_int_equal(utf8_length(slice_from_text("\xf0\x8f\xbf\xbf")), 0);
    assert_int_equal(utf8_length(slice_from_text("\xf4\x90\x80\x80")), 0);
    assert_int_equal(utf8_length(slice_from_text("\xf5\x80\x80\x80")), 0);
    assert_int_equal(utf8_length(slice_from_text("\xf0\x9f\x98")), 0);
    assert_int_equal(utf8_length(slice_from_text("\xf0\x9f\x98\x41")), 0);
}

static void test_controls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"plain, gr\xc3\xbc\xc3\x9f dich \xe2\x80\x9cquoted\xe2\x80\x9d \xe2\x80\xa6",
         "plain, gr\xc3\xbc\xc3\x9f dich \xe2\x80\x9cquoted\xe2\x80\x9d \xe2\x80\xa6"},
        {"\x1b[2J\r\n\t\x7f", "?[2J????"},
        {"\xc2\x9b"
         "2J \xc2\xa0",
         "??2J \xc2\xa0"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c\xd8\x9c"
         "d\xe2\x80\xa8",
         "a???b???c??d???"},
        {"\xff\xfe \xc3", "?? ?"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        strcpy(text, rows[i].text);
        utf8_replace_controls(text);
        assert_string_equal(text, rows[i].shown);
    }
}

static void test_check(void **state)
{
    (void)state;
    assert_ok(utf8_check(slice_from_text("12345678 gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80"),
                         "text", err));
    assert_ok(utf8_check(SLICE_EMPTY, "text", err));
    assert_refused(utf8_check(slice_from_text("12345678\xff"), "text", err), base_text_malformed);
    assert_refused(utf8_check(slice_of("1234567\0 9", 10), "text", err), base_text_malformed);
    assert_int_equal(utf8_valid(slice_from_text("0123456789\xc3(")), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_short_sequences),
        cmocka_unit_test(test_four_bytes),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
