/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record.h"

#include <stdio.h>

#include "audit/audit.h"
#include "audit/errors.h"
#include "base/hex.h"

#define TIME_SIZE (CLOCK_TEXT_SIZE - 1)
#define HEX_SIZE (2 * AUDIT_HASH_SIZE)

/* More digits than a trail will ever need, and none that overflow. */
#define DIGITS_MAX 18

static bool is_event_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool audit_record_check(const char *event, struct slice fields, struct error *err)
{
    size_t size = strnlen(event, AUDIT_EVENT_MAX + 1);
    bool word = size > 0 && size <= AUDIT_EVENT_MAX;
    for (size_t i = 0; word && i < size; i++)
        word = is_event_character((uint8_t)event[i]);
    if (!word)
        return error_set(err, &audit_record_invalid, NULL, event, "is no word for an event");
    if (fields.size > AUDIT_RECORD_FIELDS_MAX)
        return error_set(err, &audit_record_invalid, NULL, event,
                         "its fields are %zu bytes; at most %d are taken", fields.size,
                         AUDIT_RECORD_FIELDS_MAX);
    for (size_t i = 0; i < fields.size; i++)
        if (fields.data[i] < 0x20)
            return error_set(err, &audit_record_invalid, NULL, event,
                             "its fields hold a control character at byte %zu", i + 1);
    return true;
}

void audit_record_append(struct buf *out, struct audit_place *place,
                         const char time[CLOCK_TEXT_SIZE], struct slice event, struct slice fields)
{
    size_t start = out->size;
    char number[24];
    int digits = snprintf(number, sizeof number, "%llu", (unsigned long long)place->sequence + 1);
    buf_append_text(out, "{\"seq\":");
    buf_append_bytes(out, number, (size_t)digits);
    buf_append_text(out, ",\"time\":\"");
    buf_append_bytes(out, time, TIME_SIZE);
    buf_append_text(out, "\",\"event\":\"");
    buf_append(out, event);
    buf_append_text(out, fields.size > 0 ? "\"," : "\"");
    buf_append(out, fields);
    buf_append_text(out, ",\"prev\":\"");
    hex_append(out, slice_of(place->hash, AUDIT_HASH_SIZE));
    buf_append_text(out, "\"}");
    digest_sha256(place->hash, slice_of(out->data + start, out->size - start));
    place->sequence++;
    buf_append_text(out, "\n");
}

static bool skip_text(struct reader *reader, const char *text)
{
    return slice_equals_text(reader_bytes(reader, strlen(text)), text);
}

static bool read_sequence(uint64_t *out, struct reader *reader)
{
    uint64_t value = 0;
    int digits = 0;
    while (reader->rest.size > 0 && reader->rest.data[0] >= '0' && reader->rest.data[0] <= '9') {
        value = value * 10 + (uint64_t)(reader_u8(reader) - '0');
        if (++digits > DIGITS_MAX || value == 0)
            return false;
    }
    *out = value;
    return digits > 0;
}

static bool read_time(char out[CLOCK_TEXT_SIZE], struct reader *reader)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    struct slice text = reader_bytes(reader, TIME_SIZE);
    if (text.size != TIME_SIZE)
        return false;
    for (size_t i = 0; i < TIME_SIZE; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (form[i] == '0' ? !digit : text.data[i] != (uint8_t)form[i])
            return false;
    }
    memcpy(out, text.data, TIME_SIZE);
    out[TIME_SIZE] = '\0';
    return true;
}

static struct slice read_event(struct reader *reader)
{
    size_t size = 0;
    while (size < reader->rest.size && is_event_character(reader->rest.data[size]))
        size++;
    return reader_bytes(reader, size);
}

static bool read_hash(uint8_t out[AUDIT_HASH_SIZE], struct slice text)
{
    if (text.size != HEX_SIZE)
        return false;
    for (size_t i = 0; i < AUDIT_HASH_SIZE; i++) {
        unsigned byte = 0;
        for (size_t n = 2 * i; n < 2 * i + 2; n++) {
            uint8_t c = text.data[n];
            bool digit = c >= '0' && c <= '9';
            if (!digit && !(c >= 'a' && c <= 'f')) /* one spelling: lower case */
                return false;
            byte = byte << 4 | (unsigned)(digit ? c - '0' : c - 'a' + 10);
        }
        out[i] = (uint8_t)byte;
    }
    return true;
}

/* From the end, because only there it cannot be mistaken for a part of the fields. */
static bool read_previous(uint8_t out[AUDIT_HASH_SIZE], struct reader *reader)
{
    static const char before[] = ",\"prev\":\"", behind[] = "\"}";
    size_t size = sizeof before - 1 + HEX_SIZE + sizeof behind - 1;
    if (reader->rest.size < size)
        return false;
    struct reader end = reader_of(slice_of(reader->rest.data + reader->rest.size - size, size));
    reader->rest.size -= size;
    return skip_text(&end, before) && read_hash(out, reader_bytes(&end, HEX_SIZE)) &&
           skip_text(&end, behind);
}

bool audit_record_parse(struct audit_record *out, struct slice line)
{
    struct reader reader = reader_of(line);
    struct audit_record record = {0};
    if (line.size > AUDIT_LINE_MAX || !skip_text(&reader, "{\"seq\":") ||
        !read_sequence(&record.sequence, &reader) || !skip_text(&reader, ",\"time\":\"") ||
        !read_time(record.time, &reader) || !skip_text(&reader, "\",\"event\":\""))
        return false;
    record.event = read_event(&reader);
    if (record.event.size == 0 || !skip_text(&reader, "\"") ||
        !read_previous(record.previous, &reader))
        return false;
    /* The comma comes with fields, and only with them. */
    if (reader.rest.size > 0 && (!skip_text(&reader, ",") || reader.rest.size == 0))
        return false;
    record.fields = reader.rest;
    *out = record;
    return true;
}
