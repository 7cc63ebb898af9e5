/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/command_line_section.h"
#include "bootimage/unified_kernel.h"

static void test_section(void **state)
{
    (void)state;
    static const char section[] = "quiet\0behind";
    static const char bad[] = "quiet\xc0\xaf";
    _cleanup_buf_ struct buf text, zeros;
    buf_init(&text, UNIFIED_KERNEL_COMMAND_LINE_MAX);
    assert_ok(command_line_section(&text, SLICE_EMPTY, err)); /* without an address, too */
    assert_int_equal(text.size, 0);
    assert_ok(command_line_section(&text, slice_of(section, sizeof section), err));
    assert_string_equal(buf_text(&text), "quiet");
    assert_refused(command_line_section(&text, slice_from_text(bad), err), &bootimage_command_line);
    buf_init(&zeros, UNIFIED_KERNEL_COMMAND_LINE_MAX + 1);
    for (size_t i = 0; i <= UNIFIED_KERNEL_COMMAND_LINE_MAX; i++)
        buf_append_u8(&zeros, 'x');
    assert_refused(command_line_section(&text, buf_slice(&zeros), err), &bootimage_command_line);
    assert_string_equal(buf_text(&text), "quiet");
}

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"quiet", "quiet"},
        {"\n quiet\tsplash\x7f\r\n", "quiet splash"},
        {"a\nb  c", "a b  c"},
        {" \n", ""},
        {"", ""},
        {"name=Zo\u00eb", "name=Zo\u00eb"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf out;
        buf_init(&out, 100);
        command_line_section_clean(&out, slice_from_text(cases[i].text));
        assert_string_equal(buf_text(&out), cases[i].clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section),
        cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
