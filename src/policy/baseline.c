/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/baseline.h"

#include "base/hex.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eventlog/words.h"
#include "policy/errors.h"

#include <stdio.h>
#include <stdlib.h>

#define LOCALITY_MAX 4

static uint32_t bank_bit(enum digest_algorithm algorithm)
{
    return 1u << eventlog_bank_of(algorithm);
}

struct slice baseline_digest(const struct policy_baseline *baseline, uint32_t event,
                             enum digest_algorithm algorithm)
{
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (digests_algorithms[i] == algorithm && (baseline->banks & bank_bit(algorithm)))
            return slice_of(baseline->events[event].digests[i], digest_size(algorithm));
    }
    return SLICE_EMPTY;
}

void baseline_done(struct policy_baseline *baseline)
{
    free(baseline->events);
    for (size_t i = 0; i < EVENTLOG_BANKS; i++)
        free(baseline->sorted[i]);
    *baseline = (struct policy_baseline){0};
}

struct order {
    const struct baseline_event *events;
    size_t bank; /* place in an event's digests, and in digests_algorithms */
};

static int compare_events(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    const struct baseline_event *left = &order->events[*(const uint32_t *)a];
    const struct baseline_event *right = &order->events[*(const uint32_t *)b];
    if (left->pcr != right->pcr)
        return left->pcr < right->pcr ? -1 : 1;
    int digests = memcmp(left->digests[order->bank], right->digests[order->bank],
                         digest_size(digests_algorithms[order->bank]));
    if (digests != 0)
        return digests;
    return left->type < right->type ? -1 : left->type > right->type;
}

static void sort(struct policy_baseline *baseline)
{
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (!(baseline->banks & bank_bit(digests_algorithms[i])))
            continue;
        uint32_t *sorted = memory_allocate_zero(baseline->count, sizeof *sorted);
        for (uint32_t event = 0; event < baseline->count; event++)
            sorted[event] = event;
        struct order order = {baseline->events, i};
        qsort_r(sorted, baseline->count, sizeof *sorted, compare_events, &order);
        baseline->sorted[eventlog_bank_of(digests_algorithms[i])] = sorted;
    }
}

static bool is_selected(const struct eventlog_event *event, uint32_t pcrs)
{
    return event->type != EVENTLOG_NO_ACTION && event->pcr < BASELINE_PCR_COUNT &&
           (pcrs >> event->pcr & 1);
}

/* Counts the events of the selected PCRs, and finds the banks that cover all of them. */
static bool survey(struct policy_baseline *baseline, const struct eventlog *log, struct error *err)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < DIGESTS_BANKS; i++)
        baseline->banks |= bank_bit(digests_algorithms[i]);
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (!is_selected(event, baseline->pcrs))
            continue;
        seen |= 1u << event->pcr;
        baseline->count++;
        for (size_t bank = 0; bank < DIGESTS_BANKS; bank++) {
            if (eventlog_event_digest(event, digests_algorithms[bank]).size == 0)
                baseline->banks &= ~bank_bit(digests_algorithms[bank]);
        }
    }
    if (seen != baseline->pcrs)
        return error_set(err, &policy_baseline_empty, NULL, NULL, "PCR %d has no event",
                         __builtin_ctz(baseline->pcrs & ~seen));
    if (baseline->banks == 0)
        return error_set(err, &policy_baseline_empty, NULL, NULL,
                         "no bank of SHA-256 or stronger has every event");
    if (baseline->count > BASELINE_EVENTS_MAX)
        return error_set(err, &policy_baseline_large, NULL, NULL, "they have %u events",
                         baseline->count);
    return true;
}

static void take_event(struct baseline_event *out, uint32_t banks, const struct eventlog *log,
                       uint32_t index)
{
    const struct eventlog_event *event = &log->events[index];
    char words[EVENTLOG_WORDS_SIZE];
    enum digest_algorithm shown = 0; /* the first bank that there is */
    out->pcr = event->pcr;
    out->type = event->type;
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (!(banks & bank_bit(digests_algorithms[i])))
            continue;
        struct slice digest = eventlog_event_digest(event, digests_algorithms[i]);
        memcpy(out->digests[i], digest.data, digest.size);
        if (shown == 0)
            shown = digests_algorithms[i];
    }
    snprintf(out->words, sizeof out->words, "%.*s", BASELINE_WORDS_SIZE - 1,
             eventlog_words(words, log, index, shown));
    out->words[utf8_valid(slice_from_text(out->words))] = '\0'; /* no half of a character */
}

bool baseline_take(struct policy_baseline *out, const struct eventlog *log, uint32_t pcrs,
                   struct error *err)
{
    struct policy_baseline baseline = {.pcrs = pcrs, .locality = log->locality};
    if ((pcrs & BASELINE_PCRS_REQUIRED) != BASELINE_PCRS_REQUIRED ||
        (pcrs & ~BASELINE_PCRS_ALLOWED) != 0)
        return error_set(err, &policy_baseline_pcrs, NULL, NULL,
                         "the selection 0x%x lacks PCR 4 or 7, or has one above 15", pcrs);
    if (!survey(&baseline, log, err))
        return false;
    baseline.events = memory_allocate_zero(baseline.count, sizeof *baseline.events);
    uint32_t count = 0;
    for (uint32_t i = 0; i < log->event_count; i++) {
        if (is_selected(&log->events[i], pcrs))
            take_event(&baseline.events[count++], baseline.banks, log, i);
    }
    sort(&baseline);
    *out = baseline;
    return true;
}

static void write_event(struct json_writer *writer, const struct policy_baseline *baseline,
                        uint32_t event)
{
    json_write_object(writer, NULL);
    json_write_integer(writer, "pcr", baseline->events[event].pcr);
    json_write_integer(writer, "type", baseline->events[event].type);
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (baseline->banks & bank_bit(digests_algorithms[i]))
            json_write_hex(writer, digest_name(digests_algorithms[i]),
                           baseline_digest(baseline, event, digests_algorithms[i]));
    }
    json_write_text(writer, "words", baseline->events[event].words);
    json_write_object_end(writer);
}

void baseline_write(struct json_writer *writer, const char *name,
                    const struct policy_baseline *baseline)
{
    json_write_object(writer, name);
    json_write_array(writer, "pcrs");
    for (int pcr = 0; pcr < BASELINE_PCR_COUNT; pcr++) {
        if (baseline->pcrs >> pcr & 1)
            json_write_integer(writer, NULL, pcr);
    }
    json_write_array_end(writer);
    json_write_integer(writer, "locality", baseline->locality);
    json_write_array(writer, "events");
    for (uint32_t event = 0; event < baseline->count; event++)
        write_event(writer, baseline, event);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &policy_record_malformed, NULL, "baseline", "%s", what);
}

static bool read_pcrs(struct policy_baseline *baseline, const struct json *object,
                      struct error *err)
{
    const struct json *list;
    int64_t locality;
    if (!json_get_array(&list, object, "pcrs", err) ||
        !json_get_integer(&locality, object, "locality", err))
        return false;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        double pcr = json_number(item);
        if (!json_is_number(item) || !(pcr >= 0 && pcr < BASELINE_PCR_COUNT) || pcr != (int)pcr)
            return malformed(err, "an item of \"pcrs\" is no PCR");
        baseline->pcrs |= 1u << (int)pcr;
    }
    if ((baseline->pcrs & BASELINE_PCRS_REQUIRED) != BASELINE_PCRS_REQUIRED)
        return malformed(err, "it lacks PCR 4 or 7");
    if (locality < 0 || locality > LOCALITY_MAX)
        return malformed(err, "\"locality\" is none");
    baseline->locality = (uint8_t)locality;
    return true;
}

/* The digests that an event has; *banks loses the bits of those that it has not. */
static bool read_digests(struct baseline_event *out, uint32_t *banks, const struct json *item,
                         struct error *err)
{
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        const char *text;
        _cleanup_buf_ struct buf bytes;
        buf_init(&bytes, DIGEST_SIZE_MAX);
        if (!json_get_text_or(&text, item, digest_name(digests_algorithms[i]), "", err) ||
            !hex_parse(&bytes, slice_from_text(text), err) || !buf_ok(&bytes, "baseline", err))
            return false;
        if (bytes.size == 0)
            *banks &= ~bank_bit(digests_algorithms[i]);
        else if (bytes.size != digest_size(digests_algorithms[i]))
            return malformed(err, "a digest has not the size of its algorithm");
        else
            memcpy(out->digests[i], bytes.data, bytes.size);
    }
    return true;
}

static bool read_event(struct baseline_event *out, struct policy_baseline *baseline,
                       const struct json *item, struct error *err)
{
    const char *words;
    int64_t pcr, type;
    if (!json_get_integer(&pcr, item, "pcr", err) || !json_get_integer(&type, item, "type", err) ||
        !json_get_text(&words, item, "words", err) ||
        !read_digests(out, &baseline->banks, item, err))
        return false;
    if (pcr < 0 || pcr >= BASELINE_PCR_COUNT || !(baseline->pcrs >> pcr & 1) || type < 0 ||
        type > UINT32_MAX)
        return malformed(err, "an event is in no selected PCR, or of no type");
    if (strlen(words) >= sizeof out->words)
        return malformed(err, "an event's words are too long");
    out->pcr = (uint32_t)pcr;
    out->type = (uint32_t)type;
    snprintf(out->words, sizeof out->words, "%s", words);
    return true;
}

static bool read_events(struct policy_baseline *baseline, const struct json *list,
                        struct error *err)
{
    uint32_t count = 0, seen = 0;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        count++;
    if (count > BASELINE_EVENTS_MAX)
        return malformed(err, "it has too many events");
    baseline->events = memory_allocate_zero(count + 1, sizeof *baseline->events);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (!read_event(&baseline->events[baseline->count], baseline, item, err))
            return false;
        seen |= 1u << baseline->events[baseline->count++].pcr;
    }
    if (seen != baseline->pcrs || baseline->banks == 0)
        return malformed(err, "a PCR has no event, or no bank has all events");
    return true;
}

bool baseline_read(struct policy_baseline *out, const struct json *object, struct error *err)
{
    const struct json *list;
    struct policy_baseline baseline = {0};
    for (size_t i = 0; i < DIGESTS_BANKS; i++)
        baseline.banks |= bank_bit(digests_algorithms[i]);
    if (!read_pcrs(&baseline, object, err) || !json_get_array(&list, object, "events", err))
        return false;
    if (!read_events(&baseline, list, err)) {
        baseline_done(&baseline);
        return false;
    }
    sort(&baseline);
    *out = baseline;
    return true;
}
