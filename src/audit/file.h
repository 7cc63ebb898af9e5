/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The writing end of the trail's files: lines are appended whole or not at all, rotated by size,
 * old files removed. Used by one thread.
 *
 * A trail that was damaged (records that were on disk are gone or changed) is left as it is found,
 * so that it can be looked at and mended; only audit_file_accept makes it ready for lines again.
 *
 * Crash safety: lines count as written once fdatasync has returned; what a crash leaves behind the
 * last whole chain of lines is cut at the next open. Rotation renames audit.log and then makes a
 * new one: between the two the trail ends with the newest rotated file.
 */

#include "audit/folder.h"
#include "audit/record.h"

#include <sys/types.h>

struct audit_file {
    struct audit_folder folder; /* its descriptor holds the lock against other writers */
    char *path;
    int fd;                   /* audit.log; -1 after a rotation that could not make a new one */
    off_t size;               /* bytes of audit.log that count */
    uint64_t first;           /* sequence of its first record; 0: it is empty */
    struct audit_place last;  /* the newest record on disk */
    bool tail_left;           /* a failed write could not be taken back yet */
    bool displaced;           /* audit.log is not the end of this trail: nothing is written to it */
    uint64_t displaced_first; /* of its records, or the one that it should have begun with */
    char last_time[CLOCK_TEXT_SIZE]; /* at open: of the newest record; empty: there was none */
    uint64_t unsigned_records;       /* at open: behind the last checkpoint */
};

/* One that is not open; closing it does nothing. */
#define AUDIT_FILE_NONE ((struct audit_file){.folder = {.fd = -1, .current = -1}, .fd = -1})

enum audit_damage {
    AUDIT_DAMAGE_NONE,
    AUDIT_DAMAGE_CUT,     /* the files end before the newest record that was written */
    AUDIT_DAMAGE_CHANGED, /* behind the last good line of audit.log stands what was not written */
    AUDIT_DAMAGE_OTHER,   /* the newest record is another one */
    AUDIT_DAMAGE_ALIEN,   /* audit.log does not follow the files before it: an older copy */
};

/* What was not as it was left. */
struct audit_found {
    off_t cut; /* bytes of unfinished lines that were removed */
    enum audit_damage damage;
    struct audit_place known; /* when there is damage: what was remembered, and */
    uint64_t last;            /* the last record that the files still have */
    uint64_t first;           /* AUDIT_DAMAGE_ALIEN: the first record of audit.log */
};

/*
 * Opens the trail in folder, which exists. head: the newest record that is remembered elsewhere
 * (sequence 0: none). When it is damaged, the trail will go on behind the head: its next record
 * then names a record that is not there, which no verification overlooks. audit.unwritable,
 * audit.unreadable.
 */
bool audit_file_open(struct audit_file *out, const char *folder, const struct audit_place *head,
                     struct audit_found *found, struct error *err);
void audit_file_close(struct audit_file *file);

/*
 * After damage: makes the files ready for further lines. An audit.log that is not the end of this
 * trail is kept: under the name of a rotated file, or, when that is taken, under one that no
 * verification reads. *kept tells the name; "" when nothing had to go. audit.unwritable.
 */
#define AUDIT_KEPT_SIZE sizeof "audit-00000000000000000001.kept-99.log"
bool audit_file_accept(struct audit_file *file, char kept[AUDIT_KEPT_SIZE], struct error *err);
/* The damage as audit.damaged. */
void audit_file_describe(const struct audit_found *found, struct error *err);

/*
 * Appends lines (whole ones, the last being the record `last`) and waits for the disk. On failure
 * nothing of them is left, or will be once audit_file_recover succeeds. audit.unwritable.
 */
bool audit_file_write(struct audit_file *file, struct slice lines, const struct audit_place *last,
                      struct error *err);
/* After a failure, and while there is damage: makes the file what it was after the last
 * audit_file_write that succeeded. When others did something to it, the trail is opened anew:
 * *reopened, and found as audit_file_open has it. audit.unwritable. */
bool audit_file_recover(struct audit_file *file, bool *reopened, struct audit_found *found,
                        struct error *err);

/* Renames audit.log, unless it is empty, and begins a new one. audit.unwritable. */
bool audit_file_rotate(struct audit_file *file, struct error *err);

/* A rotated file that is to go, when there are more than keep. */
struct audit_oldest {
    char name[AUDIT_NAME_SIZE];
    uint64_t first;
    struct audit_place last;
};
bool audit_file_oldest(struct audit_file *file, size_t keep, struct audit_oldest *out, bool *any,
                       struct error *err);
bool audit_file_remove(struct audit_file *file, const struct audit_oldest *oldest,
                       struct error *err);
