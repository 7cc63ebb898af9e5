/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A slice borrows bytes: a pointer and a count, owned by somebody else and valid as long as they
 * are. A reader walks a slice from the front and fails, once and for good, when it ends early.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* may be NULL when size is 0 */
    size_t size;         /* bytes */
};

#define SLICE_EMPTY ((struct slice){NULL, 0})

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){data, size};
}

/* The text without its NUL. */
static inline struct slice slice_from_text(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* Not for secrets: see secret_equal. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_equals_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_from_text(text));
}

/* A cursor over a slice. failed is set when a read wanted more than was left; reads then give
 * zeros. */
struct reader {
    struct slice rest;
    bool failed;
};

static inline struct reader reader_of(struct slice in)
{
    return (struct reader){in, false};
}

/* The next size bytes, or an empty slice and failed. */
static inline struct slice reader_bytes(struct reader *reader, size_t size)
{
    if (reader->failed || reader->rest.size < size) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    struct slice bytes = {reader->rest.data, size};
    if (size > 0)
        reader->rest.data += size;
    reader->rest.size -= size;
    return bytes;
}

static inline uint8_t reader_u8(struct reader *reader)
{
    struct slice b = reader_bytes(reader, 1);
    return b.size == 1 ? b.data[0] : 0;
}

static inline uint16_t reader_u16_le(struct reader *reader)
{
    struct slice b = reader_bytes(reader, 2);
    return b.size == 2 ? (uint16_t)(b.data[0] | b.data[1] << 8) : 0;
}

static inline uint32_t reader_u32_le(struct reader *reader)
{
    struct slice b = reader_bytes(reader, 4);
    return b.size == 4 ? (uint32_t)b.data[0] | (uint32_t)b.data[1] << 8 |
                             (uint32_t)b.data[2] << 16 | (uint32_t)b.data[3] << 24
                       : 0;
}

static inline uint16_t reader_u16_be(struct reader *reader)
{
    struct slice b = reader_bytes(reader, 2);
    return b.size == 2 ? (uint16_t)(b.data[0] << 8 | b.data[1]) : 0;
}

static inline uint32_t reader_u32_be(struct reader *reader)
{
    uint32_t high = reader_u16_be(reader);
    return high << 16 | reader_u16_be(reader);
}

static inline uint64_t reader_u64_le(struct reader *reader)
{
    uint64_t low = reader_u32_le(reader);
    return low | (uint64_t)reader_u32_le(reader) << 32;
}

/* True when everything was read and nothing was missing: trailing bytes are an error. */
static inline bool reader_done(const struct reader *reader)
{
    return !reader->failed && reader->rest.size == 0;
}
