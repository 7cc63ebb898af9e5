/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/code_integrity.h"

#include "base/utf8.h"
#include "policy/errors.h"

#define IMA_FILE_MAX (1u << 20)
#define BOOT_IMAGE "BOOT_IMAGE=" /* what GRUB puts before the kernel's path for the kernel */

bool code_integrity_take_windows(struct policy_ci *out, struct slice file, const char *name,
                                 struct error *err)
{
    struct windows_policy windows;
    if (name != NULL && windows_policy_is_driver_block_list(name))
        return error_set(err, &policy_ci_driver_list, NULL, name,
                         "it lists what is blocked, and allows everything else");
    if (!windows_policy_parse(&windows, file, err))
        return false;
    *out = (struct policy_ci){.form = POLICY_CI_WINDOWS, .windows = windows};
    return true;
}

bool code_integrity_take_unified(struct policy_ci *out, struct slice image, struct error *err)
{
    struct unified_kernel unified;
    if (!unified_kernel_parse(&unified, image, err))
        return false;
    *out = (struct policy_ci){.form = POLICY_CI_UNIFIED_KERNEL, .unified = unified};
    return true;
}

bool code_integrity_allow_addon(struct policy_ci *ci, struct slice addon, struct error *err)
{
    if (ci->form != POLICY_CI_UNIFIED_KERNEL)
        return error_set(err, &policy_ci_additions, NULL, NULL,
                         "only a unified kernel image has add-ons");
    if (ci->addition_count == CODE_INTEGRITY_ADDITIONS_MAX)
        return error_set(err, &policy_ci_additions, NULL, NULL, "it has %d already",
                         CODE_INTEGRITY_ADDITIONS_MAX);
    if (!unified_kernel_addon_parse(&ci->additions[ci->addition_count], addon, err))
        return false;
    ci->addition_count++;
    return true;
}

/* One line of text, without what GRUB puts in front and without white space at the ends. */
static bool clean_line(struct buf *out, const char *line, struct error *err)
{
    struct slice text = slice_from_text(line);
    if (text.size >= strlen(BOOT_IMAGE) && memcmp(text.data, BOOT_IMAGE, strlen(BOOT_IMAGE)) == 0)
        text = slice_from_text(line + strlen(BOOT_IMAGE));
    while (text.size > 0 && strchr(" \t\n", text.data[text.size - 1]) != NULL)
        text.size--;
    while (text.size > 0 && strchr(" \t", text.data[0]) != NULL)
        text = slice_of(text.data + 1, text.size - 1);
    if (text.size == 0 || text.size > UNIFIED_KERNEL_COMMAND_LINE_MAX)
        return error_set(err, &policy_ci_command_line, NULL, NULL, "it has %zu bytes", text.size);
    if (utf8_valid(text) != text.size || memchr(text.data, '\n', text.size) != NULL)
        return error_set(err, &policy_ci_command_line, NULL, NULL, "it is not one line of UTF-8");
    buf_append(out, text);
    return true;
}

bool code_integrity_take_kernel(struct policy_ci *out, struct slice kernel,
                                const char *command_line, struct error *err)
{
    struct policy_ci_kernel taken = {0};
    struct pe_image image;
    buf_init(&taken.command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX + 1);
    if (kernel.size == 0)
        return error_set(err, &policy_ci_kernel, NULL, NULL, "it is empty");
    if (!clean_line(&taken.command_line, command_line, err))
        return false;
    digests_compute(&taken.file, &kernel, 1);
    taken.has_image = pe_parse(&image, kernel, NULL);
    if (taken.has_image)
        pe_authenticode(&taken.image, &image);
    *out = (struct policy_ci){.form = POLICY_CI_KERNEL, .kernel = taken};
    return true;
}

bool code_integrity_take_ima(struct policy_ci *out, struct slice file, struct error *err)
{
    struct digests digests;
    if (file.size == 0 || file.size > IMA_FILE_MAX)
        return error_set(err, &policy_ci_ima, NULL, NULL, "it has %zu bytes", file.size);
    digests_compute(&digests, &file, 1);
    *out = (struct policy_ci){.form = POLICY_CI_IMA, .ima = digests};
    return true;
}

void code_integrity_done(struct policy_ci *ci)
{
    if (ci->form == POLICY_CI_UNIFIED_KERNEL)
        unified_kernel_done(&ci->unified);
    else if (ci->form == POLICY_CI_KERNEL)
        buf_done(&ci->kernel.command_line);
    for (size_t i = 0; i < ci->addition_count; i++)
        unified_kernel_addon_done(&ci->additions[i]);
    ci->addition_count = 0;
}
