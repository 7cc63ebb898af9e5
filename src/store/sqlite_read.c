/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_read.h"

#include "store/errors.h"

static bool get(struct sqlite_connection *reader, enum store_kind kind, const char *key,
                struct buf *value, int64_t *revision, struct error *err)
{
    sqlite3_stmt *statement = sqlite_connection_statement(reader, STATEMENT_GET, err);
    if (statement == NULL)
        return false;
    sqlite3_bind_int(statement, 1, kind);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    bool row = false;
    if (!sqlite_connection_step(reader, statement, &row, err))
        return false;
    if (!row)
        return error_set(err, &store_not_found, NULL, key, "there is no such record");
    if (value != NULL) {
        buf_append(value, sqlite_connection_bytes(statement, 0));
        if (!buf_ok(value, key, err))
            return false;
    }
    if (revision != NULL)
        *revision = sqlite3_column_int64(statement, 1);
    return true;
}

bool sqlite_read_get(void *state, enum store_kind kind, const char *key, struct buf *value,
                     int64_t *revision, struct error *err)
{
    struct sqlite_connection *reader = NULL;
    if (!sqlite_take_reader(&reader, state, err))
        return false;
    bool found = get(reader, kind, key, value, revision, err);
    sqlite_give_reader(state, reader);
    return found;
}

static bool list(struct sqlite_connection *reader, sqlite3_stmt *statement, enum store_kind kind,
                 store_each *each, void *context, struct error *err)
{
    for (;;) {
        bool row = false;
        if (!sqlite_connection_step(reader, statement, &row, err))
            return false;
        if (!row)
            return true;
        struct store_record record = {
            .kind = kind,
            .key = (const char *)sqlite3_column_text(statement, 0),
            .value = sqlite_connection_bytes(statement, 1),
            .revision = sqlite3_column_int64(statement, 2),
        };
        if (!each(context, &record, err))
            return true;
    }
}

static bool list_at_revision(struct sqlite_connection *reader, enum store_kind kind,
                             const char *after, size_t limit, store_each *each, void *context,
                             int64_t *revision, struct error *err)
{
    /* In a transaction, so that the revision is that of the records. */
    if (!sqlite_connection_run(reader, STATEMENT_BEGIN, 0, 0, err) ||
        !sqlite_connection_revision(reader, revision, NULL, err))
        return false;
    sqlite3_stmt *statement = sqlite_connection_statement(reader, STATEMENT_LIST, err);
    if (statement == NULL)
        return false;
    sqlite3_bind_int(statement, 1, kind);
    sqlite3_bind_text(statement, 2, after, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, limit == 0 ? -1 : (int64_t)limit);
    return list(reader, statement, kind, each, context, err);
}

bool sqlite_read_list(void *state, enum store_kind kind, const char *after, size_t limit,
                      store_each *each, void *context, int64_t *revision, struct error *err)
{
    struct sqlite_connection *reader = NULL;
    if (!sqlite_take_reader(&reader, state, err))
        return false;
    bool done = list_at_revision(reader, kind, after, limit, each, context, revision, err);
    sqlite_give_reader(state, reader);
    return done;
}

bool sqlite_read_count(void *state, enum store_kind kind, int64_t *count, struct error *err)
{
    struct sqlite_connection *reader = NULL;
    if (!sqlite_take_reader(&reader, state, err))
        return false;
    sqlite3_stmt *statement = sqlite_connection_statement(reader, STATEMENT_COUNT, err);
    bool row = false;
    bool done = statement != NULL && sqlite3_bind_int(statement, 1, kind) == SQLITE_OK &&
                sqlite_connection_step(reader, statement, &row, err);
    if (done)
        *count = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite_give_reader(state, reader);
    return done;
}

bool sqlite_read_revision(void *state, int64_t *revision, struct error *err)
{
    struct sqlite_connection *reader = NULL;
    if (!sqlite_take_reader(&reader, state, err))
        return false;
    bool done = sqlite_connection_revision(reader, revision, NULL, err);
    sqlite_give_reader(state, reader);
    return done;
}
