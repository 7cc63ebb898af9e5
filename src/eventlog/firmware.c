/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What firmware measured, on every system: PCR 7 (secure boot) and PCR 4 (images that it started).
 *
 * Types of events are not authenticated, so what an event of PCR 7 is comes from its data, which
 * its digest must cover. The type only has to fit: otherwise somebody gave the event another one to
 * have it overlooked.
 */
#include "eventlog/evaluation.h"
#include "eventlog/variable.h"

/* Certificates in db that verify Windows' boot manager, by SHA-256 of their DER. */
static const uint8_t windows_certificates[][DIGEST_SHA256_SIZE] = {
    /* Microsoft Windows Production PCA 2011 */
    {0xe8, 0xe9, 0x5f, 0x07, 0x33, 0xa5, 0x5e, 0x8b, 0xad, 0x7b, 0xe0,
     0xa1, 0x41, 0x3e, 0xe2, 0x3c, 0x51, 0xfc, 0xea, 0x64, 0xb3, 0xc8,
     0xfa, 0x6a, 0x78, 0x69, 0x35, 0xfd, 0xdc, 0xc7, 0x19, 0x61},
    /* Windows UEFI CA 2023 */
    {0x07, 0x6f, 0x1f, 0xea, 0x90, 0xac, 0x29, 0x15, 0x5e, 0xbf, 0x77,
     0xc1, 0x76, 0x82, 0xf7, 0x5f, 0x1f, 0xdd, 0x1b, 0xe1, 0x96, 0xda,
     0x30, 0x2d, 0xc8, 0x46, 0x1e, 0x35, 0x0a, 0x9a, 0xe3, 0x30},
    /* Microsoft Root Certificate Authority 2010 */
    {0xdf, 0x54, 0x5b, 0xf9, 0x19, 0xa2, 0x43, 0x9c, 0x36, 0x98, 0x3b,
     0x54, 0xcd, 0xfc, 0x90, 0x3d, 0xfa, 0x4f, 0x37, 0xd3, 0x99, 0x6d,
     0x8d, 0x84, 0xb4, 0xc3, 0x1e, 0xec, 0x6f, 0x3c, 0x16, 0x3e},
};

/* Variables that firmware measures before the separator, and nobody may measure behind it. */
static const char *const firmware_variables[] = {"SecureBoot", "PK", "KEK", "db", "dbx", "dbt"};

struct pcr7 {
    struct evaluation *evaluation;
    const char *void_sentence; /* why PCR 7 is not understood; NULL: it is */
    uint32_t void_event;
    uint32_t separators;
    uint32_t secure_boot_count;
    bool is_windows; /* the last authority verifies Windows' boot manager */
};

static void state_bad(struct pcr7 *pcr7, enum eventlog_claim_id id, const char *sentence,
                      uint32_t index)
{
    evaluation_state(pcr7->evaluation->out, id, EVENTLOG_BAD, sentence, index);
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7E)
            return false;
    return text.size > 0;
}

static bool begins_with(struct slice text, const char *front)
{
    size_t length = strlen(front);
    return text.size >= length && memcmp(text.data, front, length) == 0;
}

static bool is_good_separator(struct slice data)
{
    return slice_equal(data, slice_of("\0\0\0\0", 4));
}

static const char *read_separator(struct pcr7 *pcr7, struct slice data)
{
    if (!is_good_separator(data))
        return "PCR 7 has a separator by which firmware reports an error";
    if (++pcr7->separators > 1)
        return "PCR 7 has two separators";
    return NULL;
}

/* Texts are known by what they say, not by the event's type. */
static const char *read_text(struct pcr7 *pcr7, struct slice text, uint32_t index)
{
    if (slice_equals_text(text, "UEFI Debug Mode"))
        state_bad(pcr7, EVENTLOG_CLAIM_UEFI_DEBUG_OFF, "firmware runs in debug mode", index);
    if (slice_equals_text(text, "DMA Protection Disabled")) {
        state_bad(pcr7, EVENTLOG_CLAIM_DMA_PROTECTION, "firmware says that DMA protection is off",
                  index);
        state_bad(pcr7, EVENTLOG_CLAIM_IOMMU, "firmware says that DMA protection is off", index);
    }
    if (begins_with(text, "Security Level is Downgraded")) {
        state_bad(pcr7, EVENTLOG_CLAIM_DMA_PROTECTION, "firmware lowered Thunderbolt's security",
                  index);
        state_bad(pcr7, EVENTLOG_CLAIM_IOMMU, "firmware lowered Thunderbolt's security", index);
    }
    return NULL;
}

static void read_secure_boot(struct pcr7 *pcr7, struct slice data, uint32_t index)
{
    bool is_on = data.size == 1 && data.data[0] == 1;
    if (!is_on)
        state_bad(pcr7, EVENTLOG_CLAIM_SECURE_BOOT, "Secure Boot is off", index);
    else if (pcr7->secure_boot_count > 0 || pcr7->separators > 0)
        state_bad(pcr7, EVENTLOG_CLAIM_SECURE_BOOT,
                  "the variable SecureBoot was measured twice, or after firmware was done", index);
    else
        evaluation_state(pcr7->evaluation->out, EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_GOOD,
                         "Secure Boot is on", index);
    pcr7->secure_boot_count++;
}

/* EFI_SIGNATURE_DATA: the owner's GUID, then the certificate (UEFI 32.4.1). */
static bool is_windows_certificate(struct slice data)
{
    uint8_t thumbprint[DIGEST_SHA256_SIZE];
    struct reader reader = reader_of(data);
    reader_bytes(&reader, sizeof(struct guid));
    digest_sha256(thumbprint, reader.rest);
    for (size_t i = 0; i < sizeof windows_certificates / sizeof windows_certificates[0]; i++)
        if (memcmp(thumbprint, windows_certificates[i], sizeof thumbprint) == 0)
            return true;
    return false;
}

/* The certificate that verified an image. Windows' boot manager is the last that firmware starts;
 * option ROMs, which other certificates verify, come before it. */
static void read_authority(struct pcr7 *pcr7, const struct uefi_variable *variable, uint32_t index)
{
    if (pcr7->evaluation->out->profile != EVENTLOG_PROFILE_WINDOWS)
        return;
    bool is_windows = uefi_variable_is(variable, &uefi_security_database, "db") &&
                      is_windows_certificate(variable->data);
    if (is_windows)
        evaluation_state(pcr7->evaluation->out, EVENTLOG_CLAIM_WINDOWS_AUTHORITY, EVENTLOG_GOOD,
                         "Microsoft's certificate for Windows verified the boot manager", index);
    else if (pcr7->is_windows)
        state_bad(pcr7, EVENTLOG_CLAIM_WINDOWS_AUTHORITY,
                  "an image that is not Windows was started after Windows' boot manager", index);
    pcr7->is_windows = is_windows;
}

static bool is_firmware_variable(const struct uefi_variable *variable)
{
    for (size_t i = 0; i < sizeof firmware_variables / sizeof firmware_variables[0]; i++)
        if (uefi_variable_has_name(variable, firmware_variables[i]))
            return true;
    return false;
}

static const char *read_variable(struct pcr7 *pcr7, const struct eventlog_event *event,
                                 const struct uefi_variable *variable, uint32_t index)
{
    bool is_secure_boot = uefi_variable_is(variable, &uefi_global_variable, "SecureBoot");
    if (is_secure_boot)
        read_secure_boot(pcr7, variable->data, index);
    if (uefi_variable_has_name(variable, "MokSBState"))
        state_bad(pcr7, EVENTLOG_CLAIM_SECURE_BOOT,
                  "shim was told to verify nothing (MokSBState), whatever SecureBoot says", index);
    switch (event->type) {
    case EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG:
        if (pcr7->separators > 0 && is_firmware_variable(variable))
            return "PCR 7 has a variable of firmware's after its separator";
        return NULL;
    case EVENTLOG_EFI_VARIABLE_AUTHORITY:
        if (is_secure_boot)
            return "PCR 7 has an event whose type does not fit its data";
        read_authority(pcr7, variable, index);
        return NULL;
    case EVENTLOG_EFI_SPDM_DEVICE_POLICY:
    case EVENTLOG_EFI_SPDM_DEVICE_AUTHORITY:
        return is_firmware_variable(variable)
                   ? "PCR 7 has an event whose type does not fit its data"
                   : NULL;
    default:
        return "PCR 7 has an event whose type does not fit its data";
    }
}

/* The data that the event's digest covers. Old versions of shim log one byte more, of what they
 * made too long anyway. */
static bool find_proven(struct slice *out, const struct evaluation *evaluation,
                        const struct eventlog_event *event)
{
    *out = event->data;
    if (evaluation_covers(evaluation, event, *out))
        return true;
    if (event->type != EVENTLOG_EFI_VARIABLE_AUTHORITY || out->size == 0)
        return false;
    out->size--;
    return evaluation_covers(evaluation, event, *out);
}

static bool belongs_in_pcr7(uint32_t type)
{
    switch (type) {
    case EVENTLOG_SEPARATOR:
    case EVENTLOG_ACTION:
    case EVENTLOG_EFI_ACTION:
    case EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG:
    case EVENTLOG_EFI_VARIABLE_AUTHORITY:
    case EVENTLOG_EFI_SPDM_DEVICE_POLICY:
    case EVENTLOG_EFI_SPDM_DEVICE_AUTHORITY:
        return true;
    default:
        return false;
    }
}

static const char *read_event(struct pcr7 *pcr7, const struct eventlog_event *event, uint32_t index)
{
    struct slice data;
    struct uefi_variable variable;
    if (!belongs_in_pcr7(event->type))
        return "PCR 7 has an event of a type that does not belong there";
    if (!find_proven(&data, pcr7->evaluation, event))
        return "PCR 7 has an event whose digest does not cover its data";
    if (event->type == EVENTLOG_SEPARATOR)
        return read_separator(pcr7, data);
    if (is_printable(data))
        return read_text(pcr7, data, index);
    bool is_of_old_shim = data.size < event->data.size;
    if (is_of_old_shim ? uefi_variable_parse_padded(&variable, data)
                       : uefi_variable_parse(&variable, data))
        return read_variable(pcr7, event, &variable, index);
    return "PCR 7 has an event that is neither text nor a variable";
}

static void evaluate_pcr7(struct evaluation *evaluation)
{
    static const enum eventlog_claim_id ids[] = {
        EVENTLOG_CLAIM_SECURE_BOOT, EVENTLOG_CLAIM_UEFI_DEBUG_OFF, EVENTLOG_CLAIM_DMA_PROTECTION,
        EVENTLOG_CLAIM_WINDOWS_AUTHORITY};
    struct pcr7 pcr7 = {.evaluation = evaluation, .void_event = EVENTLOG_NO_EVENT};
    for (uint32_t i = 0; i < evaluation->log->event_count; i++) {
        const struct eventlog_event *event = &evaluation->log->events[i];
        if (event->pcr != 7 || event->type == EVENTLOG_NO_ACTION)
            continue;
        const char *sentence = read_event(&pcr7, event, i);
        if (sentence == NULL || pcr7.void_sentence != NULL)
            continue;
        pcr7.void_sentence = sentence;
        pcr7.void_event = i;
    }
    if (pcr7.separators == 0 && pcr7.void_sentence == NULL)
        pcr7.void_sentence = "PCR 7 has no separator, so firmware was not done";
    if (pcr7.void_sentence == NULL)
        evaluation_state(evaluation->out, EVENTLOG_CLAIM_UEFI_DEBUG_OFF, EVENTLOG_GOOD,
                         "PCR 7 is complete and firmware does not run in debug mode",
                         EVENTLOG_NO_EVENT);
    else
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
            evaluation_void(evaluation->out, ids[i], pcr7.void_sentence, pcr7.void_event);
}

/* PCR 4 holds texts and separators that prove themselves; all else is the digest of an image. */
static bool read_pcr4(struct eventlog_digest_at *out, const struct evaluation *evaluation,
                      const struct eventlog_event *event, uint32_t index)
{
    switch (event->type) {
    case EVENTLOG_SEPARATOR:
        return is_good_separator(event->data) && evaluation_covers(evaluation, event, event->data);
    case EVENTLOG_ACTION:
    case EVENTLOG_EFI_ACTION:
    case EVENTLOG_OMIT_BOOT_DEVICE_EVENTS:
        return is_printable(event->data) && evaluation_covers(evaluation, event, event->data);
    case EVENTLOG_EFI_BOOT_SERVICES_APPLICATION:
    case EVENTLOG_EFI_BOOT_SERVICES_DRIVER:
    case EVENTLOG_EFI_RUNTIME_SERVICES_DRIVER:
        out->digest = eventlog_event_digest(event, evaluation->out->bank);
        out->event = index;
        return out->digest.size > 0;
    default:
        return false;
    }
}

static void evaluate_pcr4(struct evaluation *evaluation)
{
    struct eventlog_claims *out = evaluation->out;
    for (uint32_t i = 0; i < evaluation->log->event_count; i++) {
        const struct eventlog_event *event = &evaluation->log->events[i];
        struct eventlog_digest_at image = {0};
        if (event->pcr != 4 || event->type == EVENTLOG_NO_ACTION)
            continue;
        if (!read_pcr4(&image, evaluation, event, i) ||
            (image.digest.size > 0 && out->image_count == EVENTLOG_IMAGES_MAX)) {
            out->images_void = true;
            out->image_count = 0;
            return;
        }
        if (image.digest.size > 0)
            out->images[out->image_count++] = image;
    }
}

void firmware_evaluate(struct evaluation *evaluation)
{
    evaluate_pcr7(evaluation);
    evaluate_pcr4(evaluation);
}
