/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sink.h"

#include <assert.h>
#include <stdio.h>

#include "audit/errors.h"
#include "base/json.h"

void audit_sinks_add(struct audit_sinks *sinks, const struct audit_sink_kind *kind)
{
    assert(sinks->count < AUDIT_SINKS_MAX);
    struct audit_sink *sink = &sinks->items[sinks->count++];
    *sink = (struct audit_sink){.kind = kind};
    if (!kind->open(&sink->state, &sink->closed))
        sink->state = NULL;
}

static bool is_open(const struct audit_sink *sink, struct error *err)
{
    if (sink->closed.code == NULL)
        return true;
    if (err != NULL)
        *err = sink->closed;
    return false;
}

bool audit_sinks_check(const struct audit_sinks *sinks, struct error *err)
{
    for (size_t i = 0; i < sinks->count; i++)
        if (!sinks->items[i].kind->check(sinks->items[i].state, err) ||
            !is_open(&sinks->items[i], err))
            return false;
    return true;
}

static bool send_line(const struct audit_sinks *sinks, struct slice line, struct error *err)
{
    struct audit_record record;
    if (!audit_record_parse(&record, line))
        return error_set(err, &audit_record_invalid, NULL, "audit trail",
                         "a line that was written is no record");
    for (size_t i = 0; i < sinks->count; i++) {
        const struct audit_sink *sink = &sinks->items[i];
        if (!is_open(sink, err) || !sink->kind->send(sink->state, &record, line, err))
            return false;
    }
    return true;
}

bool audit_sinks_send(const struct audit_sinks *sinks, struct slice lines, struct error *err)
{
    while (sinks->count > 0 && lines.size > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.size);
        size_t size = end != NULL ? (size_t)(end - lines.data) : lines.size;
        if (!send_line(sinks, slice_of(lines.data, size), err))
            return false;
        size_t behind = end != NULL ? size + 1 : size;
        lines = slice_of(lines.data + behind, lines.size - behind);
    }
    return true;
}

void audit_sinks_close(struct audit_sinks *sinks)
{
    for (size_t i = 0; i < sinks->count; i++)
        if (is_open(&sinks->items[i], NULL))
            sinks->items[i].kind->close(sinks->items[i].state);
    sinks->count = 0;
}

/* A scalar as text; NULL for what is none. */
static const char *text_of(const struct json *value, char number[32])
{
    if (json_is_text(value))
        return json_text(value);
    if (json_is_bool(value))
        return json_bool(value) ? "true" : "false";
    if (!json_is_number(value))
        return NULL;
    snprintf(number, 32, "%.17g", json_number(value));
    return number;
}

void audit_sink_each_field(const struct audit_record *record,
                           void (*each)(void *context, const char *name, const char *value),
                           void *context)
{
    _cleanup_buf_ struct buf object;
    _cleanup_json_ struct json *fields = NULL;
    buf_init(&object, record->fields.size + 2);
    buf_append_u8(&object, '{');
    buf_append(&object, record->fields);
    buf_append_u8(&object, '}');
    if (!json_parse(&fields, buf_slice(&object), NULL))
        return; /* the line itself is sent in any case */
    for (const struct json *it = json_first(fields); it != NULL; it = json_next(it)) {
        char number[32];
        const char *value = text_of(it, number);
        if (value != NULL)
            each(context, json_name(it), value);
    }
}
