/* SPDX-License-Identifier: Apache-2.0 */

/*
 * state.export. The service never sees a private key or the password: it writes a document
 * (document.h) into an anonymous file, and the keyholder turns that into the encrypted backup.
 */

#include <unistd.h>

#include "admin/bring.h"
#include "admin/certificate_list.h"
#include "admin/change.h"
#include "admin/document.h"
#include "admin/operations.h"
#include "admin/state_files.h"

/* Who took a copy of every key is something that the trail must know before it happens. */
static bool audit_export(const struct admin_request *request, size_t records, size_t keys,
                         struct error *err)
{
    _cleanup_buf_ struct buf after;
    buf_init(&after, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &after);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "records", (int64_t)records);
    json_write_integer(&writer, "keys", (int64_t)keys);
    json_write_object_end(&writer);
    struct admin_change change = {"state.exported",  "state", SLICE_EMPTY,
                                  buf_slice(&after), NULL,    0};
    return admin_change_record(request, &change, err);
}

/* What is not in the backup, because it is not in the state. */
static void write_bring(struct json_writer *result, const struct certificate_list *list)
{
    json_write_array(result, "bring");
    for (size_t i = 0; i < list->count; i++)
        bring_write(result, &list->items[i].certificate, NULL);
    json_write_array_end(result);
}

bool operation_state_export(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    _cleanup_state_files_ struct state_files files = {-1, -1};
    struct certificate_list list = {0};
    size_t records = 0, keys = 0;
    bool ok = state_files_take(&files, request, err) &&
              certificate_list_load(&list, request->services->store, err) &&
              document_write(files.document, request->services->store, &records, &keys, err) &&
              audit_export(request, records, keys, err);
    if (ok && !request->dry_run) { /* which is not in the trail, so it must not give a key */
        lseek(files.document, 0, SEEK_SET);
        ok = keyholder_backup(request->services->keyholder, admin_request_give(&files.meeting),
                              admin_request_give(&files.document), err);
    }
    if (ok) {
        json_write_object(result, NULL);
        json_write_integer(result, "records", (int64_t)records);
        json_write_integer(result, "keys", (int64_t)keys);
        write_bring(result, &list);
        json_write_object_end(result);
    }
    certificate_list_done(&list);
    return ok;
}
