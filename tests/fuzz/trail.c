/* SPDX-License-Identifier: Apache-2.0 */

/* A line of the audit trail that somebody may have altered: what is read as a record is what the
 * writer would have written, byte for byte. */

#include "audit/checkpoint.h"
#include "audit/record.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = slice_of(data, size);
    struct error err = {0};
    struct audit_record record;
    struct audit_checkpoint checkpoint;
    if (!audit_checkpoint_parse(&checkpoint, line, NULL, &err))
        require(err.code != NULL);
    if (!audit_record_parse(&record, line))
        return 0;
    struct audit_place place = {.sequence = record.sequence - 1};
    memcpy(place.hash, record.previous, sizeof place.hash);
    _cleanup_buf_ struct buf again;
    buf_init(&again, size + 1);
    audit_record_append(&again, &place, record.time, record.event, record.fields);
    require(again.size == size + 1 && memcmp(again.data, data, size) == 0);
    require(place.sequence == record.sequence);
    return 0;
}
