/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf16.h"
#include "crypto/certificate.h"
#include "eventlog/event_type.h"
#include "eventlog/sipa.h"
#include "eventlog/variable.h"

#define SHOWN_DIGEST_BYTES 8
#define DEVICE_PATH_MEDIA 4
#define DEVICE_PATH_FILE 4

/* Settings of Windows that people know by name. */
static const struct {
    uint32_t id;
    const char *name;
} windows_settings[] = {
    {SIPA_TRANSFER_CONTROL, "transfer control"},
    {SIPA_BITLOCKER_UNLOCK, "BitLocker unlock"},
    {SIPA_BOOT_DEBUGGING, "boot debugging"},
    {SIPA_OS_KERNEL_DEBUG, "kernel debugging"},
    {SIPA_HYPERVISOR_DEBUG, "hypervisor debugging"},
    {SIPA_CODE_INTEGRITY, "code integrity"},
    {SIPA_TEST_SIGNING, "test signing"},
    {SIPA_SAFE_MODE, "safe mode"},
    {SIPA_WINPE, "Windows PE"},
    {SIPA_HYPERVISOR_LAUNCH_TYPE, "hypervisor launch"},
    {SIPA_VSM_LAUNCH_TYPE, "VSM launch"},
    {SIPA_VBS_IOMMU_REQUIRED, "IOMMU required"},
    {SIPA_VBS_HVCI_POLICY, "HVCI policy"},
    {SIPA_PAGEFILE_ENCRYPTION, "page file encryption"},
    {SIPA_HIBERNATION_DISABLED, "hibernation disabled"},
    {SIPA_DUMPS_DISABLED, "dumps disabled"},
    {SIPA_DUMP_ENCRYPTION, "dump encryption"},
    {SIPA_FIRMWARE_FAILURE, "firmware failure"},
    {SIPA_INTERNAL_FAILURE, "internal failure"},
    {SIPA_HYPERVISOR_FAILURE, "hypervisor failure"},
};

struct words {
    char *text; /* EVENTLOG_WORDS_SIZE bytes */
    size_t size;
    const struct eventlog_event *event;
    enum digest_algorithm bank;
    bool is_proven; /* the event's data */
};

/* Appends, cut at the end of the room; what is not printable becomes a question mark. */
__attribute__((format(printf, 2, 3))) static void say(struct words *words, const char *format, ...)
{
    size_t room = EVENTLOG_WORDS_SIZE - words->size;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(words->text + words->size, room, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    for (size_t i = words->size; words->text[i] != '\0'; i++)
        if (words->text[i] < 0x20 || words->text[i] > 0x7E)
            words->text[i] = '?';
    words->size += (size_t)length < room ? (size_t)length : room - 1;
}

static void say_bytes(struct words *words, struct slice text)
{
    while (text.size > 0 && text.data[text.size - 1] == 0)
        text.size--;
    for (size_t i = 0; i < text.size && words->size < EVENTLOG_WORDS_SIZE - 1; i++)
        say(words, "%c", text.data[i] == 0 ? '?' : text.data[i]);
}

static void say_wide(struct words *words, struct slice wide)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, 2 * wide.size + 1);
    if (utf16_to_utf8(&text, wide))
        say_bytes(words, buf_slice(&text));
    else
        say(words, "?");
}

static void say_digest(struct words *words)
{
    struct slice digest = eventlog_event_digest(words->event, words->bank);
    if (digest.size == 0) {
        say(words, ", without a digest of %s", digest_name(words->bank));
        return;
    }
    say(words, ", %s ", digest_name(words->bank));
    for (size_t i = 0; i < SHOWN_DIGEST_BYTES; i++)
        say(words, "%02x", digest.data[i]);
    say(words, "...");
}

static void say_hint(struct words *words)
{
    if (!words->is_proven)
        say(words, "claims to be ");
}

/* The type's words and the digest: for what is not in words itself. */
static void say_type(struct words *words)
{
    const char *subject = eventlog_type_words(words->event->type);
    if (subject != NULL)
        say(words, "%s", subject);
    else
        say(words, "an event of type 0x%08" PRIx32, words->event->type);
    say_digest(words);
}

static void say_separator(struct words *words)
{
    struct slice data = words->event->data;
    say_hint(words);
    if (slice_equal(data, slice_of("\0\0\0\0", 4)))
        say(words, "separator");
    else if (slice_equals_text(data, "WBCL"))
        say(words, "Windows closed this PCR");
    else
        say(words, "separator by which firmware reports an error");
}

static void say_text(struct words *words)
{
    say_hint(words);
    say(words, "\"");
    say_bytes(words, words->event->data);
    say(words, "\"");
}

/* The certificate's subject, of an EFI_SIGNATURE_DATA. */
static void say_certificate(struct words *words, struct slice data)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    struct reader reader = reader_of(data);
    reader_bytes(&reader, sizeof(struct guid));
    if (!reader.failed && certificate_parse(&certificate, reader.rest, NULL))
        say(words, ": %s", certificate_facts(certificate)->subject_text);
}

static void say_variable(struct words *words)
{
    struct uefi_variable variable;
    struct slice data = words->event->data;
    bool is_authority = words->event->type == EVENTLOG_EFI_VARIABLE_AUTHORITY;
    if (is_authority && !words->is_proven && data.size > 0)
        data.size -= !uefi_variable_parse(&variable, data); /* the odd byte of old shims */
    if (!uefi_variable_parse_padded(&variable, data)) {
        say_type(words);
        return;
    }
    say_hint(words);
    if (uefi_variable_is(&variable, &uefi_global_variable, "SecureBoot")) {
        bool is_on = variable.data.size == 1 && variable.data.data[0] == 1;
        say(words, "Secure Boot %s", is_on ? "on" : "off");
        return;
    }
    say(words, is_authority ? "verified by " : "variable ");
    say_wide(words, variable.name);
    if (is_authority)
        say_certificate(words, variable.data);
    else
        say(words, ", %zu bytes", variable.data.size);
    say_digest(words);
}

/* The path in a UEFI_IMAGE_LOAD_EVENT's device path, which nothing proves. */
static void say_path(struct words *words)
{
    struct reader reader = reader_of(words->event->data);
    reader_bytes(&reader, 3 * 8);
    struct reader nodes = reader_of(reader_bytes(&reader, (size_t)reader_u64_le(&reader)));
    while (nodes.rest.size > 0 && !nodes.failed) {
        uint8_t type = reader_u8(&nodes), subtype = reader_u8(&nodes);
        uint16_t size = reader_u16_le(&nodes);
        struct slice content = reader_bytes(&nodes, size < 4 ? SIZE_MAX : size - 4u);
        if (nodes.failed || type != DEVICE_PATH_MEDIA || subtype != DEVICE_PATH_FILE)
            continue;
        say(words, ", claims to be ");
        say_wide(words, content);
    }
}

static void say_image(struct words *words)
{
    say_type(words);
    say_path(words);
}

/* GRUB hashes neither the prefix of its text ("grub_cmd: ") nor the NUL behind it. */
static bool is_text_of_grub(const struct words *words)
{
    struct slice data = words->event->data;
    const uint8_t *space = memchr(data.data, ' ', data.size);
    if (space == NULL)
        return false;
    struct slice text = slice_of(space + 1, data.size - (size_t)(space + 1 - data.data));
    if (eventlog_event_covers(words->event, words->bank, text))
        return true;
    text.size -= text.size > 0 && text.data[text.size - 1] == 0;
    return eventlog_event_covers(words->event, words->bank, text);
}

/* GRUB's text in PCR 8, systemd's in the others, in which the digest need not be of the text. */
static void say_loader(struct words *words)
{
    struct slice data = words->event->data;
    bool is_wide = data.size >= 2 && data.size % 2 == 0 && data.data[1] == 0;
    if (data.size == 0) {
        say_type(words);
        return;
    }
    switch (words->event->pcr) {
    case 8:
        words->is_proven |= is_text_of_grub(words);
        say(words, words->is_proven ? "boot loader: " : "boot loader, claims to be: ");
        break;
    case 9:
        say(words, "file, claims to be ");
        break;
    case 11:
        say(words, "section, claims to be ");
        break;
    case 12:
        say_hint(words);
        say(words, "kernel command line: ");
        break;
    default:
        say(words, "claims to be ");
        break;
    }
    if (is_wide)
        say_wide(words, data);
    else
        say_bytes(words, data);
    if (words->event->pcr != 8 && !words->is_proven)
        say_digest(words);
}

static void say_setting(void *context, uint32_t id, struct slice payload)
{
    struct words *words = context;
    uint64_t number;
    for (size_t i = 0; i < sizeof windows_settings / sizeof windows_settings[0]; i++)
        if (windows_settings[i].id == id && sipa_number(&number, payload))
            say(words, ", %s %" PRIu64, windows_settings[i].name, number);
    struct sipa_si_policy policy;
    if (id == SIPA_SI_POLICY && sipa_si_policy_parse(&policy, payload)) {
        say(words, ", policy ");
        say_wide(words, policy.name);
    }
    if (id == SIPA_VSM_IDK_INFO)
        say(words, ", VSM identity key");
}

static void say_tag(struct words *words)
{
    struct reader reader = reader_of(words->event->data);
    uint32_t id = reader_u32_le(&reader);
    if (id == EVENTLOG_TAG_LOAD_OPTIONS || id == EVENTLOG_TAG_INITRD) {
        say(words, "the kernel's %s", id == EVENTLOG_TAG_INITRD ? "initrd" : "command line");
        say_digest(words);
    } else if (words->event->pcr >= 12 && words->event->pcr <= 14 && words->is_proven) {
        say(words, words->event->pcr == 13 ? "Windows' modules" : "Windows' settings");
        say_digest(words);
        sipa_walk(words->event->data, say_setting, words);
    } else {
        say_type(words);
        say(words, ", tag 0x%08" PRIx32, id);
    }
}

static void say_note(struct words *words)
{
    struct slice data = words->event->data;
    say(words, "note, not measured: ");
    say_bytes(words, slice_of(data.data, data.size < 16 ? data.size : 16));
    if (data.size == 17 && memcmp(data.data, "StartupLocality", 16) == 0)
        say(words, " %u", data.data[16]);
}

static void say_event(struct words *words)
{
    switch (words->event->type) {
    case EVENTLOG_NO_ACTION:
        say_note(words);
        break;
    case EVENTLOG_SEPARATOR:
        say_separator(words);
        break;
    case EVENTLOG_ACTION:
    case EVENTLOG_EFI_ACTION:
    case EVENTLOG_OMIT_BOOT_DEVICE_EVENTS:
        say_text(words);
        break;
    case EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG:
    case EVENTLOG_EFI_VARIABLE_BOOT:
    case EVENTLOG_EFI_VARIABLE_BOOT2:
    case EVENTLOG_EFI_VARIABLE_AUTHORITY:
    case EVENTLOG_EFI_SPDM_DEVICE_POLICY:
    case EVENTLOG_EFI_SPDM_DEVICE_AUTHORITY:
        say_variable(words);
        break;
    case EVENTLOG_EFI_BOOT_SERVICES_APPLICATION:
    case EVENTLOG_EFI_BOOT_SERVICES_DRIVER:
    case EVENTLOG_EFI_RUNTIME_SERVICES_DRIVER:
        say_image(words);
        break;
    case EVENTLOG_IPL:
        say_loader(words);
        break;
    case EVENTLOG_TAG:
        say_tag(words);
        break;
    default:
        say_type(words);
        break;
    }
}

char *eventlog_words(char text[EVENTLOG_WORDS_SIZE], const struct eventlog *log, uint32_t index,
                     enum digest_algorithm algorithm)
{
    const struct eventlog_event *event = &log->events[index];
    struct words words = {.text = text,
                          .event = event,
                          .bank = algorithm,
                          .is_proven = eventlog_event_is_proven(event, algorithm)};
    text[0] = '\0';
    say_event(&words);
    return text;
}
