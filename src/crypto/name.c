/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/name.h"

#include "base/hex.h"
#include "base/utf8.h"
#include "crypto/der.h"
#include "crypto/name_type.h"

#define NAME_PARTS_MAX 64
#define VALUE_SIZE_MAX 32768

/* One AttributeTypeAndValue. */
struct attribute {
    struct slice oid;
    struct slice value; /* the whole element */
};

static struct attribute read_attribute(struct reader *part)
{
    struct reader reader = der_enter(part, DER_SEQUENCE);
    struct attribute attribute = {der_read(&reader, DER_OID), der_read_element(&reader)};
    if (!reader_done(&reader) || attribute.oid.size == 0)
        part->failed = true;
    return attribute;
}

bool name_check(struct slice name)
{
    struct reader outer = reader_of(name);
    struct reader parts = der_enter(&outer, DER_SEQUENCE);
    size_t count = 0;
    while (!parts.failed && parts.rest.size > 0) {
        struct reader part = der_enter(&parts, DER_SET);
        if (part.rest.size == 0 || ++count > NAME_PARTS_MAX)
            return false;
        while (!part.failed && part.rest.size > 0)
            read_attribute(&part);
        if (part.failed)
            return false;
    }
    return reader_done(&parts) && reader_done(&outer);
}

static bool is_ascii(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] >= 0x80)
            return false;
    return true;
}

/* Two bytes a character, big-endian, no surrogates. */
static bool decode_bmp(struct buf *out, struct slice bytes)
{
    if (bytes.size % 2 != 0)
        return false;
    for (size_t i = 0; i < bytes.size; i += 2) {
        unsigned c = (unsigned)bytes.data[i] << 8 | bytes.data[i + 1];
        if (c >= 0xd800 && c <= 0xdfff)
            return false;
        if (c < 0x80) {
            buf_append_u8(out, (uint8_t)c);
        } else if (c < 0x800) {
            buf_append_u8(out, (uint8_t)(0xc0 | c >> 6));
            buf_append_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
        } else {
            buf_append_u8(out, (uint8_t)(0xe0 | c >> 12));
            buf_append_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
            buf_append_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
        }
    }
    return true;
}

/* The value's text in UTF-8; false when it is of no type that holds text, or its bytes are none. */
static bool decode_text(struct buf *out, struct slice value)
{
    struct reader reader = reader_of(value);
    uint8_t tag = der_peek(&reader);
    struct slice contents = der_read(&reader, tag);
    bool valid;
    switch (tag) {
    case DER_UTF8_STRING:
        valid = utf8_valid(contents) == contents.size;
        break;
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_TELETEX_STRING:
        valid = is_ascii(contents);
        break;
    case DER_BMP_STRING:
        return decode_bmp(out, contents);
    default:
        return false;
    }
    if (valid)
        buf_append(out, contents);
    return valid;
}

/* RFC 2253 2.4. */
static void format_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool first = i == 0, last = i + 1 == text.size;
        if (c < 0x20 || c == 0x7f) {
            buf_append_format(out, "\\%02X", c);
            continue;
        }
        if (strchr(",+\"\\<>;", c) != NULL || (first && c == '#') || ((first || last) && c == ' '))
            buf_append_u8(out, '\\');
        buf_append_u8(out, c);
    }
}

static void format_attribute(struct buf *out, struct attribute attribute)
{
    char oid[256];
    const struct name_type *type = name_type_shown(attribute.oid);
    struct buf text;
    buf_init(&text, VALUE_SIZE_MAX);
    bool shown = type != NULL && decode_text(&text, attribute.value);
    buf_append_text(out,
                    type != NULL ? type->name : der_format_oid(attribute.oid, oid, sizeof oid));
    buf_append_u8(out, '=');
    if (shown) {
        format_text(out, buf_slice(&text));
    } else {
        buf_append_u8(out, '#');
        hex_append(out, attribute.value);
    }
    buf_done(&text);
}

void name_format(struct buf *out, struct slice name)
{
    struct slice parts[NAME_PARTS_MAX];
    size_t count = 0;
    struct reader outer = reader_of(name);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    while (reader.rest.size > 0 && count < NAME_PARTS_MAX)
        parts[count++] = der_read(&reader, DER_SET);
    for (size_t i = count; i > 0; i--) {
        struct reader part = reader_of(parts[i - 1]);
        buf_append_text(out, i < count ? "," : "");
        for (bool first = true; part.rest.size > 0 && !part.failed; first = false) {
            buf_append_text(out, first ? "" : "+");
            format_attribute(out, read_attribute(&part));
        }
    }
}

void name_write_common_name(struct buf *out, const char *common_name)
{
    static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
    size_t name = der_begin(out, DER_SEQUENCE);
    size_t part = der_begin(out, DER_SET);
    size_t attribute = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, slice_of(oid_common_name, sizeof oid_common_name));
    der_write(out, DER_UTF8_STRING, slice_from_text(common_name));
    der_end(out, attribute);
    der_end(out, part);
    der_end(out, name);
}
