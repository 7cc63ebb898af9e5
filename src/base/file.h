/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whole files: bounded reads, and writes that a crash leaves either old or new. */

#include "base/buf.h"

#include <sys/types.h>

/* Reads all of path into out (appended; out's limit bounds it). base.file-unreadable,
 * base.file-too-large. */
bool file_read(struct buf *out, const char *path, struct error *err);
/* The same for an open descriptor (from its current position to the end); name is for messages. */
bool file_read_fd(struct buf *out, int fd, const char *name, struct error *err);
/* As file_read for a file that holds a secret: refused with base.file-mode when group or others may
 * access it, or when it belongs neither to the caller nor to root. */
bool file_read_private(struct buf *out, const char *path, struct error *err);
/* Whether a file may take this name: it is free, or a regular file's. Root could put a file in the
 * place of a device or a pipe as well. base.file-unwritable. */
bool file_check_replaceable(const char *path, struct error *err);
/* Whether the name is free, so that file_create need not refuse to overwrite. base.file-unwritable,
 * as it says it. */
bool file_check_absent(const char *path, struct error *err);
/*
 * Replaces path, if that may be, atomically: a temporary file in the same folder, mode, fsync,
 * rename, fsync of the folder. After a crash at any moment path holds all of the old or all of the
 * new bytes. base.file-unwritable.
 */
bool file_replace(const char *path, struct slice bytes, mode_t mode, struct error *err);
/* As file_replace but refuses to overwrite (base.file-unwritable, "exists"). */
bool file_create(const char *path, struct slice bytes, mode_t mode, struct error *err);
/* A file by its folder. In somebody else's folder, root writes by that alone: whoever puts another
 * folder in its place meanwhile leads nobody astray. */
struct file_place {
    int folder;       /* a descriptor (O_PATH will do), or AT_FDCWD */
    const char *name; /* in the folder */
    const char *path; /* for messages; with AT_FDCWD, the name */
};
/* As file_replace, and the file belongs to user and group from the moment it has its name, where
 * the caller may give files away: root that changes a user's file. */
bool file_replace_at(const struct file_place *place, struct slice bytes, mode_t mode, uid_t user,
                     gid_t group, struct error *err);
/* As file_create. */
bool file_create_at(const struct file_place *place, struct slice bytes, mode_t mode,
                    struct error *err);
/* All of the bytes to fd, through partial writes and EINTR. */
bool file_write_fd(int fd, struct slice bytes, const char *name, struct error *err);
/* mkdir -p; folders that it makes get mode. base.folder. */
bool file_make_folder(const char *path, mode_t mode, struct error *err);

/* Closes *fd unless negative and sets it to -1; for the cleanup attribute. */
void file_close(int *fd);
#define _cleanup_fd_ __attribute__((cleanup(file_close)))
