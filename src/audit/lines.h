/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The lines of a file of the trail, forwards and backwards, in bounded memory. What is longer than
 * AUDIT_LINE_MAX is no line of ours: it comes in pieces, none of which is a record.
 */

#include "audit/record.h"

#include <sys/types.h>

struct audit_lines {
    int fd;           /* borrowed */
    const char *name; /* for messages; borrowed */
    off_t end;        /* where the file is taken to end */
    off_t at;         /* start of the line that comes next; backwards: end of the next */
    uint8_t *window;  /* bytes of the file from window_at on */
    size_t window_size;
    off_t window_at;
};

/* From offset at on, up to end (the size of the file now: audit_lines_size). */
void audit_lines_init(struct audit_lines *lines, int fd, const char *name, off_t at, off_t end);
void audit_lines_done(struct audit_lines *lines);

/* The size of a file. audit.unreadable. */
bool audit_lines_size(off_t *out, int fd, const char *name, struct error *err);

/*
 * The next line, without its newline, valid until the next call; *found is false at the end.
 * Bytes behind the last newline are no line: lines->at stays before them. audit.unreadable.
 */
bool audit_lines_next(struct audit_lines *lines, struct slice *line, bool *found,
                      struct error *err);

/* The same backwards, for lines whose `at` was set to the end of the last line wanted (bytes behind
 * the last newline are passed over first): lines->at then is the start of the line. */
bool audit_lines_previous(struct audit_lines *lines, struct slice *line, bool *found,
                          struct error *err);
