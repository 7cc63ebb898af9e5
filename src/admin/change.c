/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/change.h"

#include "admin/errors.h"
#include "store/errors.h"

#define FIELDS_MAX (256 * 1024)
#define APPLY_WAIT_MS 5000

static void write_fields(struct buf *out, const struct admin_request *request,
                         const struct admin_change *change, const struct error *failure)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_text(&writer, "object", change->object);
    json_write_text(&writer, "user", request->caller->name);
    json_write_integer(&writer, "uid", request->caller->uid);
    json_write_text(&writer, "operation", request->operation);
    if (change->before.size > 0)
        json_write_raw(&writer, "before", change->before);
    if (change->after.size > 0)
        json_write_raw(&writer, "after", change->after);
    if (failure != NULL)
        json_write_error(&writer, "error", failure);
}

static bool record(const struct admin_request *request, const struct admin_change *change,
                   const char *event, const struct error *failure, struct error *err)
{
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    write_fields(&fields, request, change, failure);
    return buf_ok(&fields, change->object, err) &&
           audit_append_wait(request->services->audit, event, buf_slice(&fields), err);
}

static bool wait_for(const struct admin_request *request, int64_t revision, const char *object,
                     int64_t milliseconds, struct error *err)
{
    const struct admin_services *services = request->services;
    if (services->wait_applied(services->context, revision, milliseconds))
        return true;
    return error_set(err, &admin_not_applied, NULL, object,
                     "revision %lld is stored but not yet in force on this node",
                     (long long)revision);
}

bool admin_change_wait(const struct admin_request *request, int64_t revision, const char *object,
                       struct error *err)
{
    return wait_for(request, revision, object, APPLY_WAIT_MS, err);
}

bool admin_change_record(const struct admin_request *request, const struct admin_change *change,
                         struct error *err)
{
    return request->dry_run || record(request, change, change->event, NULL, err);
}

/* Without a commit the store does not say what is there already. */
static bool check_absent(const struct admin_services *services, const struct admin_change *change,
                         struct error *err)
{
    for (size_t i = 0; i < change->count; i++) {
        const struct store_change *it = &change->changes[i];
        if (it->expected == STORE_ABSENT && !it->remove &&
            store_get(services->store, it->kind, it->key, NULL, NULL, NULL))
            return error_set(err, &store_conflict, NULL, it->key, "it is there already");
    }
    return true;
}

bool admin_change_commit(const struct admin_request *request, const struct admin_change *change,
                         struct error *err)
{
    const struct admin_services *services = request->services;
    int64_t revision = 0;
    if (request->dry_run)
        return check_absent(services, change, err);
    if (!record(request, change, change->event, NULL, err))
        return false;
    if (!store_commit(services->store, change->changes, change->count, &revision, err)) {
        struct error failure = *err, ignored;
        record(request, change, "change.failed", &failure, &ignored);
        return false;
    }
    return wait_for(request, revision, change->object,
                    change->wait_ms > 0 ? change->wait_ms : APPLY_WAIT_MS, err);
}
