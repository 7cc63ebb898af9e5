/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading from the SQLite backend; the functions of struct store_backend. */

#include "store/sqlite.h"

bool sqlite_read_get(void *state, enum store_kind kind, const char *key, struct buf *value,
                     int64_t *revision, struct error *err);
bool sqlite_read_list(void *state, enum store_kind kind, const char *after, size_t limit,
                      store_each *each, void *context, int64_t *revision, struct error *err);
bool sqlite_read_count(void *state, enum store_kind kind, int64_t *count, struct error *err);
bool sqlite_read_revision(void *state, int64_t *revision, struct error *err);
