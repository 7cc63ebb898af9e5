/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/code_integrity.h"

#include "base/utf8.h"
#include "eventlog/command_line.h"
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

static const struct {
    const char *strength, *evidence;
} forms[] = {
    [POLICY_CI_WINDOWS] = {"strong",
                           "the digest of the policy file, measured by Windows' loader (PCR 13)"},
    [POLICY_CI_UNIFIED_KERNEL] = {"strong",
                                  "the digests of the image (PCR 4) and of its sections (PCR 11), "
                                  "with nothing added (PCRs 12 and 13)"},
    [POLICY_CI_KERNEL] =
        {"good", "the digest of the kernel (PCR 4, or of its file in PCR 9) and its command "
                 "line (PCR 8 or 12); the initrd only as far as a baseline has PCR 9"},
    [POLICY_CI_IMA] =
        {"medium", "the digest of the policy's file, measured by IMA (PCR 10); not that no other "
                   "policy followed"},
};

bool code_integrity_names_image(const struct policy_ci *ci, enum digest_algorithm bank,
                                struct slice digest)
{
    const struct unified_kernel *unified = &ci->unified;
    if (ci->form == POLICY_CI_KERNEL)
        return ci->kernel.has_image && slice_equal(digests_get(&ci->kernel.image, bank), digest);
    if (ci->form != POLICY_CI_UNIFIED_KERNEL)
        return false;
    for (size_t i = 0; i < ci->addition_count; i++) {
        if (slice_equal(digests_get(&ci->additions[i].image, bank), digest))
            return true;
    }
    return slice_equal(digests_get(&unified->image, bank), digest) ||
           (unified->has_kernel && slice_equal(digests_get(&unified->kernel, bank), digest));
}

const char *code_integrity_strength(enum policy_ci_form form)
{
    return forms[form].strength;
}

const char *code_integrity_evidence(enum policy_ci_form form)
{
    return forms[form].evidence;
}

/* Whether the command line has the kernel look at what it runs, by what it proves or as it asks for
 * a root file system whose every block is verified. */
static bool is_guarded(struct slice line)
{
    static const char *const verified_root[] = {"roothash=", "root_hexdigest=", " verity "};
    struct eventlog_claims claims = {.profile = EVENTLOG_PROFILE_LINUX};
    for (size_t i = 0; i < sizeof verified_root / sizeof verified_root[0]; i++) {
        if (line.size > 0 &&
            memmem(line.data, line.size, verified_root[i], strlen(verified_root[i])) != NULL)
            return true;
    }
    command_line_evaluate(&claims, line, NULL, 0);
    return claims.claims[EVENTLOG_CLAIM_LOCKDOWN].value == EVENTLOG_GOOD ||
           claims.claims[EVENTLOG_CLAIM_MODULE_SIGNATURES].value == EVENTLOG_GOOD ||
           claims.claims[EVENTLOG_CLAIM_IMA_APPRAISE].value == EVENTLOG_GOOD;
}

const char *code_integrity_warning(const struct policy_ci *ci)
{
    struct slice line = SLICE_EMPTY;
    if (ci->form == POLICY_CI_UNIFIED_KERNEL)
        line = buf_slice(&ci->unified.command_line);
    else if (ci->form == POLICY_CI_KERNEL)
        line = buf_slice(&ci->kernel.command_line);
    else
        return NULL;
    if (is_guarded(line))
        return NULL;
    return "the command line asks for neither lockdown, signed modules (module.sig_enforce=1), IMA "
           "appraisal nor a verified root, so root of such a host can run any code";
}
