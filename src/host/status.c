/* SPDX-License-Identifier: Apache-2.0 */
#include "host/status.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "host/errors.h"
#include "host/identity.h"
#include "policy/builtin.h"

#define STATUS_FILE "status.json"
#define STATUS_SIZE_MAX 4096

static const char *const names[] = {
    [HOST_STATUS_UNKNOWN] = "Unknown",
    [HOST_STATUS_PASSED] = "Passed",
    [HOST_STATUS_EXPIRED] = "Expired",
    [HOST_STATUS_NOT_CONFIGURED] = "NotConfigured",
    [HOST_STATUS_TRANSIENT_ERROR] = "TransientError",
    [HOST_STATUS_UNAUTHORIZED_HOST] = "UnauthorizedHost",
    [HOST_STATUS_TPM_ERROR] = "TpmError",
    [HOST_STATUS_INSECURE_HOST_CONFIGURATION] = "InsecureHostConfiguration",
};
#define STATUS_COUNT (sizeof names / sizeof names[0])

/* The word that Windows shows for each policy (ours for those that Windows does not have), and what
 * makes it pass. The last one is of no policy. */
static const struct {
    enum builtin_policy policy;
    const char *word;
    const char *next;
} substatuses[] = {
    {BUILTIN_SECURE_BOOT_ENABLED, "SecureBoot",
     "switch Secure Boot on in the firmware's setup, and start anew"},
    {BUILTIN_SECURE_BOOT_SETTINGS, "SecureBootSettings",
     "after an update of firmware or Secure Boot keys, have this start approved (hgsctl pending "
     "show HOST) or its baseline added (hgs host baseline, hgsctl policy add)"},
    {BUILTIN_UEFI_DEBUG_DISABLED, "DebugModeUefi",
     "switch the debuggers of firmware and kernel off"},
    {BUILTIN_CI_POLICY, "CodeIntegrityPolicy",
     "start an image that the service knows, or have this one added (hgsctl policy add --ci)"},
    {BUILTIN_FULL_BOOT, "FullBoot", "start the machine anew instead of resuming it"},
    {BUILTIN_VSM_IDK_PRESENT, "VirtualSecureMode", "enable virtualization based security"},
    {BUILTIN_VSM_RUNNING, "VirtualSecureMode", "enable virtualization based security"},
    {BUILTIN_IOMMU_ENABLED, "Iommu",
     "switch the IOMMU on in the firmware's setup and on the command line (intel_iommu=on, "
     "amd_iommu=force_enable)"},
    {BUILTIN_BITLOCKER_ENABLED, "BitLocker", "encrypt the system volume"},
    {BUILTIN_PAGEFILE_ENCRYPTION, "PagefileEncryption", "encrypt the page file"},
    {BUILTIN_HYPERVISOR_ENFORCED_CI, "HypervisorEnforcedCodeIntegrityPolicy",
     "have the hypervisor enforce code integrity"},
    {BUILTIN_NO_HIBERNATION, "HibernationEnabled",
     "disable hibernation (nohibernate on the command line)"},
    {BUILTIN_NO_DUMPS, "DumpsEnabled", "disable crash dumps (no crashkernel= on the command line)"},
    {BUILTIN_DUMP_ENCRYPTION, "DumpEncryption", "encrypt crash dumps"},
    {BUILTIN_DUMP_ENCRYPTION_KEY, "DumpEncryptionKey",
     "encrypt crash dumps with a key that the service knows (hgsctl policy add --dump)"},
    {BUILTIN_IDENTITY_KEY_IN_TPM, "IdentityKeyInTpm", "have the identity key made in the TPM"},
    {BUILTIN_LOCKDOWN, "Lockdown",
     "have the kernel locked down (lockdown=integrity on the command line)"},
    {BUILTIN_POLICY_COUNT, "TcgLogVerification",
     "send the log of this very start, whole (no copy by --bios-log); start the machine anew"},
};

/* What the service's refusal of this host, or its own trouble, asks for. */
static const char *const nexts[STATUS_COUNT] = {
    [HOST_STATUS_UNKNOWN] = "attest: hgs host attest",
    [HOST_STATUS_EXPIRED] = "attest anew: hgs host attest; keep the clocks alike",
    [HOST_STATUS_NOT_CONFIGURED] = "name the service: hgs host configure",
    [HOST_STATUS_TRANSIENT_ERROR] = "try again; look at the service: hgsctl server test",
    [HOST_STATUS_UNAUTHORIZED_HOST] =
        ("have this host registered: hgs host identify or hgs host key, then hgsctl host add; "
         "if it is, the service does not trust its TPM: hgsctl event list says why there"),
    [HOST_STATUS_TPM_ERROR] = "look at the TPM: tpm2_getcap properties-variable",
};

const char *host_status_name(enum host_status status)
{
    return names[status];
}

static void append_next(struct buf *out, const char *next)
{
    if (out->size > 0)
        buf_append_text(out, "\n");
    buf_append_text(out, next);
}

/* Whether the list "SecureBoot, Iommu" has this very word. */
static bool has_word(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += size)
        if ((at == list || at[-1] == ' ') && (at[size] == '\0' || at[size] == ','))
            return true;
    return false;
}

bool host_status_clock_is_off(const struct host_status_record *record)
{
    return record->has_clock_offset && (record->clock_offset > HOST_CLOCK_BOUND_SECONDS ||
                                        record->clock_offset < -HOST_CLOCK_BOUND_SECONDS);
}

static void append_clock(struct buf *out, const struct host_status_record *record)
{
    char offset[CLOCK_OFFSET_SIZE];
    if (!host_status_clock_is_off(record))
        return;
    append_next(out, "");
    buf_append_format(out,
                      "compare the clocks: this host's is %s against the service's (timedatectl; "
                      "keep it right: sudo timedatectl set-ntp true)",
                      clock_format_offset(record->clock_offset, offset));
}

void host_status_next(struct buf *out, const struct host_status_record *record)
{
    const char *before = "";
    append_clock(out, record);
    if (nexts[record->status] != NULL)
        append_next(out, nexts[record->status]);
    if (record->status != HOST_STATUS_INSECURE_HOST_CONFIGURATION)
        return;
    for (size_t i = 0; i < sizeof substatuses / sizeof substatuses[0]; i++) {
        /* Two policies share one word. */
        if (strcmp(before, substatuses[i].word) != 0 &&
            has_word(record->substatus, substatuses[i].word))
            append_next(out, substatuses[i].next);
        before = substatuses[i].word;
    }
}

static const char *substatus_word(const struct guid *policy, char text[GUID_TEXT_SIZE])
{
    const struct builtin *builtin = builtin_find_guid(policy);
    for (size_t i = 0; builtin != NULL && i < sizeof substatuses / sizeof substatuses[0]; i++)
        if (substatuses[i].policy == builtin->policy)
            return substatuses[i].word;
    return guid_format(policy, text); /* one that we do not know is named by its number */
}

static void add_word(struct host_status_record *out, const char *word)
{
    size_t used = strlen(out->substatus);
    if (!has_word(out->substatus, word))
        snprintf(out->substatus + used, sizeof out->substatus - used, "%s%s", used > 0 ? ", " : "",
                 word);
}

static void add_reasons(struct host_status_record *out, const struct attestation_reply *reply)
{
    for (size_t i = 0; i < reply->reason_count; i++) {
        char text[GUID_TEXT_SIZE];
        if (!reply->reasons[i].passed)
            add_word(out, substatus_word(&reply->reasons[i].policy, text));
    }
}

static enum host_status status_of(enum attestation_reply_type type)
{
    switch (type) {
    case ATTESTATION_REPLY_HEALTH_CERTIFICATE:
        return HOST_STATUS_PASSED;
    case ATTESTATION_REPLY_UNAUTHORIZED_ERROR:
        return HOST_STATUS_UNAUTHORIZED_HOST;
    case ATTESTATION_REPLY_POLICY_EVALUATION_ERROR:
    case ATTESTATION_REPLY_TCG_LOG_ERROR:
    case ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR:
    case ATTESTATION_REPLY_VSM_REPORT_ERROR:
        return HOST_STATUS_INSECURE_HOST_CONFIGURATION;
    case ATTESTATION_REPLY_RTPM_ERROR:
        return HOST_STATUS_TPM_ERROR;
    default:
        return HOST_STATUS_TRANSIENT_ERROR;
    }
}

void host_status_of_reply(struct host_status_record *out, const struct attestation_reply *reply)
{
    out->status = status_of(reply->type);
    out->substatus[0] = '\0';
    if (reply->type == ATTESTATION_REPLY_POLICY_EVALUATION_ERROR)
        add_reasons(out, reply);
    if (reply->type == ATTESTATION_REPLY_TCG_LOG_ERROR)
        add_word(out, "TcgLogVerification");
    if (reply->type == ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR ||
        reply->type == ATTESTATION_REPLY_VSM_REPORT_ERROR)
        add_word(out, "VirtualSecureMode");
    if (out->substatus[0] == '\0')
        add_word(out, "NoInformation");
}

bool host_status_error(const struct host_status_record *record,
                       const struct attestation_reply *reply, const char *url, struct error *err)
{
    if (reply->type == ATTESTATION_REPLY_OPERATION_MODE_ERROR)
        return error_set(err, &host_mode, "MS-HGSA 2.2.2.9", url,
                         "it was switched to mode \"%s\" meanwhile",
                         attestation_mode_name(reply->mode));
    switch (record->status) {
    case HOST_STATUS_UNAUTHORIZED_HOST:
        return error_set(err, &host_unauthorized, NULL, url, "it does not know this host's %s",
                         record->mode == ATTESTATION_MODE_TPM ? "TPM" : "key");
    case HOST_STATUS_INSECURE_HOST_CONFIGURATION:
        return error_set(err, &host_insecure, NULL, url, "these policies failed: %s",
                         record->substatus);
    case HOST_STATUS_TPM_ERROR:
        return error_set(err, &host_tpm, NULL, url, "it could not use this host's TPM");
    default:
        break;
    }
    if (!reply->retryable)
        return error_set(err, &host_refused, NULL, url, "it answered %s, not to be repeated",
                         attestation_reply_name(reply->type));
    return error_set(err, &host_unavailable, NULL, url, "it answered %s",
                     attestation_reply_name(reply->type));
}

static char *status_path(const char *state)
{
    return memory_format("%s/%s", state, STATUS_FILE);
}

static bool parse(struct host_status_record *out, struct slice text)
{
    struct host_status_record record = {0};
    _cleanup_json_ struct json *document = NULL;
    const char *status, *substatus, *mode;
    if (!json_parse(&document, text, NULL) || !json_get_text(&status, document, "status", NULL) ||
        !json_get_text(&substatus, document, "substatus", NULL) ||
        !json_get_text_or(&mode, document, "mode", "unknown", NULL) ||
        !json_get_integer(&record.time, document, "time", NULL) ||
        !json_get_bool(&record.fallback, document, "fallback", NULL) ||
        !json_get_integer_or(&record.clock_offset, document, "clock_offset", 0, NULL))
        return false;
    record.has_clock_offset = json_get(document, "clock_offset") != NULL;
    for (size_t i = 0; i < STATUS_COUNT; i++)
        if (strcmp(names[i], status) == 0)
            record.status = (enum host_status)i;
    attestation_mode_parse(&record.mode, mode);
    snprintf(record.substatus, sizeof record.substatus, "%s", substatus);
    *out = record;
    return true;
}

void host_status_load(struct host_status_record *out, const char *state)
{
    _cleanup_free_ char *path = status_path(state);
    struct buf text;
    buf_init(&text, STATUS_SIZE_MAX);
    if (!file_read(&text, path, NULL) || !parse(out, buf_slice(&text)))
        *out = (struct host_status_record){.substatus = "NoInformation"};
    buf_done(&text);
}

bool host_status_save(const struct host_status_record *record, const char *state, struct error *err)
{
    _cleanup_free_ char *path = status_path(state);
    struct buf text;
    buf_init(&text, STATUS_SIZE_MAX);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "status", names[record->status]);
    json_write_text(&writer, "substatus", record->substatus);
    json_write_text(&writer, "mode", attestation_mode_name(record->mode));
    json_write_integer(&writer, "time", record->time);
    json_write_bool(&writer, "fallback", record->fallback);
    if (record->has_clock_offset)
        json_write_integer(&writer, "clock_offset", record->clock_offset);
    json_write_object_end(&writer);
    bool good = host_identity_folder(state, err) && file_replace(path, buf_slice(&text), 0600, err);
    buf_done(&text);
    return good;
}
