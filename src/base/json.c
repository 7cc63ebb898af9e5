/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/errors.h"
#include "base/json_check.h"
#include "base/json_tree.h"
#include "base/memory.h"

#define INTEGER_MAX 9007199254740992.0 /* 2^53 */
#define FEW_PROPERTIES 16

static bool is(const struct json *value, enum json_kind kind)
{
    return value != NULL && value->kind == kind;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct json *const *)a)->name, (*(const struct json *const *)b)->name);
}

/* A property that object holds twice, or NULL. */
static const char *find_twin_sorted(const struct json *object, size_t count)
{
    _cleanup_free_ const struct json **members = memory_allocate_zero(count, sizeof *members);
    size_t i = 0;
    for (const struct json *member = object->first; member != NULL; member = member->next)
        members[i++] = member;
    qsort(members, count, sizeof *members, compare_names);
    for (i = 1; i < count; i++) {
        if (strcmp(members[i - 1]->name, members[i]->name) == 0)
            return members[i]->name;
    }
    return NULL;
}

static const char *find_twin(const struct json *object)
{
    size_t count = 0;
    for (const struct json *member = object->first; member != NULL; member = member->next)
        count++;
    if (count > FEW_PROPERTIES)
        return find_twin_sorted(object, count);
    for (const struct json *a = object->first; a != NULL; a = a->next) {
        for (const struct json *b = a->next; b != NULL; b = b->next) {
            if (strcmp(a->name, b->name) == 0)
                return b->name;
        }
    }
    return NULL;
}

/* What json_check cannot see: names that are equal once they are unescaped, numbers' values.
 * Recursion is bounded by JSON_DEPTH_MAX. */
static bool check_tree(const struct json *value, struct error *err)
{
    if (value->kind == JSON_NUMBER && !isfinite(value->number))
        return error_set(err, &base_json_malformed, "RFC 8259 section 6", value->name,
                         "is a number too large to represent");
    const char *twin = value->kind == JSON_OBJECT ? find_twin(value) : NULL;
    if (twin != NULL)
        return error_set(err, &base_json_malformed, "RFC 8259 section 4", twin,
                         "is given twice in one object");
    for (const struct json *child = json_first(value); child != NULL; child = child->next) {
        if (!check_tree(child, err))
            return false;
    }
    return true;
}

bool json_parse(struct json **out, struct slice text, struct error *err)
{
    size_t values;
    if (!json_check(&values, text, err))
        return false;
    struct json *document = json_tree_build(text, values);
    if (!check_tree(document, err)) {
        free(document);
        return false;
    }
    *out = document;
    return true;
}

void json_free(struct json **document)
{
    if (document == NULL)
        return;
    free(*document);
    *document = NULL;
}

const struct json *json_get(const struct json *object, const char *name)
{
    if (!is(object, JSON_OBJECT))
        return NULL;
    const struct json *member = object->first;
    while (member != NULL && strcmp(member->name, name) != 0)
        member = member->next;
    return member;
}

bool json_is_object(const struct json *value)
{
    return is(value, JSON_OBJECT);
}

bool json_is_array(const struct json *value)
{
    return is(value, JSON_ARRAY);
}

bool json_is_text(const struct json *value)
{
    return is(value, JSON_TEXT);
}

bool json_is_number(const struct json *value)
{
    return is(value, JSON_NUMBER);
}

bool json_is_bool(const struct json *value)
{
    return is(value, JSON_BOOL);
}

bool json_is_null(const struct json *value)
{
    return is(value, JSON_NULL);
}

static bool refuse_property(const struct json *found, const char *name, const char *type,
                            struct error *err)
{
    if (found == NULL)
        return error_set(err, &base_json_malformed, NULL, name, "is missing: expected %s", type);
    return error_set(err, &base_json_malformed, NULL, name, "is not %s", type);
}

bool json_get_text(const char **out, const struct json *object, const char *name, struct error *err)
{
    const struct json *found = json_get(object, name);
    if (!json_is_text(found))
        return refuse_property(found, name, "a text", err);
    *out = json_text(found);
    return true;
}

bool json_get_integer(int64_t *out, const struct json *object, const char *name, struct error *err)
{
    const struct json *found = json_get(object, name);
    double number = json_number(found);
    if (!json_is_number(found) || number != floor(number) || fabs(number) > INTEGER_MAX)
        return refuse_property(found, name, "a whole number", err);
    *out = (int64_t)number;
    return true;
}

bool json_get_bool(bool *out, const struct json *object, const char *name, struct error *err)
{
    const struct json *found = json_get(object, name);
    if (!json_is_bool(found))
        return refuse_property(found, name, "true or false", err);
    *out = found->truth;
    return true;
}

bool json_get_array(const struct json **out, const struct json *object, const char *name,
                    struct error *err)
{
    const struct json *found = json_get(object, name);
    if (!json_is_array(found))
        return refuse_property(found, name, "an array", err);
    *out = found;
    return true;
}

bool json_get_object(const struct json **out, const struct json *object, const char *name,
                     struct error *err)
{
    const struct json *found = json_get(object, name);
    if (!json_is_object(found))
        return refuse_property(found, name, "an object", err);
    *out = found;
    return true;
}

static bool append_numbers(struct buf *out, const struct json *array, const char *name,
                           struct error *err)
{
    size_t before = out->size;
    for (const struct json *item = array->first; item != NULL; item = item->next) {
        double number = json_number(item);
        if (item->kind != JSON_NUMBER || number < 0 || number > 255 || number != floor(number)) {
            out->size = before;
            return error_set(err, &base_json_malformed, NULL, name,
                             "is an array with something else than numbers from 0 to 255");
        }
        buf_append_u8(out, (uint8_t)number);
    }
    return buf_ok(out, name, err);
}

bool json_get_bytes(struct buf *out, const struct json *object, const char *name, struct error *err)
{
    const struct json *found = json_get(object, name);
    if (json_is_array(found))
        return append_numbers(out, found, name, err);
    if (!json_is_text(found))
        return refuse_property(found, name, "base64 or an array of numbers from 0 to 255", err);
    struct error reason = {0};
    if (base64_parse(out, found->text, &reason))
        return true;
    if (reason.code == &base_buffer_full)
        return error_set(err, &base_buffer_full, NULL, name, "%s", reason.message);
    return error_set(err, &base_json_malformed, reason.clause, name, "is not base64: %s",
                     reason.message);
}

bool json_get_text_or(const char **out, const struct json *object, const char *name,
                      const char *otherwise, struct error *err)
{
    if (json_get(object, name) != NULL)
        return json_get_text(out, object, name, err);
    *out = otherwise;
    return true;
}

bool json_get_integer_or(int64_t *out, const struct json *object, const char *name,
                         int64_t otherwise, struct error *err)
{
    if (json_get(object, name) != NULL)
        return json_get_integer(out, object, name, err);
    *out = otherwise;
    return true;
}

bool json_get_bool_or(bool *out, const struct json *object, const char *name, bool otherwise,
                      struct error *err)
{
    if (json_get(object, name) != NULL)
        return json_get_bool(out, object, name, err);
    *out = otherwise;
    return true;
}

const struct json *json_first(const struct json *parent)
{
    return is(parent, JSON_ARRAY) || is(parent, JSON_OBJECT) ? parent->first : NULL;
}

const struct json *json_next(const struct json *value)
{
    return value != NULL ? value->next : NULL;
}

const char *json_name(const struct json *value)
{
    return value != NULL ? value->name : NULL;
}

const char *json_text(const struct json *value)
{
    return is(value, JSON_TEXT) ? (const char *)value->text.data : NULL;
}

double json_number(const struct json *value)
{
    return is(value, JSON_NUMBER) ? value->number : 0;
}

bool json_bool(const struct json *value)
{
    return is(value, JSON_BOOL) && value->truth;
}

static void append_number(struct json_writer *writer, const char *name, double number)
{
    if (number == floor(number) && fabs(number) <= INTEGER_MAX) {
        json_write_integer(writer, name, (int64_t)number);
        return;
    }
    char text[32];
    int size = 0;
    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break; /* the fewest digits that stand for it */
    }
    json_write_raw(writer, name, slice_of(text, (size_t)size));
}

/* name is not always the value's: the outermost one has none. Recursion is bounded by
 * JSON_DEPTH_MAX. */
static void append_value(struct json_writer *writer, const char *name, const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        json_write_null(writer, name);
        return;
    case JSON_BOOL:
        json_write_bool(writer, name, value->truth);
        return;
    case JSON_NUMBER:
        append_number(writer, name, value->number);
        return;
    case JSON_TEXT:
        json_write_slice(writer, name, value->text);
        return;
    case JSON_ARRAY:
        json_write_array(writer, name);
        break;
    case JSON_OBJECT:
        json_write_object(writer, name);
        break;
    }
    for (const struct json *child = value->first; child != NULL; child = child->next)
        append_value(writer, child->name, child);
    if (value->kind == JSON_OBJECT)
        json_write_object_end(writer);
    else
        json_write_array_end(writer);
}

void json_append(struct buf *out, const struct json *value)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    append_value(&writer, NULL, value);
}
