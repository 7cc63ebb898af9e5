/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Committing to the SQLite backend: one transaction checks what each change expects, writes
 * records, counts and log under the next revision, and trims the log.
 */

#include "store/sqlite.h"

bool sqlite_commit(void *state, const struct store_change *changes, size_t count, int64_t *revision,
                   struct error *err);
/* The first writer, which also makes the tables. */
bool sqlite_commit_open_writer(struct sqlite_store *store, struct error *err);
