/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void json_writer_init(struct json_writer *writer, struct buf *out)
{
    *writer = (struct json_writer){.out = out};
}

/* The bytes at the front of text that stand in a JSON string as they are. */
static size_t plain_run(struct slice text)
{
    size_t size = 0;
    while (size < text.size) {
        uint8_t c = text.data[size];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80)
            break;
        size++;
    }
    return size;
}

static void append_escape(struct buf *out, uint8_t c)
{
    static const char *const short_escapes[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",  ['\f'] = "\\f",
        ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    if (short_escapes[c] != NULL)
        buf_append_text(out, short_escapes[c]);
    else
        buf_append_format(out, "\\u%04x", c);
}

/* Appends the character at the front of text, which is not plain, and returns its length. */
static size_t append_character(struct buf *out, struct slice text)
{
    size_t size = utf8_length(text);
    if (text.data[0] < 0x80)
        append_escape(out, text.data[0]);
    else if (size > 0)
        buf_append_bytes(out, text.data, size);
    else
        buf_append_text(out, REPLACEMENT);
    return size > 0 ? size : 1;
}

static void append_quoted(struct buf *out, struct slice text)
{
    buf_append_u8(out, '"');
    while (text.size > 0) {
        size_t size = plain_run(text);
        if (size > 0)
            buf_append_bytes(out, text.data, size);
        else
            size = append_character(out, text);
        text = slice_of(text.data + size, text.size - size);
    }
    buf_append_u8(out, '"');
}

/* What stands before a value: the comma and the property's name. */
static void begin(struct json_writer *writer, const char *name)
{
    if (writer->comma)
        buf_append_u8(writer->out, ',');
    writer->comma = true;
    if (name == NULL)
        return;
    append_quoted(writer->out, slice_from_text(name));
    buf_append_u8(writer->out, ':');
}

static void open_level(struct json_writer *writer, const char *name, uint8_t bracket)
{
    begin(writer, name);
    buf_append_u8(writer->out, bracket);
    writer->depth++;
    writer->comma = false;
}

static void close_level(struct json_writer *writer, uint8_t bracket)
{
    assert(writer->depth > 0);
    buf_append_u8(writer->out, bracket);
    writer->depth--;
    writer->comma = true;
}

void json_write_object(struct json_writer *writer, const char *name)
{
    open_level(writer, name, '{');
}

void json_write_object_end(struct json_writer *writer)
{
    close_level(writer, '}');
}

void json_write_array(struct json_writer *writer, const char *name)
{
    open_level(writer, name, '[');
}

void json_write_array_end(struct json_writer *writer)
{
    close_level(writer, ']');
}

void json_write_text(struct json_writer *writer, const char *name, const char *text)
{
    if (text == NULL)
        json_write_null(writer, name);
    else
        json_write_slice(writer, name, slice_from_text(text));
}

void json_write_slice(struct json_writer *writer, const char *name, struct slice text)
{
    begin(writer, name);
    append_quoted(writer->out, text);
}

void json_write_integer(struct json_writer *writer, const char *name, int64_t value)
{
    begin(writer, name);
    buf_append_format(writer->out, "%" PRId64, value);
}

void json_write_bool(struct json_writer *writer, const char *name, bool value)
{
    begin(writer, name);
    buf_append_text(writer->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *writer, const char *name)
{
    begin(writer, name);
    buf_append_text(writer->out, "null");
}

void json_write_base64(struct json_writer *writer, const char *name, struct slice bytes)
{
    begin(writer, name);
    buf_append_u8(writer->out, '"');
    base64_append(writer->out, bytes);
    buf_append_u8(writer->out, '"');
}

void json_write_hex(struct json_writer *writer, const char *name, struct slice bytes)
{
    begin(writer, name);
    buf_append_u8(writer->out, '"');
    hex_append(writer->out, bytes);
    buf_append_u8(writer->out, '"');
}

void json_write_raw(struct json_writer *writer, const char *name, struct slice json)
{
    begin(writer, name);
    buf_append(writer->out, json);
}

void json_write_error(struct json_writer *writer, const char *name, const struct error *err)
{
    json_write_object(writer, name);
    json_write_text(writer, "code", err->code != NULL ? err->code->name : NULL);
    json_write_text(writer, "kind", error_kind_name(error_kind(err)));
    json_write_text(writer, "object", err->object);
    json_write_text(writer, "message", err->message);
    if (err->clause != NULL)
        json_write_text(writer, "clause", err->clause);
    json_write_text(writer, "cause", err->code != NULL ? err->code->cause : NULL);
    json_write_text(writer, "remedy", err->code != NULL ? err->code->remedy : NULL);
    json_write_object_end(writer);
}
