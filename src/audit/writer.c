/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/writer.h"

#include "audit/errors.h"

/* So much goes to the disk at once: more would not be quicker, and keep the first waiting. */
#define WRITE_BYTES (1024 * 1024)
#define RETRY_MS 1000
/* One write, and the few lines of the trail's own that follow it before it is shut. */
#define UNSENT_MAX (2 * WRITE_BYTES + 2 * AUDIT_LINE_MAX)
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

/* Sends the lines that were just written. Those that do not get there wait in unsent. */
static bool copy_lines(struct audit_writer *writer, uint64_t first, struct error *err)
{
    if (writer->sinks == NULL || audit_sinks_send(writer->sinks, buf_slice(&writer->lines), err))
        return true;
    if (writer->unsent.size == 0)
        writer->unsent_first = first;
    writer->unsent_last = writer->place.sequence;
    buf_append(&writer->unsent, buf_slice(&writer->lines));
    return false;
}

/* What waited, when there is anything; else whether the sinks are there. */
static bool send_unsent(struct audit_writer *writer, struct error *err)
{
    if (writer->sinks == NULL)
        return true;
    if (!audit_sinks_check(writer->sinks, err) ||
        !audit_sinks_send(writer->sinks, buf_slice(&writer->unsent), err))
        return false;
    buf_reset(&writer->unsent);
    return true;
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
    return copy_lines(writer, writer->place.sequence, err);
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
    uint64_t first = writer->file.last.sequence + 1;
    size_t count = format_entries(writer, *entries, &records);
    if (!audit_file_write(&writer->file, buf_slice(&writer->lines), &writer->place, err))
        return false;
    audit_keeper_post(writer->keeper, &writer->place, records, false);
    if (!copy_lines(writer, first, err))
        return false;
    *entries = audit_queue_finish(writer->queue, *entries, count, true, NULL);
    return true;
}

/* Nobody gets in any more, for that reason. Who watches is told when it is a new one. */
static void shut(struct audit_writer *writer, struct audit_entry *entries, const struct error *err)
{
    struct error before = {0};
    bool told = !audit_queue_healthy(writer->queue, &before) && before.code == err->code &&
                strcmp(before.message, err->message) == 0;
    if (writer->failed_since == 0)
        writer->failed_since = clock_now(writer->clock);
    audit_queue_shut(writer->queue, entries, err);
    if (!told && writer->trouble != NULL)
        writer->trouble(writer->context, err);
}

static void open_again(struct audit_writer *writer)
{
    writer->failed_since = 0;
    writer->unsent_first = writer->unsent_last = 0;
    writer->found = (struct audit_found){.cut = 0};
    audit_queue_open(writer->queue);
    if (writer->trouble != NULL)
        writer->trouble(writer->context, NULL);
}

static void write_entries(struct audit_writer *writer, struct audit_entry *entries)
{
    struct error err = {0};
    while (entries != NULL) {
        if (!write_some(writer, &entries, &err)) {
            shut(writer, entries, &err);
            return;
        }
    }
}

static void write_outage(struct json_writer *json, const struct audit_writer *writer)
{
    if (writer->unsent_last != 0) {
        json_write_integer(json, "refused_first", (int64_t)writer->unsent_first);
        json_write_integer(json, "refused_last", (int64_t)writer->unsent_last);
    }
    json_write_integer(json, "lost", (int64_t)audit_queue_lost(writer->queue));
    json_write_integer(json, "seconds", clock_now(writer->clock) - writer->failed_since);
    if (writer->found.cut > 0)
        json_write_integer(json, "cut_bytes", writer->found.cut);
}

static void write_damage(struct json_writer *json, const struct audit_writer *writer)
{
    static const char *const words[] = {[AUDIT_DAMAGE_CUT] = "cut",
                                        [AUDIT_DAMAGE_CHANGED] = "changed",
                                        [AUDIT_DAMAGE_OTHER] = "other-record",
                                        [AUDIT_DAMAGE_ALIEN] = "other-file"};
    const struct audit_found *found = &writer->found;
    json_write_text(json, "damage", words[found->damage]);
    json_write_integer(json, "known", (int64_t)found->known.sequence);
    json_write_hex(json, "known_hash", slice_of(found->known.hash, AUDIT_HASH_SIZE));
    json_write_integer(json, "found", (int64_t)found->last);
    if (*writer->kept != '\0')
        json_write_text(json, "kept", writer->kept);
}

/* An administrator goes on although records are lost: entry has who it is. */
static bool accept_damage(struct audit_writer *writer, const struct audit_entry *entry,
                          struct error *err)
{
    _cleanup_buf_ struct buf fields;
    struct json_writer json;
    buf_init(&fields, OWN_FIELDS_MAX + entry->fields_size);
    if (!send_unsent(writer, err) ||
        (writer->file.displaced && !audit_file_accept(&writer->file, writer->kept, err)))
        return false;
    json_writer_init(&json, &fields);
    write_outage(&json, writer);
    write_damage(&json, writer);
    buf_append_text(&fields, ",");
    buf_append_bytes(&fields, entry->bytes + entry->event_size, entry->fields_size);
    if (!write_own(writer, "audit.damaged", &fields, err))
        return false;
    *writer->kept = '\0';
    open_again(writer);
    return true;
}

/* While it is damaged, only entries that acknowledge that come. */
static void acknowledge(struct audit_writer *writer, struct audit_entry *entries)
{
    struct error err = {0};
    bool damaged = writer->found.damage != AUDIT_DAMAGE_NONE;
    if (!damaged) /* the right files came back just before */
        error_set(&err, &audit_undamaged, NULL, "audit trail", "it is well again by itself");
    bool ok = damaged && accept_damage(writer, entries, &err);
    while (entries != NULL)
        entries = audit_queue_finish(writer->queue, entries, 1, ok, &err);
}

static bool note_damage(struct audit_writer *writer, const struct audit_found *found)
{
    struct error err = {0};
    writer->found = *found;
    if (found->damage == AUDIT_DAMAGE_NONE)
        return false;
    audit_file_describe(found, &err);
    shut(writer, NULL, &err);
    return true;
}

/* A file that is due to be closed, which may be what failed. */
static bool rotate_if_full(struct audit_writer *writer, struct error *err)
{
    bool full = writer->file.size + LINE_OVERHEAD > writer->rotate_size;
    return !full || rotate(writer, err);
}

/* Tries whether records can be written again. */
static void recover(struct audit_writer *writer)
{
    struct audit_found found;
    struct error err = {0};
    bool reopened = false;
    _cleanup_buf_ struct buf fields;
    struct json_writer json;
    buf_init(&fields, OWN_FIELDS_MAX);
    if (!audit_file_recover(&writer->file, &reopened, &found, &err)) {
        shut(writer, NULL, &err);
        return;
    }
    if (reopened ? note_damage(writer, &found) : writer->found.damage != AUDIT_DAMAGE_NONE)
        return;
    json_writer_init(&json, &fields);
    write_outage(&json, writer);
    if (send_unsent(writer, &err) && rotate_if_full(writer, &err) &&
        write_own(writer, "audit.recovered", &fields, &err))
        open_again(writer);
    else
        shut(writer, NULL, &err);
}

static void *run(void *argument)
{
    struct audit_writer *writer = argument;
    for (;;) {
        bool closed = false;
        bool failing = writer->failed_since != 0;
        struct audit_entry *entries =
            audit_queue_take(writer->queue, failing ? RETRY_MS : -1, &closed);
        if (entries != NULL && failing)
            acknowledge(writer, entries);
        else if (entries != NULL)
            write_entries(writer, entries);
        else if (closed)
            return NULL;
        else
            recover(writer);
    }
}

/* The first record after an open that found the beginning of a line. */
static bool put_repaired(struct audit_writer *writer, struct error *err)
{
    _cleanup_buf_ struct buf fields;
    struct json_writer json;
    buf_init(&fields, OWN_FIELDS_MAX);
    json_writer_init(&json, &fields);
    json_write_integer(&json, "cut_bytes", writer->found.cut);
    writer->found.cut = 0;
    struct audit_entry entry = {.time = clock_now(writer->clock)};
    return audit_queue_put(writer->queue, &entry, "audit.repaired", buf_slice(&fields), err);
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
                                    .sinks = options->sinks,
                                    .trouble = options->trouble,
                                    .context = options->context,
                                    .formatted = INT64_MIN};
    /* One write, with a line that is larger than a write. */
    buf_init(&writer->lines, WRITE_BYTES + AUDIT_LINE_MAX + 1);
    buf_init(&writer->unsent, UNSENT_MAX);
    if (!audit_file_open(&writer->file, options->folder, head, &found, err))
        return false;
    if (note_damage(writer, &found))
        return true;
    struct error missing = {0};
    if (writer->sinks != NULL && !audit_sinks_check(writer->sinks, &missing)) {
        shut(writer, NULL, &missing); /* audit.recovered will tell of what was cut */
        return true;
    }
    return found.cut == 0 || put_repaired(writer, err);
}

void audit_writer_done(struct audit_writer *writer)
{
    audit_file_close(&writer->file);
    buf_done(&writer->lines);
    buf_done(&writer->unsent);
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
