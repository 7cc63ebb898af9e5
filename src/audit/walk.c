/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/walk.h"

#include "audit/checkpoint.h"
#include "audit/lines.h"

static bool follows(const struct audit_walk *walk, const struct audit_record *record)
{
    return walk->first == 0 || (record->sequence == walk->last.sequence + 1 &&
                                memcmp(record->previous, walk->last.hash, AUDIT_HASH_SIZE) == 0);
}

static void take(struct audit_walk *walk, const struct audit_record *record, struct slice line,
                 const struct audit_place *head)
{
    if (walk->first == 0) {
        walk->first = record->sequence;
        memcpy(walk->previous, record->previous, AUDIT_HASH_SIZE);
    }
    walk->last.sequence = record->sequence;
    digest_sha256(walk->last.hash, line);
    memcpy(walk->time, record->time, sizeof walk->time);
    if (slice_equals_text(record->event, AUDIT_CHECKPOINT_EVENT))
        walk->unsigned_records = 0;
    else
        walk->unsigned_records++;
    if (head->sequence == record->sequence)
        walk->head_wrong = memcmp(head->hash, walk->last.hash, AUDIT_HASH_SIZE) != 0;
}

static bool walk_lines(struct audit_walk *walk, struct audit_lines *lines,
                       const struct audit_place *head, struct error *err)
{
    for (;;) {
        struct slice line;
        struct audit_record record;
        bool found = false;
        if (!audit_lines_next(lines, &line, &found, err))
            return false;
        walk->cut_line = !found;
        if (!found || !audit_record_parse(&record, line) || !follows(walk, &record))
            return true;
        take(walk, &record, line, head);
        walk->good = lines->at;
    }
}

bool audit_walk(struct audit_walk *out, int fd, const char *name, const struct audit_place *head,
                struct error *err)
{
    struct audit_walk walk = {0};
    if (!audit_lines_size(&walk.size, fd, name, err))
        return false;
    struct audit_lines lines;
    audit_lines_init(&lines, fd, name, 0, walk.size);
    bool done = walk_lines(&walk, &lines, head, err);
    audit_lines_done(&lines);
    if (done)
        *out = walk;
    return done;
}
