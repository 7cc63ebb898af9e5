/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON: a bounded strict parse into cJSON's tree, getters that say what was missing, and a writer
 * that appends text in the order it is called (protocol.md 2: `__type` is the first property).
 *
 * Refused when parsing: trailing bytes other than white space, a byte order mark, invalid UTF-8,
 * NULs in strings (\u0000), halves of surrogate pairs, more than JSON_DEPTH_MAX levels, more than
 * JSON_VALUES_MAX values, a property twice in one object, numbers of more than 63 characters or
 * that are not finite. Grammar and bounds are checked in one pass before cJSON sees the text.
 *
 * A long array (json_check.h) of numbers from 0 to 255 is one value, however long, and takes no
 * more memory than its text: json_get_bytes and json_bytes read it; to all others it is of no type.
 */

#include "base/buf.h"

#define JSON_DEPTH_MAX 16
#define JSON_VALUES_MAX 100000

struct json; /* one value of a parsed document; is cJSON's struct behind a cast */

/* Parses text whole. Free with json_free. base.json-malformed, base.json-too-deep. */
bool json_parse(struct json **out, struct slice text, struct error *err);
/* The same, of at most so many values instead of JSON_VALUES_MAX: what comes from a service that is
 * trusted with its size. */
bool json_parse_many(struct json **out, struct slice text, size_t values, struct error *err);
void json_free(struct json **document);
#define _cleanup_json_ __attribute__((cleanup(json_free)))

/* Borrowed from the document; NULL when object is not an object or has no such property. Names
 * match exactly. */
const struct json *json_get(const struct json *object, const char *name);
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_text(const struct json *value);
bool json_is_number(const struct json *value);
bool json_is_bool(const struct json *value);
bool json_is_null(const struct json *value);

/* The property name of object, of that type; refused with base.json-malformed that names the
 * property. */
bool json_get_text(const char **out, const struct json *object, const char *name,
                   struct error *err);
/* A whole number of at most 2^53 in magnitude, which is what a JSON number holds exactly. */
bool json_get_integer(int64_t *out, const struct json *object, const char *name, struct error *err);
bool json_get_bool(bool *out, const struct json *object, const char *name, struct error *err);
bool json_get_array(const struct json **out, const struct json *object, const char *name,
                    struct error *err);
bool json_get_object(const struct json **out, const struct json *object, const char *name,
                     struct error *err);
/* A base64 text, or an array of numbers 0–255 (protocol.md 2), appended to out. base.buffer-full at
 * out's ceiling. */
bool json_get_bytes(struct buf *out, const struct json *object, const char *name,
                    struct error *err);

/* The same of a value that the caller has; name is for messages. */
bool json_bytes(struct buf *out, const struct json *value, const char *name, struct error *err);

/* As the getters, with a default when the property is absent; a property of another type is still
 * refused. */
bool json_get_text_or(const char **out, const struct json *object, const char *name,
                      const char *otherwise, struct error *err);
bool json_get_integer_or(int64_t *out, const struct json *object, const char *name,
                         int64_t otherwise, struct error *err);
bool json_get_bool_or(bool *out, const struct json *object, const char *name, bool otherwise,
                      struct error *err);

/* Walks arrays and objects: the first child, the next sibling, the name of a property. NULL at the
 * end. */
const struct json *json_first(const struct json *parent);
const struct json *json_next(const struct json *value);
const char *json_name(const struct json *value);
/* The value itself, of that type, or NULL / 0. */
const char *json_text(const struct json *value);
double json_number(const struct json *value);
bool json_bool(const struct json *value);
/* The value as compact text, appended. */
void json_append(struct buf *out, const struct json *value);

/*
 * The writer. Commas come by themselves; names and texts are escaped (RFC 8259 section 7), invalid
 * UTF-8 becomes U+FFFD. name is NULL inside an array and for the outermost value.
 */
struct json_writer {
    struct buf *out; /* borrowed */
    int depth;
    bool comma; /* something stands before, in this object or array */
};

/* json_write.c. */
void json_writer_init(struct json_writer *writer, struct buf *out);
void json_write_object(struct json_writer *writer, const char *name);
void json_write_object_end(struct json_writer *writer);
void json_write_array(struct json_writer *writer, const char *name);
void json_write_array_end(struct json_writer *writer);
/* text NULL writes null. */
void json_write_text(struct json_writer *writer, const char *name, const char *text);
void json_write_slice(struct json_writer *writer, const char *name, struct slice text);
void json_write_integer(struct json_writer *writer, const char *name, int64_t value);
void json_write_bool(struct json_writer *writer, const char *name, bool value);
void json_write_null(struct json_writer *writer, const char *name);
/* Bytes as padded base64. */
void json_write_base64(struct json_writer *writer, const char *name, struct slice bytes);
/* Bytes as lower-case hexadecimal. */
void json_write_hex(struct json_writer *writer, const char *name, struct slice bytes);
/* Text that is JSON already. */
void json_write_raw(struct json_writer *writer, const char *name, struct slice json);
/* The error as an object: code, kind, object, message, clause, cause, remedy. */
void json_write_error(struct json_writer *writer, const char *name, const struct error *err);
