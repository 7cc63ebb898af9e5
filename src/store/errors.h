/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of store/. */

#include "base/error.h"

#define STORE_ERRORS(X)                                                                        \
    X(store_unusable, "store.unusable", ERROR_IO,                                              \
      "the database cannot be opened, read or written",                                        \
      "check free space, owner and mode of the file and its folder; a damaged one: restore a " \
      "backup (hgsctl state import)")                                                          \
    X(store_busy, "store.busy", ERROR_UNAVAILABLE, "the database was busy for too long",       \
      "try again; see whether another process has it open (fuser)")                            \
    X(store_newer, "store.newer", ERROR_UNSUPPORTED,                                           \
      "the database was written by a newer version of this project",                           \
      "install that version or a newer one")                                                   \
    X(store_not_found, "store.not-found", ERROR_NOT_FOUND, "there is no such record",          \
      "list what there is, and check the name's spelling")                                     \
    X(store_conflict, "store.conflict", ERROR_CONFLICT,                                        \
      "a record exists already, or was changed by somebody else in the meantime",              \
      "look at it again and repeat the command if it is still what you want")                  \
    X(store_limit, "store.limit", ERROR_LIMIT,                                                 \
      "a record, its key or a commit is larger than the store takes",                          \
      "make it smaller: 1 MiB a record, 255 bytes a key, 128 records and 1.25 MiB a commit")   \
    X(store_key_invalid, "store.key-invalid", ERROR_INVALID,                                   \
      "a record's key is empty, is not printable UTF-8, or stands twice in one commit",        \
      "choose a name of visible characters; each record can change once a commit")             \
    X(store_compacted, "store.compacted", ERROR_NOT_FOUND,                                     \
      "the changes after that revision are not kept any more, or never were",                  \
      "list the records again, and watch from the revision of that list")

ERROR_TABLE_DECLARE(store_errors, STORE_ERRORS)
