/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/writer.h"

#include <inttypes.h>

#include "audit/errors.h"

/* So much goes to the disk at once: more would not be quicker, and keep the first waiting. */
#define WRITE_BYTES (1024 * 1024)
#define RETRY_MS 1000
/* What a line has besides its event and fields, and some more. */
#define LINE_OVERHEAD 160
#define OWN_FIELDS_MAX 1024

static void append_line(struct audit_writer *writer, int64_t time, struct slice event,
                        struct slice fields)
{
    if (time != writer->formatted) {
        clock_format(time, writer->time);
        writer->formatted = time;
    }
    audit_record_append(&writer->lines, &writer->place, writer->time, event, fields);
}

static void begin_lines(struct audit_writer *writer)
{
    buf_reset(&writer->lines);
    writer->place = writer->file.last;
}

/* Writes a record of the trail's own, past the queue. */
static bool write_own(struct audit_writer *writer, const char *event, const struct buf *fields,
                      struct error *err)
{
    begin_lines(writer);
    append_line(writer, clock_now(writer->clock), slice_from_text(event), buf_slice(fields));
    if (!audit_file_write(&writer->file, buf_slice(&writer->lines), &writer->place, err))
        return false;
    audit_keeper_post(writer->keeper, &writer->place, 1, false);
    return true;
}

/* The record comes first: a file that is gone without one is missed by every verification. */
static bool remove_oldest(struct audit_writer *writer, const struct audit_oldest *oldest,
                          struct error *err)
{
    _cleanup_buf_ struct buf fields;
    struct json_writer json;
    buf_init(&fields, OWN_FIELDS_MAX);
    json_writer_init(&json, &fields);
    json_write_text(&json, "file", oldest->name);
    json_write_integer(&json, "first", (int64_t)oldest->first);
    json_write_integer(&json, "last", (int64_t)oldest->last.sequence);
    json_write_hex(&json, "head", slice_of(oldest->last.hash, AUDIT_HASH_SIZE));
    return write_own(writer, "audit.removed", &fields, err) &&
           audit_file_remove(&writer->file, oldest, err);
}

/* A file that cannot be removed now is tried again at the next rotation. */
static void retire(struct audit_writer *writer)
{
    struct audit_oldest oldest;
    bool any = writer->retain_files > 0;
    while (any)
        any = audit_file_oldest(&writer->file, writer->retain_files, &oldest, &any, NULL) && any &&
              remove_oldest(writer, &oldest, NULL);
}

static bool rotate(struct audit_writer *writer, struct error *err)
{
    if (!audit_file_rotate(&writer->file, err))
        return false;
    audit_keeper_post(writer->keeper, &writer->file.last, 0, true);
    retire(writer);
    return true;
}

static int64_t line_size(const struct audit_entry *entry)
{
    return (int64_t)(entry->event_size + entry->fields_size + LINE_OVERHEAD);
}

/* As many entries as go into one write, and into this file. */
static size_t format_entries(struct audit_writer *writer, const struct audit_entry *entries,
                             uint64_t *records)
{
    size_t count = 0;
    begin_lines(writer);
    for (const struct audit_entry *entry = entries; entry != NULL; entry = entry->next) {
        int64_t size = (int64_t)writer->lines.size + line_size(entry);
        if (count > 0 && (size > WRITE_BYTES || writer->file.size + size > writer->rotate_size))
            break;
        append_line(writer, entry->time, slice_of(entry->bytes, entry->event_size),
                    slice_of(entry->bytes + entry->event_size, entry->fields_size));
        *records += !entry->checkpoint;
        count++;
    }
    return count;
}

/* Writes some entries of the list, which then begins with the rest. */
static bool write_some(struct audit_writer *writer, struct audit_entry **entries, struct error *err)
{
    uint64_t records = 0;
    bool full = writer->file.size + line_size(*entries) > writer->rotate_size;
    if (full && writer->file.size > 0 && !rotate(writer, err))
        return false;
    size_t count = format_entries(writer, *entries, &records);
    if (!audit_file_write(&writer->file, buf_slice(&writer->lines), &writer->place, err))
        return false;
    audit_keeper_post(writer->keeper, &writer->place, records, false);
    *entries = audit_queue_finish(writer->queue, *entries, count, true, NULL);
    return true;
}

static void write_entries(struct audit_writer *writer, struct audit_entry *entries)
{
    struct error err = {0};
    while (entries != NULL) {
        if (!write_some(writer, &entries, &err)) {
            writer->failed_since = clock_now(writer->clock);
            audit_queue_shut(writer->queue, entries, &err);
            return;
        }
    }
}

static void write_found(struct json_writer *json, const struct audit_found *found)
{
    if (found->cut > 0)
        json_write_integer(json, "cut_bytes", found->cut);
    if (!found->damaged)
        return;
    json_write_integer(json, "known", (int64_t)found->known.sequence);
    json_write_hex(json, "known_hash", slice_of(found->known.hash, AUDIT_HASH_SIZE));
    json_write_integer(json, "found", (int64_t)found->last);
}

/* Tries whether records can be written again. */
static void recover(struct audit_writer *writer)
{
    struct audit_found found;
    struct error err = {0};
    _cleanup_buf_ struct buf fields;
    struct json_writer json;
    buf_init(&fields, OWN_FIELDS_MAX);
    if (!audit_file_recover(&writer->file, &found, &err))
        return;
    json_writer_init(&json, &fields);
    json_write_integer(&json, "lost", (int64_t)audit_queue_lost(writer->queue));
    json_write_integer(&json, "seconds", clock_now(writer->clock) - writer->failed_since);
    write_found(&json, &found);
    if (!write_own(writer, found.damaged ? "audit.damaged" : "audit.recovered", &fields, &err))
        return;
    writer->failed_since = 0;
    audit_queue_open(writer->queue);
}

static void *run(void *argument)
{
    struct audit_writer *writer = argument;
    for (;;) {
        bool closed = false;
        bool failing = writer->failed_since != 0;
        struct audit_entry *entries =
            audit_queue_take(writer->queue, failing ? RETRY_MS : -1, &closed);
        if (entries != NULL)
            write_entries(writer, entries);
        else if (closed)
            return NULL;
        else
            recover(writer);
    }
}

/* The first record after an open that found something amiss. */
static bool put_found(struct audit_writer *writer, const struct audit_found *found,
                      struct error *err)
{
    _cleanup_buf_ struct buf fields;
    struct json_writer json;
    buf_init(&fields, OWN_FIELDS_MAX);
    if (found->cut == 0 && !found->damaged)
        return true;
    json_writer_init(&json, &fields);
    write_found(&json, found);
    struct audit_entry entry = {.time = clock_now(writer->clock)};
    return audit_queue_put(writer->queue, &entry,
                           found->damaged ? "audit.damaged" : "audit.repaired", buf_slice(&fields),
                           err);
}

bool audit_writer_open(struct audit_writer *writer, struct audit_queue *queue,
                       const struct audit_options *options, const struct audit_place *head,
                       struct error *err)
{
    struct audit_found found;
    *writer = (struct audit_writer){.queue = queue,
                                    .clock = options->clock,
                                    .rotate_size = options->rotate_size,
                                    .retain_files = (size_t)options->retain_files,
                                    .file = AUDIT_FILE_NONE,
                                    .formatted = INT64_MIN};
    /* One write, with a line that is larger than a write. */
    buf_init(&writer->lines, WRITE_BYTES + AUDIT_LINE_MAX + 1);
    if (!audit_file_open(&writer->file, options->folder, head, &found, err))
        return false;
    return put_found(writer, &found, err);
}

void audit_writer_done(struct audit_writer *writer)
{
    audit_file_close(&writer->file);
    buf_done(&writer->lines);
}

bool audit_writer_start(struct audit_writer *writer, struct audit_keeper *keeper, struct error *err)
{
    writer->keeper = keeper;
    int number = pthread_create(&writer->thread, NULL, run, writer);
    return number == 0 || error_set_errno(err, &audit_unwritable, number, "audit trail",
                                          "its thread cannot start");
}

void audit_writer_stop(struct audit_writer *writer)
{
    pthread_join(writer->thread, NULL);
}
