/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux' boot loaders and the kernel's EFI stub measured: GRUB (PCR 8), systemd's loader and
 * stub (PCRs 8, 11, 12), the EFI stub (PCR 9), shim (PCR 14). eventlog-facts.md 5.
 *
 * Root of a running system can extend all of these. So a line counts only if every event of its PCR
 * is understood, proven, and no other line. And whoever boots another loader finds the PCRs empty:
 * a baseline of PCR 4 and 7 says which loaders there were, which is the policies' concern.
 */
#include "base/utf16.h"
#include "eventlog/command_line.h"
#include "eventlog/evaluation.h"

struct linux_boot {
    struct evaluation *evaluation;
    const char *void_sentence; /* why there is no command line to be believed; NULL: no reason */
    uint32_t void_event;
    bool has_systemd_line;  /* in PCR 8 or 12 */
    bool has_grub;          /* any event of GRUB's in PCR 8 */
    bool has_grub_line;     /* a kernel's line among them */
    bool has_sections;      /* any event in PCR 11: systemd-stub ran */
    bool has_inner_line;    /* PCR 11: the unified kernel image has a .cmdline of its own */
    bool is_grub_blind;     /* GRUB was told to start something, or to go on, without measuring */
    uint32_t chained_count; /* images that GRUB was told to start */
    uint32_t load_options_count, initrd_count;
};

static void set_void(struct linux_boot *boot, const char *sentence, uint32_t index)
{
    if (boot->void_sentence != NULL)
        return;
    boot->void_sentence = sentence;
    boot->void_event = index;
}

static const char two_lines[] = "two different kernel command lines were measured";

/* Takes line as the boot's, unless another was taken. */
static void take_line(struct linux_boot *boot, enum eventlog_command_line_source source,
                      struct slice line, uint32_t index)
{
    struct eventlog_command_line *out = &boot->evaluation->out->command_line;
    if (out->source != EVENTLOG_COMMAND_LINE_NONE) {
        if (out->source != source || !slice_equal(buf_slice(&out->text), line))
            set_void(boot, two_lines, index);
        return;
    }
    size_t prefix = source == EVENTLOG_COMMAND_LINE_GRUB ? strlen(COMMAND_LINE_GRUB_PREFIX) : 0;
    if (line.size + prefix > COMMAND_LINE_SIZE_MAX)
        set_void(boot, "the kernel command line is longer than kernels read", index);
    else
        buf_append(&out->text, line);
    out->source = source;
    out->event = index;
}

static bool take_prefix(struct slice *rest, struct slice bytes, const char *prefix)
{
    size_t length = strlen(prefix);
    if (bytes.size < length || memcmp(bytes.data, prefix, length) != 0)
        return false;
    *rest = slice_of(bytes.data + length, bytes.size - length);
    return true;
}

static struct slice without_nul(struct slice text)
{
    if (text.size > 0 && text.data[text.size - 1] == 0)
        text.size--;
    return text;
}

/* GRUB's kernel lines begin with the kernel's path (in quotes when it has a space), its commands
 * never do. */
static bool begins_with_path(struct slice text)
{
    return text.size > 0 && (text.data[0] == '/' || text.data[0] == '(' || text.data[0] == '"');
}

/* Cuts the first word off *text. */
static struct slice next_word(struct slice *text)
{
    const uint8_t *space = text->size > 0 ? memchr(text->data, ' ', text->size) : NULL;
    size_t size = space != NULL ? (size_t)(space - text->data) : text->size;
    struct slice word = slice_of(text->data, size);
    *text = space != NULL ? slice_of(space + 1, text->size - size - 1) : SLICE_EMPTY;
    return word;
}

static bool is_one_of(struct slice word, const char *const names[])
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (slice_equals_text(word, names[i]))
            return true;
    return false;
}

/* What a command of GRUB's means for the line: GRUB measures the command itself before it obeys. */
static void read_command(struct linux_boot *boot, struct slice command, uint32_t index)
{
    static const char *const wrappers[] = {"!", "time", NULL};
    static const char *const loaders[] = {"linux", "linuxefi", "linux16", NULL};
    static const char *const blind[] = {
        "rmmod",        "multiboot", "multiboot2",  "legacy_kernel",  "xnu_kernel",
        "xnu_kernel64", "kfreebsd",  "appleloader", "xen_hypervisor", NULL};
    struct slice name = next_word(&command);
    while (is_one_of(name, wrappers))
        name = next_word(&command);
    /* Its line would not begin as lines do, and could pass for a command. */
    if (is_one_of(name, loaders) && !begins_with_path(command))
        set_void(boot, "GRUB loaded a kernel by a name that is no path", index);
    if (is_one_of(name, blind))
        set_void(boot, "GRUB was told to start something without measuring its line", index);
    boot->is_grub_blind |= is_one_of(name, blind);
    boot->chained_count += slice_equals_text(name, "chainloader");
}

static const char unproven[] = "PCR 8 has an event whose digest does not cover its text";

/* GRUB 2.06 and later hash neither the prefix nor the NUL, so a line can be relabelled a command or
 * a module's line. Older ones of Fedora hash commands with their NUL. */
static bool read_grub(struct linux_boot *boot, const struct eventlog_event *event, uint32_t index)
{
    struct slice text;
    bool is_line = take_prefix(&text, event->data, "kernel_cmdline: ") ||
                   take_prefix(&text, event->data, "grub_kernel_cmdline ");
    bool is_module = !is_line && take_prefix(&text, event->data, "module_cmdline: ");
    bool is_command = !is_line && !is_module && take_prefix(&text, event->data, "grub_cmd: ");
    bool is_old_command =
        !is_line && !is_module && !is_command && take_prefix(&text, event->data, "grub_cmd ");
    if (!is_line && !is_module && !is_command && !is_old_command)
        return false;
    boot->has_grub = true;
    boot->has_grub_line |= is_line;
    struct slice hashed = without_nul(text);
    bool is_proven = evaluation_covers(boot->evaluation, event, hashed) ||
                     (is_old_command && evaluation_covers(boot->evaluation, event, text));
    if (!is_proven)
        set_void(boot, unproven, index);
    else if (is_module)
        set_void(boot, "PCR 8 has the line of a module, which may be the kernel's", index);
    else if (is_line && !begins_with_path(hashed))
        set_void(boot, "PCR 8 has a kernel command line without the kernel's path", index);
    else if (!is_line && begins_with_path(hashed))
        set_void(boot, "PCR 8 has a command of GRUB's that looks like a kernel command line",
                 index);
    else if (is_line)
        take_line(boot, EVENTLOG_COMMAND_LINE_GRUB, hashed, index);
    else
        read_command(boot, hashed, index);
    return true;
}

/* UTF-16 with its NUL; old versions of systemd's loader log one byte less than they hash. */
static bool read_systemd_line(struct linux_boot *boot, const struct eventlog_event *event,
                              uint32_t index)
{
    _cleanup_buf_ struct buf whole, text;
    buf_init(&whole, event->data.size + 1);
    buf_init(&text, 2 * event->data.size + 1);
    buf_append(&whole, event->data);
    if (!evaluation_covers(boot->evaluation, event, event->data)) {
        buf_append_u8(&whole, 0);
        if (!evaluation_covers(boot->evaluation, event, buf_slice(&whole)))
            return false;
    }
    if (!utf16_to_utf8(&text, buf_slice(&whole)))
        return false;
    boot->has_systemd_line = true;
    take_line(boot, EVENTLOG_COMMAND_LINE_SYSTEMD, without_nul(buf_slice(&text)), index);
    return true;
}

static void read_pcr8(struct linux_boot *boot, const struct eventlog_event *event, uint32_t index)
{
    if (event->type != EVENTLOG_IPL)
        set_void(boot, "PCR 8 has an event of a type that does not belong there", index);
    else if (!read_grub(boot, event, index) && !read_systemd_line(boot, event, index))
        set_void(boot, unproven, index);
}

/* What the EFI stub measures is opaque here: neither the text nor the label is in the digest. */
static void read_pcr9(struct linux_boot *boot, const struct eventlog_event *event, uint32_t index)
{
    struct eventlog_claims *out = boot->evaluation->out;
    struct reader reader = reader_of(event->data);
    uint32_t id = reader_u32_le(&reader);
    if (event->type != EVENTLOG_TAG)
        return;
    struct eventlog_digest_at at = {eventlog_event_digest(event, out->bank), index};
    if (id == EVENTLOG_TAG_LOAD_OPTIONS) {
        out->load_options = at;
        boot->load_options_count++;
    }
    if (id == EVENTLOG_TAG_INITRD) {
        out->initrd = at;
        boot->initrd_count++;
    }
}

/* Whether the event names a section of a unified kernel image: the digest is that of the ASCII name
 * with its NUL, the data is the name in UTF-16. */
static bool is_section_name(const struct linux_boot *boot, const struct eventlog_event *event,
                            struct buf *name)
{
    buf_reset(name);
    return event->type == EVENTLOG_IPL && utf16_to_utf8(name, event->data) && name->size > 1 &&
           name->data[0] == '.' && evaluation_covers(boot->evaluation, event, buf_slice(name));
}

/* PCR 11: a name, then that section's content, in pairs. */
static void read_pcr11(struct linux_boot *boot)
{
    const struct eventlog *log = boot->evaluation->log;
    _cleanup_buf_ struct buf name;
    buf_init(&name, 32);
    bool is_content = false;
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->pcr != 11 || event->type == EVENTLOG_NO_ACTION)
            continue;
        boot->has_sections = true;
        if (!is_content && !is_section_name(boot, event, &name)) {
            boot->has_inner_line = true; /* it may be what we cannot read */
            return;
        }
        if (!is_content && slice_equal(buf_slice(&name), slice_of(".cmdline", 9)))
            boot->has_inner_line = true;
        is_content = !is_content;
    }
}

static void read_pcr12(struct linux_boot *boot, const struct eventlog_event *event, uint32_t index)
{
    boot->evaluation->out->has_no_additions = false;
    if (event->type != EVENTLOG_IPL || !read_systemd_line(boot, event, index)) {
        set_void(boot, "PCR 12 has an event that is no command line in words", index);
    }
}

/* PCR 14: shim's variables, whose names are not in the digest. */
static void read_pcr14(struct linux_boot *boot, const struct eventlog_event *event, uint32_t index)
{
    bool is_named = slice_equals_text(without_nul(event->data), "MokSBState");
    bool is_one = evaluation_covers(boot->evaluation, event, slice_of("\1", 1));
    if (is_named || is_one)
        evaluation_state(boot->evaluation->out, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_BAD,
                         "shim was told to verify nothing (MokSBState), whatever SecureBoot says",
                         index);
}

static void read_event(struct linux_boot *boot, const struct eventlog_event *event, uint32_t index)
{
    switch (event->pcr) {
    case 8:
        read_pcr8(boot, event, index);
        break;
    case 9:
        read_pcr9(boot, event, index);
        break;
    case 12:
        read_pcr12(boot, event, index);
        break;
    case 13:
        boot->evaluation->out->has_no_additions = false;
        break;
    case 14:
        read_pcr14(boot, event, index);
        break;
    default:
        break;
    }
}

/* The line that the kernel was given, as GRUB and the EFI stub know it. */
static bool load_options_fit(const struct linux_boot *boot)
{
    const struct eventlog_claims *out = boot->evaluation->out;
    struct slice line = buf_slice(&out->command_line.text);
    _cleanup_buf_ struct buf whole;
    buf_init(&whole, COMMAND_LINE_SIZE_MAX + 32);
    if (out->command_line.source == EVENTLOG_COMMAND_LINE_GRUB)
        buf_append_text(&whole, COMMAND_LINE_GRUB_PREFIX);
    buf_append(&whole, line);
    return eventlog_claims_confirm_load_options(out, buf_slice(&whole));
}

/* What contradicts the line that was taken, beside its own PCR. */
static void cross_check(struct linux_boot *boot)
{
    struct eventlog_claims *out = boot->evaluation->out;
    if (boot->load_options_count > 1)
        out->load_options = (struct eventlog_digest_at){.event = EVENTLOG_NO_EVENT};
    if (boot->initrd_count > 1)
        out->initrd = (struct eventlog_digest_at){.event = EVENTLOG_NO_EVENT};
    if (boot->has_grub && boot->has_systemd_line)
        set_void(boot, two_lines, EVENTLOG_NO_EVENT);
    /* An image that GRUB started may be a kernel, whose line GRUB measures only as a command. And
     * where systemd-stub ran, a running system may have measured GRUB's line of another kernel. */
    bool is_beside = boot->has_grub_line && (boot->chained_count > 0 || boot->has_sections);
    if (is_beside)
        set_void(boot, "an image was started beside GRUB's kernel, which may have another line",
                 EVENTLOG_NO_EVENT);
    out->has_other_start =
        boot->is_grub_blind || boot->chained_count > 1 || is_beside || boot->load_options_count > 1;
    if (out->command_line.source == EVENTLOG_COMMAND_LINE_NONE)
        return;
    if (boot->load_options_count > 1)
        set_void(boot, "the kernel's EFI stub was started twice", EVENTLOG_NO_EVENT);
    /* The stub, started without a line, measures none: a running system could do it instead. */
    else if (boot->load_options_count == 0 && boot->has_sections && !boot->has_inner_line)
        set_void(boot, "the kernel's EFI stub does not confirm the line that PCR 12 has",
                 EVENTLOG_NO_EVENT);
    else if (boot->load_options_count == 1 && !boot->has_inner_line && !load_options_fit(boot))
        set_void(boot, "the kernel's EFI stub was given another command line",
                 out->load_options.event);
}

/* A line in PCR 12 only adds to the one that a unified kernel image carries. */
static void conclude(struct linux_boot *boot)
{
    struct eventlog_claims *out = boot->evaluation->out;
    struct eventlog_command_line *line = &out->command_line;
    if (boot->void_sentence != NULL) {
        line->source = EVENTLOG_COMMAND_LINE_CONTRADICTED;
    } else if (line->source == EVENTLOG_COMMAND_LINE_SYSTEMD && boot->has_inner_line) {
        line->source = EVENTLOG_COMMAND_LINE_NONE;
    }
    if (line->source == EVENTLOG_COMMAND_LINE_GRUB ||
        line->source == EVENTLOG_COMMAND_LINE_SYSTEMD) {
        evaluation_state(out, EVENTLOG_CLAIM_COMMAND_LINE, EVENTLOG_GOOD,
                         "one kernel command line was measured", line->event);
        return;
    }
    buf_reset(&line->text);
    line->event = EVENTLOG_NO_EVENT;
    if (boot->void_sentence != NULL)
        evaluation_void(out, EVENTLOG_CLAIM_COMMAND_LINE, boot->void_sentence, boot->void_event);
}

void linux_evaluate(struct evaluation *evaluation)
{
    struct linux_boot boot = {.evaluation = evaluation, .void_event = EVENTLOG_NO_EVENT};
    struct eventlog_claims *out = evaluation->out;
    out->has_no_additions = true;
    out->load_options.event = out->initrd.event = EVENTLOG_NO_EVENT;
    for (uint32_t i = 0; i < evaluation->log->event_count; i++)
        if (evaluation->log->events[i].type != EVENTLOG_NO_ACTION)
            read_event(&boot, &evaluation->log->events[i], i);
    read_pcr11(&boot);
    cross_check(&boot);
    conclude(&boot);
    if (out->claims[EVENTLOG_CLAIM_COMMAND_LINE].value != EVENTLOG_GOOD)
        command_line_unknown(out, out->claims[EVENTLOG_CLAIM_COMMAND_LINE].sentence);
    else if (out->claims[EVENTLOG_CLAIM_SECURE_BOOT].value != EVENTLOG_GOOD)
        command_line_unknown(out, "Secure Boot is not proven, so whatever loaded the kernel may "
                                  "have measured any command line");
    else
        command_line_evaluate(out, buf_slice(&out->command_line.text), &out->command_line.event, 1);
}
