/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/audit_key.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "audit/errors.h"
#include "base/hex.h"

#define EVENTS_BYTES_MAX (64u * 1024 * 1024)
#define ACKNOWLEDGEMENT_MAX 4096

struct events {
    struct json_writer *result;
    bool truncated;
};

/* Lines are JSON as they stand in the trail; an answer has a bound, and who wants more asks on from
 * its last one. */
static bool list_one(void *context, struct slice line, struct error *err)
{
    struct events *events = context;
    (void)err;
    events->truncated = events->result->out->size + line.size > EVENTS_BYTES_MAX;
    if (!events->truncated)
        json_write_raw(events->result, NULL, line);
    return !events->truncated;
}

bool operation_event_list(struct admin_request *request, struct json_writer *result,
                          struct error *err)
{
    struct audit_filter filter = {0};
    struct events events = {result, false};
    int64_t after, limit;
    if (!json_get_text_or(&filter.host, request->arguments, "host", NULL, err) ||
        !json_get_text_or(&filter.event, request->arguments, "event", NULL, err) ||
        !json_get_integer_or(&filter.since, request->arguments, "since", 0, err) ||
        !json_get_integer_or(&after, request->arguments, "after", 0, err) ||
        !json_get_integer_or(&limit, request->arguments, "limit", 0, err))
        return false;
    if (after < 0 || limit < 0)
        return error_set(err, &admin_argument, NULL, "event.list", "numbers here are not negative");
    filter.after = (uint64_t)after;
    filter.limit = (size_t)limit;
    audit_flush(request->services->audit);
    json_write_object(result, NULL);
    json_write_array(result, "events");
    bool ok = audit_list(request->services->audit_folder, &filter, list_one, &events, err);
    json_write_array_end(result);
    json_write_bool(result, "truncated", events.truncated);
    json_write_object_end(result);
    return ok;
}

static bool load_key(struct admin_audit_key *key, const struct admin_request *request,
                     struct error *err)
{
    if (admin_audit_key_load(key, request->services->store, err))
        return true;
    if (error_kind(err) == ERROR_NOT_FOUND)
        error_set(err, &admin_not_initialized, NULL, "audit trail",
                  "there is no key yet that signs its checkpoints");
    return false;
}

bool operation_event_key(struct admin_request *request, struct json_writer *result,
                         struct error *err)
{
    struct admin_audit_key key;
    bool ok = load_key(&key, request, err);
    if (ok) {
        json_write_object(result, NULL);
        json_write_hex(result, "key_id", slice_of(key.id, sizeof key.id));
        json_write_base64(result, "public_key", public_key_spki(key.public_key));
        json_write_object_end(result);
    }
    admin_audit_key_done(&key);
    return ok;
}

/* What the store remembers of this node's trail; sequence 0 when it remembers nothing yet. */
static bool load_head(struct audit_known *known, const struct admin_request *request,
                      struct error *err)
{
    _cleanup_buf_ struct buf value, bytes;
    _cleanup_json_ struct json *document = NULL;
    const char *text;
    int64_t number;
    buf_init(&value, STORE_VALUE_MAX);
    buf_init(&bytes, 32);
    if (!store_get(request->services->store, STORE_AUDIT_HEAD, request->services->node, &value,
                   NULL, err))
        return error_kind(err) == ERROR_NOT_FOUND;
    if (!json_parse(&document, buf_slice(&value), err) ||
        !json_get_integer(&number, document, "seq", err) ||
        !json_get_text(&text, document, "hash", err) ||
        !hex_parse(&bytes, slice_from_text(text), err))
        return false;
    if (bytes.size != 32)
        return error_set(err, &admin_argument, NULL, "audit head", "the store's record is damaged");
    memcpy(known->head_hash, bytes.data, 32);
    known->head_sequence = (uint64_t)number;
    return true;
}

static void write_report(struct json_writer *result, const struct audit_report *report)
{
    json_write_object(result, NULL);
    json_write_bool(result, "whole", report->whole);
    json_write_integer(result, "first", (int64_t)report->first);
    json_write_integer(result, "last", (int64_t)report->last);
    json_write_integer(result, "records", (int64_t)report->records);
    json_write_integer(result, "checkpoints", (int64_t)report->checkpoints);
    json_write_integer(result, "unsigned_tail", (int64_t)report->unsigned_tail);
    json_write_object_end(result);
}

bool operation_event_verify(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    struct admin_audit_key key = {0};
    struct audit_report report = {0};
    struct audit_known known = {0};
    int64_t from;
    if (!json_get_integer_or(&from, request->arguments, "from", 0, err))
        return false;
    if (from < 0)
        return error_set(err, &admin_argument, NULL, "event.verify", "no record has that number");
    known.from = (uint64_t)from;
    audit_flush(request->services->audit);
    bool initialized = admin_audit_key_load(&key, request->services->store, err);
    known.key = key.public_key;
    bool ok = (initialized || error_kind(err) == ERROR_NOT_FOUND) &&
              load_head(&known, request, err) &&
              audit_verify(request->services->audit_folder, NULL, &known, &report, err);
    admin_audit_key_done(&key);
    if (!ok)
        return false;
    if (!report.whole) {
        *err = report.problem;
        return false;
    }
    write_report(result, &report);
    return true;
}

/* Who goes on although records are lost stands in the record that says so. */
static bool record_acknowledgement(const struct admin_request *request, struct error *err)
{
    _cleanup_buf_ struct buf fields;
    struct json_writer writer;
    buf_init(&fields, ACKNOWLEDGEMENT_MAX);
    json_writer_init(&writer, &fields);
    json_write_text(&writer, "user", request->caller->name);
    json_write_integer(&writer, "uid", request->caller->uid);
    json_write_text(&writer, "operation", request->operation);
    return audit_acknowledge(request->services->audit, buf_slice(&fields), err);
}

bool operation_event_acknowledge(struct admin_request *request, struct json_writer *result,
                                 struct error *err)
{
    struct error damage = {0};
    bool damaged =
        !audit_healthy(request->services->audit, &damage) && damage.code == &audit_damaged;
    if (!damaged)
        return error_set(err, &audit_undamaged, NULL, "audit trail", "it has lost no record");
    if (!request->dry_run && !record_acknowledgement(request, err))
        return false;
    json_write_object(result, NULL);
    uint64_t newest = audit_sequence(request->services->audit);
    json_write_integer(result, "sequence", (int64_t)newest + (request->dry_run ? 1 : 0));
    json_write_error(result, "accepted", &damage);
    json_write_object_end(result);
    return true;
}
