/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the writer needs to know of a file when it opens a trail: how far its chain holds, and what
 * is behind. Telling what exactly happened to a broken one is verification's work (verify.c).
 */

#include "audit/record.h"

#include <sys/types.h>

struct audit_walk {
    uint64_t first;                    /* sequence of the first record; 0: there is none */
    uint8_t previous[AUDIT_HASH_SIZE]; /* what the first record says of the one before it */
    struct audit_place last;           /* the last record up to which the chain holds */
    char time[CLOCK_TEXT_SIZE];        /* of that record; empty: there is none */
    off_t good;                        /* bytes up to its end */
    off_t size;                        /* bytes of the file; what is behind good is none of ours */
    bool cut_line;             /* what is behind good has no newline: the beginning of a line */
    uint64_t unsigned_records; /* records behind the last checkpoint */
    bool head_wrong;           /* the record of the head's sequence has another hash */
};

/* Reads the file from its start. head: what is remembered of the trail. audit.unreadable. */
bool audit_walk(struct audit_walk *out, int fd, const char *name, const struct audit_place *head,
                struct error *err);
