/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "eventlog/errors.h"
#include "eventlog/variable.h"
#include "tpm/pcr.h"

#define PFP "PFP 10.2"
#define DIGEST_DECLARED_MAX 128
#define SHA1_SIZE 20

static const char spec_id_3[16] = "Spec ID Event03";
static const char spec_id[] = "Spec ID Event"; /* of any version */
static const char startup_locality[16] = "StartupLocality";

/* Sizes of algorithms (TCG Algorithm Registry): a log that declares others is damaged. */
static const struct {
    uint16_t algorithm, size;
} known_sizes[] = {
    {DIGEST_SHA1, 20},    {DIGEST_SHA256, 32},   {DIGEST_SHA384, 48},   {DIGEST_SHA512, 64},
    {0x12, 32} /* SM3 */, {0x27, 32} /* SHA3 */, {0x28, 48} /* SHA3 */, {0x29, 64} /* SHA3 */,
};

/* What the first event says of all others. */
struct declaration {
    struct {
        uint16_t algorithm, size;
    } algorithms[EVENTLOG_ALGORITHMS_MAX];
    uint32_t count;
};

struct parser {
    struct reader reader;
    struct declaration declaration;
    struct eventlog log;
    uint32_t capacity;
    size_t size;
    struct error *err;
};

static bool starts_with(struct slice bytes, const char *text, size_t size)
{
    return bytes.size >= size && memcmp(bytes.data, text, size) == 0;
}

static bool all_bytes_are(struct slice bytes, uint8_t value)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != value)
            return false;
    return true;
}

/* "event 12, at byte 3456 of the log" */
static const char *place(const struct parser *parser, char text[64])
{
    snprintf(text, 64, "event %" PRIu32 " at byte %zu", parser->log.event_count,
             parser->size - parser->reader.rest.size);
    return text;
}

#define refuse(parser, code, clause, ...) \
    error_set((parser)->err, &(code), clause, place(parser, (char[64]){0}), __VA_ARGS__)

/* An event's size and data. */
static bool read_data(struct slice *out, struct parser *parser)
{
    uint32_t size = reader_u32_le(&parser->reader);
    if (!parser->reader.failed && size > EVENTLOG_DATA_MAX)
        return refuse(parser, eventlog_too_large, PFP, "its data would be %" PRIu32 " bytes", size);
    *out = reader_bytes(&parser->reader, size);
    if (parser->reader.failed)
        return refuse(parser, eventlog_truncated, PFP, "it is cut off");
    return true;
}

/* Whether the log is a list of events in the SHA-1 layout up to its padding, so that we can tell
 * one of TPM 1.2 from rubbish. */
static bool is_sha1_layout(struct reader reader)
{
    size_t padding = 0;
    while (padding < reader.rest.size && reader.rest.data[reader.rest.size - 1 - padding] == 0)
        padding++;
    while (reader.rest.size > padding) {
        uint32_t pcr = reader_u32_le(&reader);
        reader_u32_le(&reader);
        reader_bytes(&reader, SHA1_SIZE);
        reader_bytes(&reader, reader_u32_le(&reader));
        if (reader.failed || (pcr >= TPM_PCR_COUNT && pcr != EVENTLOG_PCR_NONE))
            return false;
    }
    return true;
}

static bool check_declared_size(struct parser *parser, uint16_t algorithm, uint16_t size)
{
    for (size_t i = 0; i < sizeof known_sizes / sizeof known_sizes[0]; i++)
        if (known_sizes[i].algorithm == algorithm && known_sizes[i].size != size)
            return refuse(parser, eventlog_malformed, PFP,
                          "it declares digests of %u bytes for algorithm 0x%x", size, algorithm);
    if (size == 0 || size > DIGEST_DECLARED_MAX)
        return refuse(parser, eventlog_malformed, PFP,
                      "it declares digests of %u bytes for algorithm 0x%x", size, algorithm);
    for (uint32_t i = 0; i < parser->declaration.count; i++)
        if (parser->declaration.algorithms[i].algorithm == algorithm)
            return refuse(parser, eventlog_malformed, PFP, "it declares algorithm 0x%x twice",
                          algorithm);
    return true;
}

/* TCG_EfiSpecIdEvent, behind its signature. */
static bool parse_declaration(struct parser *parser, struct slice data)
{
    struct reader reader = reader_of(data);
    reader_bytes(&reader, sizeof spec_id_3);
    reader_bytes(&reader, 4 + 4); /* class of platform, version, size of integers */
    uint32_t count = reader_u32_le(&reader);
    if (!reader.failed && (count == 0 || count > EVENTLOG_ALGORITHMS_MAX))
        return refuse(parser, eventlog_too_large, PFP, "it declares %" PRIu32 " algorithms", count);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        uint16_t algorithm = reader_u16_le(&reader);
        uint16_t size = reader_u16_le(&reader);
        if (reader.failed || !check_declared_size(parser, algorithm, size))
            break;
        parser->declaration.algorithms[i].algorithm = algorithm;
        parser->declaration.algorithms[i].size = size;
        parser->declaration.count = i + 1;
        enum eventlog_bank bank = eventlog_bank_of((enum digest_algorithm)algorithm);
        if (bank < EVENTLOG_BANKS)
            parser->log.banks |= 1u << bank;
    }
    if (!reader.failed && parser->declaration.count < count)
        return false;                          /* refused above */
    reader_bytes(&reader, reader_u8(&reader)); /* the vendor's */
    if (!reader_done(&reader))
        return refuse(parser, eventlog_malformed, PFP,
                      "the identifier of the specification has %zu bytes, which do not fit it",
                      data.size);
    return true;
}

static struct eventlog_event *add_event(struct parser *parser)
{
    if (parser->log.event_count == parser->capacity) {
        parser->capacity = parser->capacity == 0 ? 128 : 2 * parser->capacity;
        parser->log.events =
            memory_resize(parser->log.events, parser->capacity, sizeof *parser->log.events);
    }
    struct eventlog_event *event = &parser->log.events[parser->log.event_count];
    *event = (struct eventlog_event){0};
    return event;
}

/* The first event is in the layout of TPM 1.2 in every log. */
static bool parse_first(struct parser *parser)
{
    struct reader whole = parser->reader;
    struct eventlog_event *event = add_event(parser);
    event->pcr = reader_u32_le(&parser->reader);
    event->type = reader_u32_le(&parser->reader);
    event->digests[EVENTLOG_BANK_SHA1] = reader_bytes(&parser->reader, SHA1_SIZE).data;
    if (!read_data(&event->data, parser))
        return false;
    if (!starts_with(event->data, spec_id_3, sizeof spec_id_3) ||
        event->type != EVENTLOG_NO_ACTION) {
        if (!starts_with(event->data, spec_id, sizeof spec_id - 1) && !is_sha1_layout(whole))
            return refuse(parser, eventlog_malformed, PFP, "it does not identify the format");
        return refuse(parser, eventlog_tpm12, PFP, "the log has no crypto-agile events");
    }
    if (event->pcr == 1)
        return refuse(parser, eventlog_ccel, NULL, "the log begins in register 1");
    if (event->pcr != 0)
        return refuse(parser, eventlog_malformed, PFP, "it is in PCR %" PRIu32, event->pcr);
    if (!parse_declaration(parser, event->data))
        return false;
    parser->log.event_count++;
    return true;
}

static uint16_t declared_size(const struct declaration *declaration, uint16_t algorithm)
{
    for (uint32_t i = 0; i < declaration->count; i++)
        if (declaration->algorithms[i].algorithm == algorithm)
            return declaration->algorithms[i].size;
    return 0;
}

/* TPML_DIGEST_VALUES. Windows logs fewer digests than declared (eventlog-facts.md 1), never none.
 */
static bool read_digests(struct eventlog_event *event, struct parser *parser)
{
    uint32_t count = reader_u32_le(&parser->reader);
    uint16_t seen[EVENTLOG_ALGORITHMS_MAX];
    if (parser->reader.failed)
        return refuse(parser, eventlog_truncated, PFP, "it is cut off");
    if (count == 0 || count > parser->declaration.count)
        return refuse(parser, eventlog_malformed, PFP,
                      "it has %" PRIu32 " digests, and the log declares %" PRIu32, count,
                      parser->declaration.count);
    for (uint32_t i = 0; i < count; i++) {
        seen[i] = reader_u16_le(&parser->reader);
        uint16_t size = declared_size(&parser->declaration, seen[i]);
        if (!parser->reader.failed && size == 0)
            return refuse(parser, eventlog_malformed, PFP,
                          "it has a digest of algorithm 0x%x, which the log does not declare",
                          seen[i]);
        for (uint32_t j = 0; j < i; j++)
            if (seen[j] == seen[i])
                return refuse(parser, eventlog_malformed, PFP,
                              "it has two digests of algorithm 0x%x", seen[i]);
        struct slice digest = reader_bytes(&parser->reader, size);
        if (parser->reader.failed)
            return refuse(parser, eventlog_truncated, PFP, "it is cut off");
        enum eventlog_bank bank = eventlog_bank_of((enum digest_algorithm)seen[i]);
        if (bank < EVENTLOG_BANKS)
            event->digests[bank] = digest.data;
    }
    return true;
}

/* The first event of another boot's log lies here, in the layout that only first events have. */
static bool is_first_event(struct slice rest)
{
    struct reader reader = reader_of(rest);
    uint32_t pcr = reader_u32_le(&reader);
    uint32_t type = reader_u32_le(&reader);
    struct slice digest = reader_bytes(&reader, SHA1_SIZE);
    reader_u32_le(&reader);
    return pcr == 0 && type == EVENTLOG_NO_ACTION && all_bytes_are(digest, 0) &&
           starts_with(reader.rest, spec_id, sizeof spec_id - 1);
}

static bool parse_event(struct parser *parser)
{
    if (is_first_event(parser->reader.rest))
        return refuse(parser, eventlog_two_boots, NULL, "another log begins here");
    struct eventlog_event *event = add_event(parser);
    event->pcr = reader_u32_le(&parser->reader);
    event->type = reader_u32_le(&parser->reader);
    if (!parser->reader.failed && event->pcr >= TPM_PCR_COUNT &&
        (event->pcr != EVENTLOG_PCR_NONE || event->type != EVENTLOG_NO_ACTION))
        return refuse(parser, eventlog_malformed, PFP, "it is in PCR %" PRIu32, event->pcr);
    if (!read_digests(event, parser) || !read_data(&event->data, parser))
        return false;
    parser->log.event_count++;
    return true;
}

/* Copies of a fixed area end in zeros. CCEL's area ends in ones. */
static bool parse_events(struct parser *parser)
{
    while (parser->reader.rest.size > 0) {
        struct slice rest = parser->reader.rest;
        struct slice front = slice_of(rest.data, rest.size < 12 ? rest.size : 12);
        if (all_bytes_are(front, 0) && all_bytes_are(rest, 0))
            return true;
        if (all_bytes_are(front, 0xFF) && all_bytes_are(rest, 0xFF))
            return refuse(parser, eventlog_ccel, NULL, "the log is filled up with ones");
        if (parser->log.event_count == EVENTLOG_EVENTS_MAX)
            return refuse(parser, eventlog_too_large, NULL, "a log has at most %d events",
                          EVENTLOG_EVENTS_MAX);
        if (!parse_event(parser))
            return false;
    }
    return true;
}

/* Whole logs have a separator in each of PCRs 0 to 7, once. */
static bool check_one_boot(struct parser *parser)
{
    uint32_t seen = 0, again = 0;
    for (uint32_t i = 0; i < parser->log.event_count; i++) {
        const struct eventlog_event *event = &parser->log.events[i];
        if (event->type != EVENTLOG_SEPARATOR || event->pcr > 7)
            continue;
        again |= seen & 1u << event->pcr;
        seen |= 1u << event->pcr;
    }
    if (__builtin_popcount(again) < 4)
        return true;
    return error_set(parser->err, &eventlog_two_boots, NULL, NULL,
                     "the separators of %d PCRs are there twice", __builtin_popcount(again));
}

/* A confidential machine maps PCR 7 to its register 1. */
static bool check_registers(struct parser *parser)
{
    for (uint32_t i = 0; i < parser->log.event_count; i++) {
        const struct eventlog_event *event = &parser->log.events[i];
        struct uefi_variable variable;
        if (event->pcr == 1 && event->type == EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG &&
            uefi_variable_parse(&variable, event->data) &&
            uefi_variable_is(&variable, &uefi_global_variable, "SecureBoot"))
            return error_set(parser->err, &eventlog_ccel, NULL, NULL,
                             "event %" PRIu32 " has the variable SecureBoot in register 1", i);
    }
    return true;
}

/* PFP 10.4.5.3: EV_NO_ACTION in PCR 0 before the first extend; one that comes later changes
 * nothing. */
static bool read_locality(struct parser *parser)
{
    bool is_told = false, is_extended = false;
    for (uint32_t i = 0; i < parser->log.event_count; i++) {
        const struct eventlog_event *event = &parser->log.events[i];
        if (event->pcr != 0)
            continue;
        if (event->type == EVENTLOG_EFI_HCRTM_EVENT) {
            parser->log.locality = 4;
            return true;
        }
        is_extended |= event->type != EVENTLOG_NO_ACTION;
        if (is_extended || is_told ||
            !starts_with(event->data, startup_locality, sizeof startup_locality))
            continue;
        uint8_t locality = event->data.size == 17 ? event->data.data[16] : UINT8_MAX;
        if (locality != 0 && locality != 3 && locality != 4)
            return error_set(parser->err, &eventlog_malformed, "PFP 10.4.5.3", NULL,
                             "event %" PRIu32 " has a locality that no boot starts in", i);
        parser->log.locality = locality;
        is_told = true;
    }
    return true;
}

bool eventlog_parse(struct eventlog *out, struct slice bytes, struct error *err)
{
    struct parser parser = {.reader = reader_of(bytes), .size = bytes.size, .err = err};
    if (bytes.size > EVENTLOG_SIZE_MAX)
        return error_set(err, &eventlog_too_large, NULL, NULL,
                         "the log has %zu bytes; at most %u are read", bytes.size,
                         EVENTLOG_SIZE_MAX);
    bool is_good = parse_first(&parser) && parse_events(&parser) && check_one_boot(&parser) &&
                   check_registers(&parser) && read_locality(&parser);
    if (!is_good) {
        eventlog_done(&parser.log);
        return false;
    }
    *out = parser.log;
    return true;
}

void eventlog_done(struct eventlog *log)
{
    if (log == NULL)
        return;
    free(log->events);
    *log = (struct eventlog){0};
}

enum eventlog_bank eventlog_bank_of(enum digest_algorithm algorithm)
{
    switch (algorithm) {
    case DIGEST_SHA1:
        return EVENTLOG_BANK_SHA1;
    case DIGEST_SHA256:
        return EVENTLOG_BANK_SHA256;
    case DIGEST_SHA384:
        return EVENTLOG_BANK_SHA384;
    case DIGEST_SHA512:
        return EVENTLOG_BANK_SHA512;
    }
    return EVENTLOG_BANKS;
}

struct slice eventlog_event_digest(const struct eventlog_event *event,
                                   enum digest_algorithm algorithm)
{
    const uint8_t *digest = event->digests[eventlog_bank_of(algorithm)];
    return digest == NULL ? SLICE_EMPTY : slice_of(digest, digest_size(algorithm));
}

bool eventlog_event_covers(const struct eventlog_event *event, enum digest_algorithm algorithm,
                           struct slice bytes)
{
    struct slice logged = eventlog_event_digest(event, algorithm);
    if (logged.size == 0)
        return false;
    struct digest digest;
    digest_compute(&digest, algorithm, bytes);
    return slice_equal(digest_slice(&digest), logged);
}

bool eventlog_event_is_proven(const struct eventlog_event *event, enum digest_algorithm algorithm)
{
    return event->type != EVENTLOG_NO_ACTION &&
           eventlog_event_covers(event, algorithm, event->data);
}
