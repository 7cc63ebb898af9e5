/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One SQLite connection to the store's database and its prepared statements, used by one thread at
 * a time. This file knows the tables; the files beside it know what to do with them.
 *
 *     records  kind, key -> value, revision of the commit that wrote it
 *     log      id -> kind, key, removed, value: the latest changes; id = revision × 128 + n
 *     counts   kind -> how many records it has
 *     state    'revision' -> the newest; 'compacted' -> up to which the log was trimmed
 */

#include "base/error.h"
#include "base/slice.h"

#include <sqlite3.h>

enum sqlite_statement {
    STATEMENT_BEGIN,         /* a transaction that reads: one state from its first read on */
    STATEMENT_BEGIN_WRITING, /* one that writes */
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_GET,           /* kind, key -> value, revision */
    STATEMENT_GET_REVISION,  /* kind, key -> revision */
    STATEMENT_LIST,          /* kind, after, limit (-1: all) -> key, value, revision */
    STATEMENT_COUNT,         /* kind -> count */
    STATEMENT_COUNT_ADD,     /* kind, difference */
    STATEMENT_PUT,           /* kind, key, value, revision */
    STATEMENT_REMOVE,        /* kind, key */
    STATEMENT_REVISION,      /* -> newest, compacted */
    STATEMENT_SET_REVISION,  /* newest */
    STATEMENT_LOG_PUT,       /* id, kind, key, removed, value */
    STATEMENT_LOG_READ,      /* first id -> id, kind, key, removed, value */
    STATEMENT_LOG_SIZES,     /* -> id, bytes; oldest first */
    STATEMENT_LOG_TOTAL,     /* -> rows, bytes */
    STATEMENT_LOG_TRIM,      /* first id that stays */
    STATEMENT_SET_COMPACTED, /* revision */
    STATEMENTS               /* how many there are */
};

/* What a change costs in the log besides its key and value. */
#define SQLITE_LOG_ROW_OVERHEAD 32

struct sqlite_connection {
    sqlite3 *handle;
    const char *path; /* borrowed */
    sqlite3_stmt *statements[STATEMENTS];
    bool broken;                    /* an error was not the caller's: do not use it again */
    struct sqlite_connection *next; /* in the pool */
};

/* Opens an existing database file (an empty one is filled). writer: may write, and checks and makes
 * the tables; others only read. store.unusable, store.newer, store.busy. */
bool sqlite_connection_open(struct sqlite_connection **out, const char *path, bool writer,
                            struct error *err);
void sqlite_connection_close(struct sqlite_connection **connection);

/* The statement, reset and ready for binding; prepared at its first use. NULL: err is set. */
sqlite3_stmt *sqlite_connection_statement(struct sqlite_connection *connection,
                                          enum sqlite_statement name, struct error *err);
/* One step. *row says whether there is one; without a row the statement is reset. */
bool sqlite_connection_step(struct sqlite_connection *connection, sqlite3_stmt *statement,
                            bool *row, struct error *err);
/* A statement that gives no rows, and takes up to two numbers (those it does not take are 0). */
bool sqlite_connection_run(struct sqlite_connection *connection, enum sqlite_statement name,
                           int64_t first, int64_t second, struct error *err);
/* The newest revision and up to which the log was trimmed; each may be NULL. */
bool sqlite_connection_revision(struct sqlite_connection *connection, int64_t *revision,
                                int64_t *compacted, struct error *err);
/* Ends a transaction without its changes, whatever went wrong in it. */
void sqlite_connection_rollback(struct sqlite_connection *connection);
/* The column's bytes; valid until the statement's next step. */
struct slice sqlite_connection_bytes(sqlite3_stmt *statement, int column);
