/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/batch.h"

#include <stdlib.h>

#include "admin/document.h"
#include "base/memory.h"

#define AFTER_MAX (64 * 1024) /* STORE_CHANGES_MAX names */

void admin_batch_done(struct admin_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free((char *)batch->changes[i].key);
        free((uint8_t *)batch->changes[i].value.data);
    }
    batch->count = batch->bytes = 0;
}

/* {"records": ["policy machine", …]}: what they hold is too much for one audit record. */
static void name_records(struct buf *out, const struct admin_batch *batch)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_array(&writer, "records");
    for (size_t i = 0; i < batch->count; i++) {
        const struct store_change *change = &batch->changes[i];
        _cleanup_free_ char *name =
            memory_format("%s %s", document_kind_name(change->kind), change->key);
        json_write_text(&writer, NULL, name);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

bool admin_batch_flush(struct admin_batch *batch, struct error *err)
{
    _cleanup_buf_ struct buf after;
    buf_init(&after, AFTER_MAX);
    name_records(&after, batch);
    struct admin_change change = {batch->event,      batch->object,  SLICE_EMPTY,
                                  buf_slice(&after), batch->changes, batch->count};
    bool ok = batch->count == 0 || admin_change_commit(batch->request, &change, err);
    admin_batch_done(batch);
    return ok;
}

bool admin_batch_add(struct admin_batch *batch, const struct store_change *change,
                     struct error *err)
{
    bool full =
        batch->count == STORE_CHANGES_MAX || batch->bytes + change->value.size > STORE_COMMIT_MAX;
    if (full && !admin_batch_flush(batch, err))
        return false;
    struct store_change *copy = &batch->changes[batch->count++];
    *copy = *change;
    copy->key = memory_copy_text(change->key);
    copy->value = SLICE_EMPTY;
    if (change->value.size > 0) {
        uint8_t *bytes = memory_allocate(change->value.size);
        memcpy(bytes, change->value.data, change->value.size);
        copy->value = slice_of(bytes, change->value.size);
    }
    batch->bytes += change->value.size;
    return true;
}
