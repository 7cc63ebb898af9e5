/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a user may do with a file, by its mode and its access control list (POSIX.1e draft
 * 17, 23.1), all the way from the root; and how to give it what it lacks there and nothing more.
 * Other security modules are not asked: who wants to be sure has the user try.
 */

#include "base/error.h"

#include <sys/stat.h>

#define FILE_ACCESS_SEARCH 1u /* of a folder: its execute bit */
#define FILE_ACCESS_READ 4u

struct file_access_user {
    char name[64];
    uid_t uid;
    gid_t *groups; /* owned; all that the user database gives it */
    size_t group_count;
};

/* name: a user's, or a number. process.user. */
bool file_access_user_find(struct file_access_user *out, const char *name, struct error *err);
void file_access_user_done(struct file_access_user *user);

/* What one file or folder on the way lacks. */
struct file_access_lack {
    char *path;      /* without links */
    unsigned rights; /* of FILE_ACCESS_SEARCH and FILE_ACCESS_READ */
    struct stat status;
};

struct file_access_lacks {
    struct file_access_lack *items;
    size_t count;
};

/*
 * Adds what user lacks to read path: to search each folder on the way, to read the one that it is
 * in (whoever looks for a file must), and to read it. What is in lacks already is not added again.
 * base.file-unreadable when the caller cannot look at one of them.
 */
bool file_access_examine(struct file_access_lacks *lacks, const char *path,
                         const struct file_access_user *user, struct error *err);
void file_access_lacks_done(struct file_access_lacks *lacks);

/*
 * Gives user what is lacking: by an entry of its own in the list, or by the owner's bits when the
 * file is its own. Nobody else gets more: entries that a mask holds back are cut to what it leaves
 * before it is made wider. process.permission when the caller may not, the file is another one by
 * now, or its file system knows no lists.
 */
bool file_access_grant(const struct file_access_lack *lack, const struct file_access_user *user,
                       struct error *err);
