/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/unified_kernel_addon.h"

#include "base/utf8.h"
#include "bootimage/command_line_section.h"
#include "bootimage/errors.h"
#include "bootimage/unified_kernel.h"

#define CLAUSE "systemd-stub(7)"

/* What an image may hold besides, that would change the boot or make it no add-on. */
static const char *const refused[] = {".linux",   ".initrd", ".ucode", ".dtb",
                                      ".dtbauto", ".efifw",  ".hwids"};

static uint32_t decode(const uint8_t *bytes, size_t length)
{
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t character = bytes[0] & first_bits[length];
    for (size_t i = 1; i < length; i++)
        character = character << 6 | (bytes[i] & 0x3f);
    return character;
}

/* Valid UTF-8 as UTF-16LE, with a NUL. */
static void append_utf16(struct buf *out, struct slice text)
{
    for (size_t length; text.size > 0; text = slice_of(text.data + length, text.size - length)) {
        length = utf8_length(text);
        uint32_t character = decode(text.data, length);
        if (character >= 0x10000) {
            buf_append_u16_le(out, (uint16_t)(0xd800 + ((character - 0x10000) >> 10)));
            character = 0xdc00 + ((character - 0x10000) & 0x3ff);
        }
        buf_append_u16_le(out, (uint16_t)character);
    }
    buf_append_u16_le(out, 0);
}

static void measure(struct unified_kernel_addon *addon)
{
    _cleanup_buf_ struct buf wide;
    buf_init(&wide, 2 * UNIFIED_KERNEL_COMMAND_LINE_MAX + 2);
    append_utf16(&wide, buf_slice(&addon->command_line));
    struct slice bytes = buf_slice(&wide);
    digests_compute(&addon->measured, &bytes, 1);
}

static bool read_text(struct buf *out, const struct pe_section *section, struct error *err)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, UNIFIED_KERNEL_COMMAND_LINE_MAX);
    if (section->virtual_size > section->raw.size)
        return error_set(err, &bootimage_not_addon, CLAUSE, ".cmdline",
                         "it is longer in memory than in the file");
    if (!command_line_section(&text, slice_of(section->raw.data, section->virtual_size), err))
        return false;
    command_line_section_clean(out, buf_slice(&text));
    if (out->size == 0)
        return error_set(err, &bootimage_not_addon, CLAUSE, ".cmdline", "it is empty");
    return true;
}

bool unified_kernel_addon_parse(struct unified_kernel_addon *out, struct slice bytes,
                                struct error *err)
{
    struct pe_image image;
    if (!pe_parse(&image, bytes, err))
        return false;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (pe_find_section(&image, refused[i]) != NULL)
            return error_set(err, &bootimage_not_addon, CLAUSE, refused[i],
                             "it has a section of that name");
    }
    const struct pe_section *section = pe_find_section(&image, ".cmdline");
    if (section == NULL)
        return error_set(err, &bootimage_not_addon, CLAUSE, NULL, "it has no section .cmdline");
    _cleanup_unified_kernel_addon_ struct unified_kernel_addon addon = {0};
    buf_init(&addon.command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX);
    if (!read_text(&addon.command_line, section, err))
        return false;
    measure(&addon);
    *out = addon;
    buf_init(&addon.command_line, 0); /* *out owns it now */
    return true;
}

void unified_kernel_addon_done(struct unified_kernel_addon *addon)
{
    buf_done(&addon->command_line);
}
