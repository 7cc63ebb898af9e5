/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The writing end of the trail's files: lines are appended whole or not at all, rotated by size,
 * old files removed. Used by one thread.
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
    int fd;                    /* audit.log; -1 after a rotation that could not make a new one */
    off_t size;                /* bytes of audit.log that count */
    uint64_t first;            /* sequence of its first record; 0: it is empty */
    struct audit_place last;   /* the newest record on disk */
    bool tail_left;            /* a failed write could not be taken back yet */
    uint64_t unsigned_records; /* at open: behind the last checkpoint */
};

/* One that is not open; closing it does nothing. */
#define AUDIT_FILE_NONE ((struct audit_file){.folder = {.fd = -1, .current = -1}, .fd = -1})

/* What was not as it was left. */
struct audit_found {
    off_t cut;                /* bytes of unfinished lines that were removed */
    bool damaged;             /* records that were on disk are gone or changed */
    struct audit_place known; /* then: what was remembered, and */
    uint64_t last;            /* the last record that the files still had */
};

/*
 * Opens the trail in folder, which exists. head: the newest record that is remembered elsewhere
 * (sequence 0: none). When the files end before it, or hold something else there, the trail goes on
 * behind the head all the same: its next record then names a record that is not there, which no
 * verification overlooks. A file whose middle is damaged is kept under a rotated name.
 * audit.unwritable, audit.unreadable.
 */
bool audit_file_open(struct audit_file *out, const char *folder, const struct audit_place *head,
                     struct audit_found *found, struct error *err);
void audit_file_close(struct audit_file *file);

/*
 * Appends lines (whole ones, the last being the record `last`) and waits for the disk. On failure
 * nothing of them is left, or will be once audit_file_recover succeeds. audit.unwritable.
 */
bool audit_file_write(struct audit_file *file, struct slice lines, const struct audit_place *last,
                      struct error *err);
/* After a failure: makes the file what it was after the last audit_file_write that succeeded, or
 * says what others did to it. audit.unwritable. */
bool audit_file_recover(struct audit_file *file, struct audit_found *found, struct error *err);

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
