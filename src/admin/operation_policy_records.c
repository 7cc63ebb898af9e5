/* SPDX-License-Identifier: Apache-2.0 */

/* policy.records: what `policy explain` judges a log by, as the service would. */

#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/tpm_mode.h"

/* Records go as texts: together they may have more values than one JSON document may. */
static bool write_record(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    json_write_slice(context, NULL, record->value);
    return true;
}

/* "host": the record of the host that argument "host" names. */
static bool write_host(struct json_writer *result, const struct admin_request *request,
                       struct error *err)
{
    const char *name;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!json_get_text_or(&name, request->arguments, "host", NULL, err))
        return false;
    if (name == NULL)
        return true;
    if (store_get(request->services->store, STORE_HOST, name, &value, NULL, err)) {
        json_write_raw(result, "host", buf_slice(&value));
        return true;
    }
    if (error_kind(err) == ERROR_NOT_FOUND)
        error_set(err, &admin_not_found, NULL, name, "no host of this name is registered");
    return false;
}

bool operation_policy_records(struct admin_request *request, struct json_writer *result,
                              struct error *err)
{
    int64_t level;
    if (!tpm_mode_functional_level(&level, request->services->store, err))
        return false;
    json_write_object(result, NULL);
    json_write_integer(result, "functional_level", level);
    json_write_integer(result, "now", clock_now(request->services->clock));
    json_write_array(result, "records");
    bool ok = store_list(request->services->store, STORE_POLICY, NULL, 0, write_record, result,
                         NULL, err);
    json_write_array_end(result);
    ok = ok && write_host(result, request, err);
    json_write_object_end(result);
    return ok;
}
