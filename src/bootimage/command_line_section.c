/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/command_line_section.h"

#include "base/utf8.h"
#include "bootimage/errors.h"
#include "bootimage/unified_kernel.h"

bool command_line_section(struct buf *out, struct slice section, struct error *err)
{
    const uint8_t *nul = section.size > 0 ? memchr(section.data, 0, section.size) : NULL;
    struct slice text = {section.data, nul != NULL ? (size_t)(nul - section.data) : section.size};
    if (text.size > UNIFIED_KERNEL_COMMAND_LINE_MAX)
        return error_set(err, &bootimage_command_line, NULL, ".cmdline", "it has %zu bytes",
                         text.size);
    if (utf8_valid(text) != text.size)
        return error_set(err, &bootimage_command_line, NULL, ".cmdline", "byte %zu is not UTF-8",
                         utf8_valid(text));
    buf_append(out, text);
    return true;
}

static bool is_space(uint8_t c)
{
    return c <= ' ' || c == 0x7f;
}

void command_line_section_clean(struct buf *out, struct slice text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = slice_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    for (size_t i = 0; i < text.size; i++)
        buf_append_u8(out, is_space(text.data[i]) ? ' ' : text.data[i]);
}
