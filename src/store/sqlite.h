/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The SQLite backend: one file in WAL mode, synchronous=FULL. One connection writes, under a mutex;
 * each read takes a connection of its own from a pool, so that a long list keeps nobody from
 * committing. This header is what the backend's files share; the outside calls store_open_sqlite.
 */

#include "store/backend.h"
#include "store/sqlite_connection.h"

#include <pthread.h>

/* The log keeps at least this much; see sqlite_commit.c. */
#define SQLITE_LOG_ROWS 16384
#define SQLITE_LOG_BYTES (64 * 1024 * 1024)

struct sqlite_watch;

struct sqlite_store {
    char *path;

    pthread_mutex_t writing;          /* held by whoever commits: the next three */
    struct sqlite_connection *writer; /* NULL after it broke; opened again at the next commit */
    int64_t log_rows, log_bytes;

    pthread_mutex_t pooling;
    struct sqlite_connection *readers; /* those that nobody uses now */
    int idle;

    pthread_mutex_t watching; /* the next three; taken after `writing`, never before */
    pthread_cond_t committed; /* newest has grown, or a watch is to stop */
    int64_t newest;           /* revision of this process's last commit */
    struct sqlite_watch *watches;
};

/* A reader for this thread until it is given back. */
bool sqlite_take_reader(struct sqlite_connection **out, struct sqlite_store *store,
                        struct error *err);
void sqlite_give_reader(struct sqlite_store *store, struct sqlite_connection *reader);
