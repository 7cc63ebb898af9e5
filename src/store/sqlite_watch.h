/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Watches of the SQLite backend: a thread each, which sleeps until a commit of this process wakes
 * it, then reads the log behind its position and hands it on.
 */

#include "store/sqlite.h"

bool sqlite_watch_start(void **watch, void *state, int64_t since, store_changed *changed,
                        void *context, struct error *err);
/* argument: what sqlite_watch_start gave. */
void sqlite_watch_stop(void *argument);

/* Wakes the watches: revision is durable. */
void sqlite_watch_publish(struct sqlite_store *store, int64_t revision);
/* Up to which revision every watch has been served; INT64_MAX - 1 without watches. */
int64_t sqlite_watch_oldest(struct sqlite_store *store);
