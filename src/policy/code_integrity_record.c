/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/code_integrity_record.h"

#include "base/utf8.h"
#include "policy/errors.h"

#include <stdio.h>

static const char *const form_names[] = {"windows", "unified-kernel", "kernel", "ima"};
#define FORM_COUNT (sizeof form_names / sizeof form_names[0])
#define STUB_VERSION_MAX 100000

const char *code_integrity_form_name(enum policy_ci_form form)
{
    return form_names[form];
}

static void write_windows(struct json_writer *writer, const struct windows_policy *windows)
{
    json_write_array(writer, "candidates");
    for (size_t i = 0; i < windows->candidate_count; i++)
        digests_write(writer, NULL, &windows->candidates[i]);
    json_write_array_end(writer);
}

static void write_unified(struct json_writer *writer, const struct unified_kernel *unified)
{
    digests_write(writer, "image", &unified->image);
    if (unified->has_kernel)
        digests_write(writer, "kernel", &unified->kernel);
    json_write_integer(writer, "stub_version", unified->stub_version);
    json_write_array(writer, "sections");
    for (size_t i = 0; i < unified->section_count; i++) {
        json_write_object(writer, NULL);
        json_write_text(writer, "name", unified->sections[i].name);
        digests_write(writer, "contents", &unified->sections[i].contents);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_slice(writer, "command_line", buf_slice(&unified->command_line));
}

static void write_kernel(struct json_writer *writer, const struct policy_ci_kernel *kernel)
{
    digests_write(writer, "file", &kernel->file);
    if (kernel->has_image)
        digests_write(writer, "image", &kernel->image);
    json_write_slice(writer, "command_line", buf_slice(&kernel->command_line));
}

static void write_additions(struct json_writer *writer, const struct policy_ci *ci)
{
    json_write_array(writer, "additions");
    for (size_t i = 0; i < ci->addition_count; i++) {
        json_write_object(writer, NULL);
        json_write_slice(writer, "command_line", buf_slice(&ci->additions[i].command_line));
        digests_write(writer, "measured", &ci->additions[i].measured);
        digests_write(writer, "image", &ci->additions[i].image);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

void code_integrity_write(struct json_writer *writer, const char *name, const struct policy_ci *ci)
{
    json_write_object(writer, name);
    json_write_text(writer, "form", code_integrity_form_name(ci->form));
    switch (ci->form) {
    case POLICY_CI_WINDOWS:
        write_windows(writer, &ci->windows);
        break;
    case POLICY_CI_UNIFIED_KERNEL:
        write_unified(writer, &ci->unified);
        write_additions(writer, ci);
        break;
    case POLICY_CI_KERNEL:
        write_kernel(writer, &ci->kernel);
        break;
    case POLICY_CI_IMA:
        digests_write(writer, "file", &ci->ima);
        break;
    }
    json_write_object_end(writer);
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &policy_record_malformed, NULL, "ci", "%s", what);
}

static bool read_line(struct buf *out, const struct json *object, struct error *err)
{
    const char *text;
    if (!json_get_text(&text, object, "command_line", err))
        return false;
    if (strlen(text) > UNIFIED_KERNEL_COMMAND_LINE_MAX)
        return malformed(err, "its command line is too long");
    buf_append_text(out, text);
    return true;
}

/* Digests that need not be there. */
static bool read_optional(struct digests *out, bool *has, const struct json *object,
                          const char *name, struct error *err)
{
    *has = json_get(object, name) != NULL;
    return !*has || digests_read(out, object, name, err);
}

static bool read_candidates(struct windows_policy *out, const struct json *object,
                            struct error *err)
{
    const struct json *list;
    if (!json_get_array(&list, object, "candidates", err))
        return false;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (out->candidate_count == WINDOWS_POLICY_CANDIDATES)
            return malformed(err, "it has too many candidates");
        if (!digests_read_object(&out->candidates[out->candidate_count], item, err))
            return false;
        out->candidate_count++;
    }
    return out->candidate_count > 0 || malformed(err, "it has no candidate");
}

static bool read_section(struct unified_kernel_section *out, const struct json *item,
                         struct error *err)
{
    const char *name;
    if (!json_get_text(&name, item, "name", err) ||
        !digests_read(&out->contents, item, "contents", err))
        return false;
    if (strlen(name) >= sizeof out->name)
        return malformed(err, "a section's name is too long");
    snprintf(out->name, sizeof out->name, "%s", name);
    return true;
}

static bool read_sections(struct unified_kernel *out, const struct json *object, struct error *err)
{
    const struct json *list;
    if (!json_get_array(&list, object, "sections", err))
        return false;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (out->section_count == UNIFIED_KERNEL_SECTIONS_MAX)
            return malformed(err, "it has too many sections");
        if (!read_section(&out->sections[out->section_count], item, err))
            return false;
        out->section_count++;
    }
    return out->section_count > 0 || malformed(err, "it has no section");
}

static bool read_unified(struct unified_kernel *out, const struct json *object, struct error *err)
{
    int64_t version;
    if (!digests_read(&out->image, object, "image", err) ||
        !read_optional(&out->kernel, &out->has_kernel, object, "kernel", err) ||
        !json_get_integer(&version, object, "stub_version", err) ||
        !read_sections(out, object, err) || !read_line(&out->command_line, object, err))
        return false;
    if (version < 0 || version > STUB_VERSION_MAX)
        return malformed(err, "its stub has no such version");
    out->stub_version = (uint32_t)version;
    return true;
}

static bool read_additions(struct policy_ci *out, const struct json *object, struct error *err)
{
    const struct json *list;
    if (!json_get_array(&list, object, "additions", err))
        return false;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (out->addition_count == CODE_INTEGRITY_ADDITIONS_MAX)
            return malformed(err, "it has too many additions");
        struct unified_kernel_addon *addon = &out->additions[out->addition_count++];
        buf_init(&addon->command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX);
        if (!read_line(&addon->command_line, item, err) ||
            !digests_read(&addon->measured, item, "measured", err) ||
            !digests_read(&addon->image, item, "image", err))
            return false;
    }
    return true;
}

static bool read_kernel(struct policy_ci_kernel *out, const struct json *object, struct error *err)
{
    if (!digests_read(&out->file, object, "file", err) ||
        !read_optional(&out->image, &out->has_image, object, "image", err) ||
        !read_line(&out->command_line, object, err))
        return false;
    return out->command_line.size > 0 || malformed(err, "its command line is empty");
}

static bool read_form(struct policy_ci *out, const struct json *object, struct error *err)
{
    switch (out->form) {
    case POLICY_CI_WINDOWS:
        return read_candidates(&out->windows, object, err);
    case POLICY_CI_UNIFIED_KERNEL:
        buf_init(&out->unified.command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX + 1);
        return read_unified(&out->unified, object, err) && read_additions(out, object, err);
    case POLICY_CI_KERNEL:
        buf_init(&out->kernel.command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX + 1);
        return read_kernel(&out->kernel, object, err);
    case POLICY_CI_IMA:
        return digests_read(&out->ima, object, "file", err);
    }
    return malformed(err, "its form is none");
}

bool code_integrity_read(struct policy_ci *out, const struct json *object, struct error *err)
{
    const char *word;
    struct policy_ci ci = {0};
    size_t form = 0;
    if (!json_get_text(&word, object, "form", err))
        return false;
    while (form < FORM_COUNT && strcmp(form_names[form], word) != 0)
        form++;
    if (form == FORM_COUNT)
        return malformed(err, "its form is none");
    ci.form = (enum policy_ci_form)form;
    if (!read_form(&ci, object, err)) {
        code_integrity_done(&ci);
        return false;
    }
    *out = ci;
    return true;
}
