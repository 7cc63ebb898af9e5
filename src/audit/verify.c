/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/audit.h"
#include "audit/checkpoint.h"
#include "audit/errors.h"
#include "audit/folder.h"
#include "audit/lines.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"

/* A line that another process is just writing is there whole in no time. */
#define GROWTH_TRIES 20
#define GROWTH_WAIT_MS 10

enum verify_state {
    VERIFY_WHOLE,   /* so far */
    VERIFY_CULPRIT, /* a hash does not fit: the next line tells which of two records it is */
    VERIFY_GAP,     /* a record is not where it should be: it may come later */
    VERIFY_SETTLED, /* the problem is known; the rest is only counted */
};

struct verification {
    struct audit_report *report;
    const struct audit_known *known;
    const char *name;            /* of the file that is being read */
    char space[AUDIT_NAME_SIZE]; /* of the name, in a folder */
    bool whole_folder; /* what comes first must be the beginning, or follow what retention took */

    enum verify_state state;
    bool started;
    struct audit_place last;    /* the record before, as it stands there */
    struct audit_place suspect; /* VERIFY_CULPRIT: the record whose prev did not fit */
    uint64_t missing;           /* VERIFY_GAP: the record that should have come */

    struct audit_place before; /* what the first record builds on */
    bool beginning_known;      /* it is the first ever, or retention left word of what was before */
    uint64_t signed_up_to;     /* by the last checkpoint */
    uint8_t (*hashes)[AUDIT_HASH_SIZE]; /* of the latest records, by sequence modulo the reach */
};

static void problem(struct verification *v, const struct error_code *code, uint64_t sequence,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void problem(struct verification *v, const struct error_code *code, uint64_t sequence,
                    const char *format, ...)
{
    char object[80], message[ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(object, sizeof object, "%s record %" PRIu64, v->name, sequence);
    error_set(&v->report->problem, code, NULL, object, "%s", message);
    v->report->whole = false;
    v->state = VERIFY_SETTLED;
}

static uint8_t *hash_slot(struct verification *v, uint64_t sequence)
{
    return v->hashes[sequence % AUDIT_CHECKPOINT_REACH];
}

/* The hash of a record that was passed, if it is remembered. */
static const uint8_t *passed_hash(struct verification *v, uint64_t sequence)
{
    bool within = sequence >= v->before.sequence && sequence <= v->last.sequence &&
                  v->last.sequence - sequence < AUDIT_CHECKPOINT_REACH;
    return within ? hash_slot(v, sequence) : NULL;
}

static void check_checkpoint(struct verification *v, const struct audit_record *record,
                             struct slice line)
{
    struct audit_checkpoint checkpoint;
    struct error err = {0};
    if (!audit_checkpoint_parse(&checkpoint, line, v->known->key, &err)) {
        problem(v, &audit_checkpoint, record->sequence, "%s: %s", err.object, err.message);
        return;
    }
    if (checkpoint.place.sequence >= record->sequence) {
        problem(v, &audit_checkpoint, record->sequence, "a checkpoint of a record behind it");
        return;
    }
    const uint8_t *hash = passed_hash(v, checkpoint.place.sequence);
    if (hash != NULL && memcmp(hash, checkpoint.place.hash, AUDIT_HASH_SIZE) != 0) {
        problem(v, &audit_checkpoint, record->sequence,
                "the checkpoint was made when record %" PRIu64 " was another one",
                checkpoint.place.sequence);
        return;
    }
    /* Where only a part is looked at, a checkpoint may be of a record before it. */
    bool all_seen = v->whole_folder && v->known->from == 0;
    if (hash == NULL && (all_seen || checkpoint.place.sequence >= v->before.sequence)) {
        problem(v, &audit_checkpoint, record->sequence,
                "the checkpoint is of record %" PRIu64 ", too far before it",
                checkpoint.place.sequence);
        return;
    }
    v->report->checkpoints++;
    if (checkpoint.place.sequence > v->signed_up_to)
        v->signed_up_to = checkpoint.place.sequence;
}

/* Retention leaves word of what it took: the last record of the file that went. */
static void check_removed(struct verification *v, struct slice line)
{
    _cleanup_json_ struct json *document = NULL;
    _cleanup_buf_ struct buf hash;
    const char *text = NULL;
    int64_t last = 0;
    buf_init(&hash, AUDIT_HASH_SIZE);
    if (json_parse(&document, line, NULL) && json_get_integer(&last, document, "last", NULL) &&
        json_get_text(&text, document, "head", NULL) &&
        hex_parse(&hash, slice_from_text(text), NULL) && hash.size == AUDIT_HASH_SIZE &&
        (uint64_t)last == v->before.sequence &&
        memcmp(hash.data, v->before.hash, AUDIT_HASH_SIZE) == 0)
        v->beginning_known = true;
}

static void start(struct verification *v, const struct audit_record *record)
{
    static const uint8_t zeros[AUDIT_HASH_SIZE];
    bool from_nothing = memcmp(record->previous, zeros, AUDIT_HASH_SIZE) == 0;
    v->started = true;
    v->report->first = record->sequence;
    v->before.sequence = record->sequence - 1;
    memcpy(v->before.hash, record->previous, AUDIT_HASH_SIZE);
    v->beginning_known = (record->sequence == 1 && from_nothing) || v->known->from > 0;
    v->signed_up_to = v->before.sequence;
    v->last = v->before;
    memcpy(hash_slot(v, v->before.sequence), v->before.hash, AUDIT_HASH_SIZE);
    if (from_nothing != (record->sequence == 1))
        problem(v, &audit_altered, record->sequence,
                "its sequence and the hash before it do not belong together");
}

/* A record that is where it should be: what it says of others must be so. */
static void accept(struct verification *v, const struct audit_record *record, struct slice line,
                   const uint8_t hash[AUDIT_HASH_SIZE])
{
    bool checkpoint = slice_equals_text(record->event, AUDIT_CHECKPOINT_EVENT);
    if (checkpoint)
        check_checkpoint(v, record, line);
    else if (!v->beginning_known && slice_equals_text(record->event, "audit.removed"))
        check_removed(v, line);
    v->last.sequence = record->sequence;
    memcpy(v->last.hash, hash, AUDIT_HASH_SIZE);
    memcpy(hash_slot(v, record->sequence), hash, AUDIT_HASH_SIZE);
    if (v->state == VERIFY_WHOLE && record->sequence == v->known->head_sequence &&
        memcmp(hash, v->known->head_hash, AUDIT_HASH_SIZE) != 0)
        problem(v, &audit_altered, record->sequence,
                "the store remembers another record of that number");
}

/* A record that does not follow the one before it. */
static void find_out(struct verification *v, const struct audit_record *record,
                     const uint8_t hash[AUDIT_HASH_SIZE])
{
    uint64_t expected = v->last.sequence + 1;
    bool hash_fits = memcmp(record->previous, v->last.hash, AUDIT_HASH_SIZE) == 0;
    if (hash_fits) {
        problem(v, &audit_altered, expected, "its sequence was changed to %" PRIu64,
                record->sequence);
    } else if (record->sequence == expected) {
        v->state = VERIFY_CULPRIT;
        v->suspect.sequence = record->sequence;
        memcpy(v->suspect.hash, hash, AUDIT_HASH_SIZE);
    } else if (record->sequence < expected) {
        problem(v, &audit_reordered, record->sequence, "stands behind record %" PRIu64,
                v->last.sequence);
    } else {
        problem(v, &audit_missing, expected,
                "records %" PRIu64 " to %" PRIu64 " are missing before this place", expected,
                record->sequence - 1);
        v->state = VERIFY_GAP;
        v->missing = expected;
    }
}

/* Of two neighbours one was changed. If the record behind them vouches for the second, it is the
 * first. */
static void settle_culprit(struct verification *v, const struct audit_record *next)
{
    bool second_is_well =
        next != NULL && memcmp(next->previous, v->suspect.hash, AUDIT_HASH_SIZE) == 0;
    uint64_t culprit = second_is_well ? v->suspect.sequence - 1 : v->suspect.sequence;
    problem(v, &audit_altered, culprit, "its bytes are not those that were written");
}

static void check_line(struct verification *v, struct slice line)
{
    struct audit_record record;
    bool parsed = audit_record_parse(&record, line);
    if (!v->started && v->known->from > 0 && (!parsed || record.sequence < v->known->from))
        return;
    v->report->records++;
    if (v->state == VERIFY_CULPRIT)
        settle_culprit(v, parsed ? &record : NULL);
    if (!parsed && v->state == VERIFY_WHOLE)
        problem(v, &audit_altered, v->last.sequence + 1, "is no record of an audit trail");
    if (!parsed)
        return;
    if (record.sequence > v->report->last)
        v->report->last = record.sequence;
    if (!v->started && v->state == VERIFY_WHOLE)
        start(v, &record);
    if (v->state == VERIFY_GAP && record.sequence == v->missing)
        problem(v, &audit_reordered, v->missing, "stands behind records that were written later");
    if (v->state != VERIFY_WHOLE)
        return;
    uint8_t hash[AUDIT_HASH_SIZE];
    digest_sha256(hash, line);
    if (record.sequence == v->last.sequence + 1 &&
        memcmp(record.previous, v->last.hash, AUDIT_HASH_SIZE) == 0)
        accept(v, &record, line, hash);
    else
        find_out(v, &record, hash);
}

/* Waits a little for a line that is just being written. */
static bool wait_for_growth(struct audit_lines *lines, bool *grown, struct error *err)
{
    off_t before = lines->end;
    for (int i = 0; i < GROWTH_TRIES && lines->end == before; i++) {
        struct timespec pause = {.tv_nsec = GROWTH_WAIT_MS * 1000000L};
        nanosleep(&pause, NULL);
        if (!audit_lines_size(&lines->end, lines->fd, lines->name, err))
            return false;
    }
    *grown = lines->end != before;
    return true;
}

static bool check_lines(struct verification *v, struct audit_lines *lines, bool newest,
                        struct error *err)
{
    bool again = true;
    while (again) {
        struct slice line;
        bool found = true;
        while (found) {
            if (!audit_lines_next(lines, &line, &found, err))
                return false;
            if (found)
                check_line(v, line);
        }
        again = false;
        if (newest && lines->at < lines->end && !wait_for_growth(lines, &again, err))
            return false;
    }
    if (lines->at < lines->end && v->state == VERIFY_WHOLE)
        problem(v, newest ? &audit_cut : &audit_altered, v->last.sequence + 1,
                "its line is not complete");
    return true;
}

static bool check_file(struct verification *v, int fd, const char *name, bool newest,
                       struct error *err)
{
    off_t size = 0;
    if (!audit_lines_size(&size, fd, name, err))
        return false;
    struct audit_lines lines;
    audit_lines_init(&lines, fd, name, 0, size);
    v->name = name;
    bool read = check_lines(v, &lines, newest, err);
    audit_lines_done(&lines);
    return read;
}

static bool check_folder(struct verification *v, const char *path, struct error *err)
{
    _cleanup_audit_folder_ struct audit_folder folder = {.fd = -1, .current = -1};
    if (!audit_folder_open(&folder, path, err))
        return false;
    size_t count = audit_folder_count(&folder);
    for (size_t i = 0; i < count; i++) {
        _cleanup_fd_ int fd = -1;
        if (!audit_folder_open_file(&fd, v->space, &folder, i, err) ||
            (fd >= 0 && !check_file(v, fd, v->space, i + 1 == count, err)))
            return false;
    }
    v->name = AUDIT_CURRENT;
    return true;
}

static bool check_one_file(struct verification *v, const char *path, struct error *err)
{
    struct stat status;
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(err, &audit_unreadable, errno, path, "cannot be opened");
    if (!S_ISREG(status.st_mode))
        return error_set(err, &audit_unreadable, NULL, path, "is not a regular file");
    const char *slash = strrchr(path, '/');
    v->name = slash != NULL ? slash + 1 : path;
    return check_file(v, fd, v->name, strcmp(v->name, AUDIT_CURRENT) == 0, err);
}

/* What can be said only at the end. */
static void finish(struct verification *v)
{
    struct audit_report *report = v->report;
    if (v->state == VERIFY_CULPRIT)
        settle_culprit(v, NULL);
    if (v->state == VERIFY_WHOLE && v->whole_folder && v->started && !v->beginning_known)
        problem(v, &audit_missing, v->before.sequence,
                "records 1 to %" PRIu64 " are missing, and retention left no word of it",
                v->before.sequence);
    if (v->state == VERIFY_WHOLE && !v->started && v->known->from > 0)
        problem(v, &audit_missing, v->known->from, "is not there, nor is one behind it");
    bool newest = v->whole_folder || strcmp(v->name, AUDIT_CURRENT) == 0;
    /* Only the newest file may be empty: just after a rotation. */
    if (v->state == VERIFY_WHOLE && !v->started && !newest)
        problem(v, &audit_missing, 1, "is not there, nor is any other: the file is empty");
    if (v->state == VERIFY_WHOLE && newest && v->known->head_sequence > v->last.sequence)
        problem(v, &audit_cut, v->last.sequence,
                "is the last one; the store remembers %" PRIu64 " records",
                v->known->head_sequence);
    uint64_t covered = v->signed_up_to - v->before.sequence;
    if (report->checkpoints > 0)
        covered++; /* the checkpoint itself */
    uint64_t seen =
        report->last >= report->first && v->started ? report->last - v->before.sequence : 0;
    report->unsigned_tail = seen > covered ? seen - covered : 0;
}

bool audit_verify(const char *folder, const char *file, const struct audit_known *known,
                  struct audit_report *report, struct error *err)
{
    struct audit_report seen = {.whole = true};
    struct verification v = {
        .report = &seen, .known = known, .name = AUDIT_CURRENT, .whole_folder = file == NULL};
    v.hashes = memory_allocate_zero(AUDIT_CHECKPOINT_REACH, AUDIT_HASH_SIZE);
    bool read = file == NULL ? check_folder(&v, folder, err) : check_one_file(&v, file, err);
    if (read) {
        finish(&v);
        *report = seen;
    }
    free(v.hashes);
    return read;
}
