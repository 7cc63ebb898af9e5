/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files of a trail: audit.log, which is being written, and the rotated audit-<N>.log before it,
 * N the sequence of their first record in 20 digits. Readers open them in order while the writer
 * may rotate and remove.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define AUDIT_CURRENT "audit.log"
#define AUDIT_NAME_SIZE sizeof "audit-00000000000000000001.log"

struct audit_folder {
    const char *path; /* borrowed */
    int fd;
    uint64_t *rotated; /* the first sequences in their names, ascending */
    size_t rotated_count;
    int current; /* audit.log; -1: there is none, or it stands among the rotated ones by now */
};

/* Opens the folder and finds what is there. audit.unreadable. */
bool audit_folder_open(struct audit_folder *out, const char *path, struct error *err);
void audit_folder_done(struct audit_folder *folder);
#define _cleanup_audit_folder_ __attribute__((cleanup(audit_folder_done)))

/* Finds the rotated files anew. audit.unreadable. */
bool audit_folder_scan(struct audit_folder *folder, struct error *err);
/* "audit-….log"; returns name. */
char *audit_folder_name(char name[AUDIT_NAME_SIZE], uint64_t first);

/* How many files there are to read, audit.log included. */
size_t audit_folder_count(const struct audit_folder *folder);
/* Opens one of them, the oldest being number 0; *fd (the caller's) is -1 when retention removed it
 * in the meantime. name is for messages. audit.unreadable. */
bool audit_folder_open_file(int *fd, char name[AUDIT_NAME_SIZE], const struct audit_folder *folder,
                            size_t number, struct error *err);
