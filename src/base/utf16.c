/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"

#include "base/utf8.h"

/* The next character; UINT32_MAX: half a surrogate pair. */
static uint32_t read_character(struct reader *reader)
{
    uint32_t high = reader_u16_le(reader);
    if (high < 0xD800 || high > 0xDFFF)
        return high;
    uint32_t low = reader_u16_le(reader);
    if (high > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return UINT32_MAX;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static void append_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_append_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_append_u8(out, (uint8_t)(0xC0 | c >> 6));
        buf_append_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_append_u8(out, (uint8_t)(0xE0 | c >> 12));
        buf_append_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_append_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        buf_append_u8(out, (uint8_t)(0xF0 | c >> 18));
        buf_append_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
        buf_append_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_append_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    }
}

bool utf16_to_utf8(struct buf *out, struct slice bytes)
{
    struct reader check = reader_of(bytes);
    while (check.rest.size > 0 && !check.failed)
        if (read_character(&check) == UINT32_MAX)
            return false;
    if (check.failed)
        return false;
    struct reader reader = reader_of(bytes);
    while (reader.rest.size > 0)
        append_utf8(out, read_character(&reader));
    return true;
}

/* The character of length bytes at the front of text, which is valid. */
static uint32_t decode(const uint8_t *text, size_t length)
{
    static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c = text[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | (text[i] & 0x3F);
    return c;
}

bool utf16_from_utf8(struct buf *out, struct slice text)
{
    if (utf8_valid(text) != text.size)
        return false;
    while (text.size > 0) {
        size_t length = utf8_length(text);
        uint32_t c = decode(text.data, length);
        if (c >= 0x10000) {
            buf_append_u16_le(out, (uint16_t)(0xD800 + ((c - 0x10000) >> 10)));
            buf_append_u16_le(out, (uint16_t)(0xDC00 + ((c - 0x10000) & 0x3FF)));
        } else {
            buf_append_u16_le(out, (uint16_t)c);
        }
        text = slice_of(text.data + length, text.size - length);
    }
    return true;
}
