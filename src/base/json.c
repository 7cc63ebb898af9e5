/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/errors.h"
#include "base/json_check.h"
#include "base/memory.h"

#define INTEGER_MAX 9007199254740992.0 /* 2^53 */
#define FEW_PROPERTIES 16

static const cJSON *node_of(const struct json *value)
{
    return (const cJSON *)value;
}

static const struct json *json_of(const cJSON *node)
{
    return (const struct json *)node;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* A property that object holds twice, or NULL. */
static const char *find_twin_sorted(const cJSON *object, size_t count)
{
    _cleanup_free_ const cJSON **members = memory_allocate_zero(count, sizeof *members);
    size_t i = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        members[i++] = member;
    qsort(members, count, sizeof *members, compare_names);
    for (i = 1; i < count; i++) {
        if (strcmp(members[i - 1]->string, members[i]->string) == 0)
            return members[i]->string;
    }
    return NULL;
}

static const char *find_twin(const cJSON *object)
{
    size_t count = (size_t)cJSON_GetArraySize(object);
    if (count > FEW_PROPERTIES)
        return find_twin_sorted(object, count);
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        for (const cJSON *b = a->next; b != NULL; b = b->next) {
            if (strcmp(a->string, b->string) == 0)
                return b->string;
        }
    }
    return NULL;
}

/* A tree that cJSON made of a text from which what is long was left out. */
struct graft {
    const struct json_longs *longs;
    size_t next;   /* of them */
    size_t values; /* that the walk has seen */
};

/* Puts what was left out back in its place: a text as cJSON would have it, and an array of bytes as
 * its text, which only json_get_bytes reads. */
static void put_back(cJSON *node, const struct json_long *value)
{
    char *text = memory_allocate(value->text.size + 1);
    memcpy(text, value->text.data, value->text.size);
    text[value->text.size] = '\0';
    cJSON_free(node->valuestring);
    node->valuestring = text;
    if (value->is_bytes)
        node->type = cJSON_Raw;
}

/* What json_check cannot see: names that are equal once they are unescaped, numbers' values.
 * Recursion is bounded by JSON_DEPTH_MAX. */
static bool check_tree(cJSON *node, struct graft *graft, struct error *err)
{
    const struct json_longs *longs = graft->longs;
    if (graft->next < longs->count && longs->items[graft->next].value == graft->values)
        put_back(node, &longs->items[graft->next++]);
    graft->values++;
    if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
        return error_set(err, &base_json_malformed, "RFC 8259 section 6", node->string,
                         "is a number too large to represent");
    if (cJSON_IsObject(node)) {
        const char *twin = find_twin(node);
        if (twin != NULL)
            return error_set(err, &base_json_malformed, "RFC 8259 section 4", twin,
                             "is given twice in one object");
    }
    for (cJSON *child = node->child; child != NULL; child = child->next) {
        if (!check_tree(child, graft, err))
            return false;
    }
    return true;
}

/* With an empty text in the place of each long value. */
static cJSON *parse_without(const struct json_longs *longs, struct slice text)
{
    _cleanup_buf_ struct buf rest;
    const uint8_t *from = text.data;
    buf_init(&rest, text.size);
    if (longs->count == 0)
        return cJSON_ParseWithLength((const char *)text.data, text.size);
    for (size_t i = 0; i < longs->count; i++) {
        const struct json_long *value = &longs->items[i];
        buf_append_bytes(&rest, from, (size_t)(value->text.data - from));
        if (value->is_bytes)
            buf_append_text(&rest, "\"\"");
        from = value->text.data + value->text.size;
    }
    buf_append_bytes(&rest, from, (size_t)(text.data + text.size - from));
    return cJSON_ParseWithLength((const char *)rest.data, rest.size);
}

bool json_parse(struct json **out, struct slice text, struct error *err)
{
    return json_parse_many(out, text, JSON_VALUES_MAX, err);
}

bool json_parse_many(struct json **out, struct slice text, size_t values, struct error *err)
{
    struct json_longs longs;
    if (!json_check(&longs, text, values, err))
        return false;
    cJSON *root = parse_without(&longs, text);
    if (root == NULL) {
        /* Reached only if cJSON is stricter than RFC 8259 somewhere. */
        return error_set(err, &base_json_malformed, "RFC 8259", NULL, "cannot be parsed");
    }
    if (!check_tree(root, &(struct graft){.longs = &longs}, err)) {
        cJSON_Delete(root);
        return false;
    }
    *out = (struct json *)root;
    return true;
}

void json_free(struct json **document)
{
    if (document == NULL)
        return;
    cJSON_Delete((cJSON *)*document);
    *document = NULL;
}

const struct json *json_get(const struct json *object, const char *name)
{
    if (!cJSON_IsObject(node_of(object)))
        return NULL;
    return json_of(cJSON_GetObjectItemCaseSensitive(node_of(object), name));
}

bool json_is_object(const struct json *value)
{
    return value != NULL && cJSON_IsObject(node_of(value));
}

bool json_is_array(const struct json *value)
{
    return value != NULL && cJSON_IsArray(node_of(value));
}

bool json_is_text(const struct json *value)
{
    return value != NULL && cJSON_IsString(node_of(value));
}

bool json_is_number(const struct json *value)
{
    return value != NULL && cJSON_IsNumber(node_of(value));
}

bool json_is_bool(const struct json *value)
{
    return value != NULL && cJSON_IsBool(node_of(value));
}

bool json_is_null(const struct json *value)
{
    return value != NULL && cJSON_IsNull(node_of(value));
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
    *out = node_of(found)->valuestring;
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
    *out = cJSON_IsTrue(node_of(found));
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

/* Of a long array, which json_check has seen to be of such numbers. */
static bool append_raw_numbers(struct buf *out, const char *text, const char *name,
                               struct error *err)
{
    size_t before = out->size;
    unsigned number = 0;
    for (const char *at = text + 1; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9')
            number = 10 * number + (unsigned)(*at - '0');
        if (*at != ',' && *at != ']')
            continue;
        buf_append_u8(out, (uint8_t)number);
        number = 0;
    }
    if (buf_ok(out, name, err))
        return true;
    out->size = before;
    return false;
}

static bool append_numbers(struct buf *out, const cJSON *array, const char *name, struct error *err)
{
    size_t before = out->size;
    if (cJSON_IsRaw(array))
        return append_raw_numbers(out, array->valuestring, name, err);
    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        double number = item->valuedouble;
        if (!cJSON_IsNumber(item) || number < 0 || number > 255 || number != floor(number)) {
            out->size = before;
            return error_set(err, &base_json_malformed, NULL, name,
                             "is an array with something else than numbers from 0 to 255");
        }
        buf_append_u8(out, (uint8_t)number);
    }
    return buf_ok(out, name, err);
}

bool json_bytes(struct buf *out, const struct json *value, const char *name, struct error *err)
{
    if (json_is_array(value) || (value != NULL && cJSON_IsRaw(node_of(value))))
        return append_numbers(out, node_of(value), name, err);
    if (!json_is_text(value))
        return refuse_property(value, name, "base64 or an array of numbers from 0 to 255", err);
    struct error reason = {0};
    if (base64_parse(out, slice_from_text(node_of(value)->valuestring), &reason))
        return true;
    if (reason.code == &base_buffer_full)
        return error_set(err, &base_buffer_full, NULL, name, "%s", reason.message);
    return error_set(err, &base_json_malformed, reason.clause, name, "is not base64: %s",
                     reason.message);
}

bool json_get_bytes(struct buf *out, const struct json *object, const char *name, struct error *err)
{
    return json_bytes(out, json_get(object, name), name, err);
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
    return parent != NULL ? json_of(node_of(parent)->child) : NULL;
}

const struct json *json_next(const struct json *value)
{
    return value != NULL ? json_of(node_of(value)->next) : NULL;
}

const char *json_name(const struct json *value)
{
    return value != NULL ? node_of(value)->string : NULL;
}

const char *json_text(const struct json *value)
{
    return json_is_text(value) ? node_of(value)->valuestring : NULL;
}

double json_number(const struct json *value)
{
    return json_is_number(value) ? node_of(value)->valuedouble : 0;
}

bool json_bool(const struct json *value)
{
    return cJSON_IsTrue(node_of(value));
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

/* name is not always the node's: the outermost value has none. Recursion is bounded by
 * JSON_DEPTH_MAX. */
static void append_value(struct json_writer *writer, const char *name, const cJSON *node)
{
    bool object = cJSON_IsObject(node);
    if (object)
        json_write_object(writer, name);
    else if (cJSON_IsArray(node))
        json_write_array(writer, name);
    else if (cJSON_IsString(node))
        json_write_text(writer, name, node->valuestring);
    else if (cJSON_IsRaw(node))
        json_write_raw(writer, name, slice_from_text(node->valuestring));
    else if (cJSON_IsNumber(node))
        append_number(writer, name, node->valuedouble);
    else if (cJSON_IsBool(node))
        json_write_bool(writer, name, cJSON_IsTrue(node));
    else
        json_write_null(writer, name);
    for (const cJSON *child = node->child; child != NULL; child = child->next)
        append_value(writer, child->string, child);
    if (object)
        json_write_object_end(writer);
    else if (cJSON_IsArray(node))
        json_write_array_end(writer);
}

void json_append(struct buf *out, const struct json *value)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    append_value(&writer, NULL, node_of(value));
}
