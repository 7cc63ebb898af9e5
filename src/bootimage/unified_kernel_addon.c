/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/unified_kernel_addon.h"

#include "base/utf16.h"
#include "bootimage/command_line_section.h"
#include "bootimage/errors.h"
#include "bootimage/unified_kernel.h"

#define CLAUSE "systemd-stub(7)"

/* What an image may hold besides, that would change the boot or make it no add-on. */
static const char *const refused[] = {".linux",   ".initrd", ".ucode", ".dtb",
                                      ".dtbauto", ".efifw",  ".hwids"};

static void measure(struct unified_kernel_addon *addon)
{
    _cleanup_buf_ struct buf wide;
    buf_init(&wide, 2 * UNIFIED_KERNEL_COMMAND_LINE_MAX + 2);
    utf16_from_utf8(&wide, buf_slice(&addon->command_line)); /* it is UTF-8 */
    buf_append_u16_le(&wide, 0);
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
    pe_authenticode(&addon.image, &image);
    *out = addon;
    buf_init(&addon.command_line, 0); /* *out owns it now */
    return true;
}

void unified_kernel_addon_done(struct unified_kernel_addon *addon)
{
    buf_done(&addon->command_line);
}
