/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

uint8_t der_peek(const struct reader *reader)
{
    return reader->failed || reader->rest.size == 0 ? 0 : reader->rest.data[0];
}

/* Reads the length bytes behind a tag; anything but the shortest form fails. */
static size_t read_length(struct reader *reader)
{
    uint8_t first = reader_u8(reader);
    if (first < 0x80)
        return first;
    size_t count = first & 0x7f;
    if (count == 0 || count > 4) {
        reader->failed = true;
        return 0;
    }
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length = length << 8 | reader_u8(reader);
    if (length < 0x80 || length >> (8 * (count - 1)) == 0)
        reader->failed = true;
    return length;
}

struct slice der_read(struct reader *reader, uint8_t tag)
{
    if (reader_u8(reader) != tag)
        reader->failed = true;
    size_t length = read_length(reader);
    return reader_bytes(reader, length);
}

struct reader der_enter(struct reader *reader, uint8_t tag)
{
    struct reader inner = reader_of(der_read(reader, tag));
    inner.failed = reader->failed;
    return inner;
}

struct slice der_read_element(struct reader *reader)
{
    const uint8_t *start = reader->rest.data;
    uint8_t tag = reader_u8(reader);
    if ((tag & 0x1f) == 0x1f || tag == 0)
        reader->failed = true;
    size_t length = read_length(reader);
    reader_bytes(reader, length);
    return reader->failed ? SLICE_EMPTY : slice_of(start, (size_t)(reader->rest.data - start));
}

bool der_read_boolean(struct reader *reader)
{
    struct slice contents = der_read(reader, DER_BOOLEAN);
    if (contents.size != 1 || (contents.data[0] != 0x00 && contents.data[0] != 0xff)) {
        reader->failed = true;
        return false;
    }
    return contents.data[0] == 0xff;
}

struct slice der_read_integer(struct reader *reader)
{
    struct slice contents = der_read(reader, DER_INTEGER);
    bool valid = contents.size > 0;
    /* A first byte that only repeats the sign of the second makes it longer than need be. */
    if (contents.size > 1) {
        uint8_t sign = (contents.data[1] & 0x80) != 0 ? 0xff : 0x00;
        valid = contents.data[0] != sign;
    }
    if (!valid) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    return contents;
}

struct slice der_read_unsigned(struct reader *reader)
{
    struct slice contents = der_read_integer(reader);
    if (contents.size == 0 || (contents.data[0] & 0x80) != 0) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    if (contents.size > 1 && contents.data[0] == 0)
        return slice_of(contents.data + 1, contents.size - 1);
    return contents;
}

uint64_t der_read_number(struct reader *reader, uint64_t max)
{
    struct slice bytes = der_read_unsigned(reader);
    uint64_t value = 0;
    if (bytes.size > sizeof value)
        reader->failed = true;
    for (size_t i = 0; !reader->failed && i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    if (value > max)
        reader->failed = true;
    return reader->failed ? 0 : value;
}

struct slice der_read_bits(struct reader *reader)
{
    struct slice contents = der_read(reader, DER_BIT_STRING);
    if (contents.size == 0 || contents.data[0] != 0) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    return slice_of(contents.data + 1, contents.size - 1);
}

bool der_is(struct slice bytes, uint8_t tag)
{
    struct reader reader = reader_of(bytes);
    der_read(&reader, tag);
    return reader_done(&reader);
}

/* Two decimal digits, or -1. */
static int two_digits(const uint8_t *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* MMDDHHMMSSZ of year. */
static bool parse_time(int64_t *out, int year, const uint8_t *text)
{
    int fields[5];
    for (int i = 0; i < 5; i++)
        fields[i] = two_digits(text + 2 * i);
    if (text[10] != 'Z' || fields[0] < 1 || fields[0] > 12 || fields[1] < 1 ||
        fields[1] > days_in_month(year, fields[0]) || fields[2] < 0 || fields[2] > 23 ||
        fields[3] < 0 || fields[3] > 59 || fields[4] < 0 || fields[4] > 59)
        return false;
    struct tm time = {.tm_year = year - 1900,
                      .tm_mon = fields[0] - 1,
                      .tm_mday = fields[1],
                      .tm_hour = fields[2],
                      .tm_min = fields[3],
                      .tm_sec = fields[4]};
    *out = timegm(&time);
    return true;
}

int64_t der_read_time(struct reader *reader)
{
    int64_t time = 0;
    bool valid = false;
    if (der_peek(reader) == DER_UTC_TIME) {
        struct slice text = der_read(reader, DER_UTC_TIME);
        int year = text.size == 13 ? two_digits(text.data) : -1;
        valid = year >= 0 && parse_time(&time, year + (year < 50 ? 2000 : 1900), text.data + 2);
    } else {
        struct slice text = der_read(reader, DER_GENERALIZED_TIME);
        int century = text.size == 15 ? two_digits(text.data) : -1;
        int year = text.size == 15 ? two_digits(text.data + 2) : -1;
        valid = century >= 0 && year >= 0 && parse_time(&time, century * 100 + year, text.data + 4);
    }
    if (!valid)
        reader->failed = true;
    return valid ? time : 0;
}

char *der_format_oid(struct slice oid, char *text, size_t size)
{
    assert(size > 0);
    text[0] = '\0';
    size_t used = 0;
    uint64_t arc = 0;
    bool first = true;
    for (size_t i = 0; i < oid.size && used < size; i++) {
        arc = arc << 7 | (oid.data[i] & 0x7f);
        if (oid.data[i] & 0x80)
            continue;
        int written;
        if (first) {
            uint64_t top = arc < 80 ? arc / 40 : 2;
            written = snprintf(text + used, size - used, "%ju.%ju", (uintmax_t)top,
                               (uintmax_t)(arc - 40 * top));
        } else {
            written = snprintf(text + used, size - used, ".%ju", (uintmax_t)arc);
        }
        used += (size_t)written;
        first = false;
        arc = 0;
    }
    return text;
}

size_t der_begin(struct buf *out, uint8_t tag)
{
    buf_append_u8(out, tag);
    size_t begin = out->size;
    buf_append_u8(out, 0);
    return begin;
}

void der_end(struct buf *out, size_t begin)
{
    if (out->overflow)
        return;
    size_t length = out->size - begin - 1;
    if (length < 0x80) {
        out->data[begin] = (uint8_t)length;
        return;
    }
    size_t count = 1;
    while (count < sizeof length && length >> (8 * count) != 0)
        count++;
    if (buf_reserve(out, count) == NULL)
        return;
    uint8_t *contents = out->data + begin + 1;
    memmove(contents + count, contents, length);
    out->data[begin] = (uint8_t)(0x80 | count);
    for (size_t i = 0; i < count; i++)
        contents[i] = (uint8_t)(length >> (8 * (count - 1 - i)));
    buf_added(out, count);
}

void der_write(struct buf *out, uint8_t tag, struct slice contents)
{
    size_t begin = der_begin(out, tag);
    buf_append(out, contents);
    der_end(out, begin);
}

void der_write_unsigned(struct buf *out, struct slice big_endian)
{
    while (big_endian.size > 0 && big_endian.data[0] == 0)
        big_endian = slice_of(big_endian.data + 1, big_endian.size - 1);
    size_t begin = der_begin(out, DER_INTEGER);
    if (big_endian.size == 0 || big_endian.data[0] >= 0x80)
        buf_append_u8(out, 0);
    buf_append(out, big_endian);
    der_end(out, begin);
}

void der_write_number(struct buf *out, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    der_write_unsigned(out, slice_of(bytes, sizeof bytes));
}

void der_write_bits(struct buf *out, struct slice bytes)
{
    size_t begin = der_begin(out, DER_BIT_STRING);
    buf_append_u8(out, 0);
    buf_append(out, bytes);
    der_end(out, begin);
}

void der_write_time(struct buf *out, int64_t time)
{
    time_t seconds = (time_t)time;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    int year = parts.tm_year + 1900;
    assert(year >= 1950 && year <= 9999);
    char text[64];
    bool short_year = year < 2050;
    if (short_year)
        snprintf(text, sizeof text, "%02d", year % 100);
    else
        snprintf(text, sizeof text, "%04d", year);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%02d%02d%02d%02d%02dZ", parts.tm_mon + 1,
             parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    der_write(out, short_year ? DER_UTC_TIME : DER_GENERALIZED_TIME, slice_from_text(text));
}
