/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <stdio.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "attestation/host.h"

#define HOST_VALUE_MAX 16384

/* "host n1", for messages and the audit trail. */
static const char *object_of(char text[160], const char *name)
{
    snprintf(text, 160, "host %s", name);
    return text;
}

/* Two names for one key would make the audit trail ambiguous. */
static bool check_key_is_new(const struct admin_request *request,
                             const struct attestation_host *host, struct error *err)
{
    char other[ATTESTATION_NAME_SIZE];
    if (!attestation_host_find(request->services->attestation, host->mode, host->key_id, other))
        return true;
    if (strcmp(other, host->name) == 0)
        return true; /* the store says that it exists */
    return error_set(err, &admin_exists, NULL, host->name,
                     "its key is registered already, as host %s", other);
}

bool operation_host_add(struct admin_request *request, struct json_writer *result,
                        struct error *err)
{
    const char *name;
    char object[160];
    _cleanup_attestation_host_ struct attestation_host host = {0};
    _cleanup_buf_ struct buf key, value;
    buf_init(&key, ATTESTATION_HOST_KEY_MAX);
    buf_init(&value, HOST_VALUE_MAX);
    int64_t now = clock_now(request->services->clock);
    if (!admin_request_name(&name, request, err) ||
        !json_get_bytes(&key, request->arguments, "key", err) ||
        !attestation_host_init(&host, name, buf_slice(&key), now, request->caller->name, err) ||
        !check_key_is_new(request, &host, err))
        return false;
    attestation_host_format(&value, &host);
    struct store_change put = {
        .kind = STORE_HOST, .key = name, .value = buf_slice(&value), .expected = STORE_ABSENT};
    struct admin_change change = {
        "host.added", object_of(object, name), SLICE_EMPTY, buf_slice(&value), &put, 1};
    if (!admin_change_commit(request, &change, err)) {
        if (error_kind(err) == ERROR_CONFLICT)
            error_set(err, &admin_exists, NULL, name, "a host of this name is registered already");
        return false;
    }
    json_write_raw(result, NULL, buf_slice(&value));
    return true;
}

struct listing {
    struct json_writer *result;
    const char *pattern; /* NULL: all */
};

static bool list_one(void *context, const struct store_record *record, struct error *err)
{
    const struct listing *listing = context;
    (void)err;
    if (listing->pattern == NULL || fnmatch(listing->pattern, record->key, 0) == 0)
        json_write_raw(listing->result, NULL, record->value);
    return true;
}

bool operation_host_list(struct admin_request *request, struct json_writer *result,
                         struct error *err)
{
    struct listing listing = {result, NULL};
    if (!json_get_text_or(&listing.pattern, request->arguments, "pattern", NULL, err))
        return false;
    json_write_object(result, NULL);
    json_write_array(result, "hosts");
    bool ok =
        store_list(request->services->store, STORE_HOST, NULL, 0, list_one, &listing, NULL, err);
    json_write_array_end(result);
    json_write_object_end(result);
    return ok;
}

/* The record of the host that the request names. */
static bool load(struct buf *value, int64_t *revision, const char **name,
                 const struct admin_request *request, struct error *err)
{
    if (!admin_request_name(name, request, err))
        return false;
    if (store_get(request->services->store, STORE_HOST, *name, value, revision, err))
        return true;
    if (error_kind(err) == ERROR_NOT_FOUND)
        error_set(err, &admin_not_found, NULL, *name, "no host of this name is registered");
    return false;
}

bool operation_host_show(struct admin_request *request, struct json_writer *result,
                         struct error *err)
{
    const char *name;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!load(&value, NULL, &name, request, err))
        return false;
    json_write_raw(result, NULL, buf_slice(&value));
    return true;
}

bool operation_host_remove(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    const char *name;
    char object[160];
    int64_t revision = 0;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!load(&value, &revision, &name, request, err))
        return false;
    struct store_change removals[] = {
        {.kind = STORE_HOST, .key = name, .remove = true, .expected = revision},
        /* and what is remembered of its boots, if anything is */
        {.kind = STORE_PENDING, .key = name, .remove = true, .expected = STORE_ANY},
        {.kind = STORE_LAST_BOOT, .key = name, .remove = true, .expected = STORE_ANY},
    };
    struct admin_change change = {
        "host.removed", object_of(object, name), buf_slice(&value), SLICE_EMPTY, removals, 3};
    if (!admin_change_commit(request, &change, err))
        return false;
    json_write_raw(result, NULL, buf_slice(&value));
    return true;
}
