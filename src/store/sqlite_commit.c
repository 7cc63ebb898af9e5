/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_commit.h"

#include "store/errors.h"
#include "store/sqlite_watch.h"

/* Trimming starts when the log is this much over its bound, so that it runs now and then and not
 * with every commit; and takes at most so many changes away at once, so that no commit is slow. */
#define TRIM_SLACK 1024
#define TRIM_AT_ONCE 4096

/* What one commit does, kept apart until it is durable. */
struct commit {
    struct sqlite_store *store;
    struct sqlite_connection *writer;
    int64_t revision;
    int64_t log_next;                    /* id of the next change in the log */
    int64_t log_rows, log_bytes;         /* differences */
    int64_t counted[STORE_KIND_MAX + 1]; /* differences, by kind */
};

bool sqlite_commit_open_writer(struct sqlite_store *store, struct error *err)
{
    struct sqlite_connection *writer = NULL;
    if (!sqlite_connection_open(&writer, store->path, true, err))
        return false;
    sqlite3_stmt *statement = sqlite_connection_statement(writer, STATEMENT_LOG_TOTAL, err);
    bool row = false;
    int64_t newest = 0;
    if (statement == NULL || !sqlite_connection_step(writer, statement, &row, err) ||
        !sqlite_connection_revision(writer, &newest, NULL, err)) {
        sqlite_connection_close(&writer);
        return false;
    }
    store->log_rows = sqlite3_column_int64(statement, 0);
    store->log_bytes =
        sqlite3_column_int64(statement, 1) + store->log_rows * SQLITE_LOG_ROW_OVERHEAD;
    sqlite3_reset(statement);
    store->writer = writer;
    sqlite_watch_publish(store, newest);
    return true;
}

/* The revision of the record that change is about; STORE_ABSENT when there is none. */
static bool present_revision(struct commit *commit, const struct store_change *change,
                             int64_t *revision, struct error *err)
{
    sqlite3_stmt *statement =
        sqlite_connection_statement(commit->writer, STATEMENT_GET_REVISION, err);
    if (statement == NULL)
        return false;
    sqlite3_bind_int(statement, 1, change->kind);
    sqlite3_bind_text(statement, 2, change->key, -1, SQLITE_STATIC);
    bool row = false;
    if (!sqlite_connection_step(commit->writer, statement, &row, err))
        return false;
    *revision = row ? sqlite3_column_int64(statement, 0) : STORE_ABSENT;
    sqlite3_reset(statement);
    return true;
}

/* A slice without data would be bound as NULL, which the tables refuse. */
static void bind_value(sqlite3_stmt *statement, int parameter, const struct store_change *change)
{
    if (change->remove || change->value.size == 0)
        sqlite3_bind_zeroblob(statement, parameter, 0);
    else
        sqlite3_bind_blob64(statement, parameter, change->value.data, change->value.size,
                            SQLITE_STATIC);
}

static bool write_record(struct commit *commit, const struct store_change *change,
                         struct error *err)
{
    enum sqlite_statement name = change->remove ? STATEMENT_REMOVE : STATEMENT_PUT;
    sqlite3_stmt *statement = sqlite_connection_statement(commit->writer, name, err);
    if (statement == NULL)
        return false;
    sqlite3_bind_int(statement, 1, change->kind);
    sqlite3_bind_text(statement, 2, change->key, -1, SQLITE_STATIC);
    if (!change->remove) {
        bind_value(statement, 3, change);
        sqlite3_bind_int64(statement, 4, commit->revision);
    }
    bool row = false;
    return sqlite_connection_step(commit->writer, statement, &row, err);
}

static bool write_log(struct commit *commit, const struct store_change *change, struct error *err)
{
    sqlite3_stmt *statement = sqlite_connection_statement(commit->writer, STATEMENT_LOG_PUT, err);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, commit->log_next++);
    sqlite3_bind_int(statement, 2, change->kind);
    sqlite3_bind_text(statement, 3, change->key, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 4, change->remove);
    bind_value(statement, 5, change);
    commit->log_rows++;
    commit->log_bytes += (int64_t)(strlen(change->key) + (change->remove ? 0 : change->value.size) +
                                   SQLITE_LOG_ROW_OVERHEAD);
    bool row = false;
    return sqlite_connection_step(commit->writer, statement, &row, err);
}

static bool apply(struct commit *commit, const struct store_change *change, struct error *err)
{
    int64_t present = STORE_ABSENT;
    if (!present_revision(commit, change, &present, err) ||
        !store_check_expected(change, present, err))
        return false;
    if (change->remove && present == STORE_ABSENT)
        return true;
    if (change->remove)
        commit->counted[change->kind]--;
    else if (present == STORE_ABSENT)
        commit->counted[change->kind]++;
    return write_record(commit, change, err) && write_log(commit, change, err);
}

/* Whether the log may stay as it is once its first rows and bytes are gone, and revision is the
 * oldest in it. */
static bool trimmed_enough(const struct commit *commit, int64_t rows, int64_t bytes,
                           int64_t revision, int64_t needed)
{
    bool within = commit->store->log_rows + commit->log_rows - rows <= SQLITE_LOG_ROWS &&
                  commit->store->log_bytes + commit->log_bytes - bytes <= SQLITE_LOG_BYTES;
    return within || rows >= TRIM_AT_ONCE || revision >= needed || revision >= commit->revision;
}

/* Finds how much of the log's beginning can go, in whole commits, without what a watch still needs.
 * *keep is the first revision that stays; 0: all of them. */
static bool measure_trim(struct commit *commit, int64_t *keep, struct error *err)
{
    int64_t needed = sqlite_watch_oldest(commit->store) + 1;
    sqlite3_stmt *statement = sqlite_connection_statement(commit->writer, STATEMENT_LOG_SIZES, err);
    if (statement == NULL)
        return false;
    int64_t rows = 0, bytes = 0, oldest = 0;
    bool row = false;
    while (sqlite_connection_step(commit->writer, statement, &row, err) && row) {
        int64_t revision = sqlite3_column_int64(statement, 0) / STORE_CHANGES_MAX;
        if (revision != oldest && trimmed_enough(commit, rows, bytes, revision, needed)) {
            commit->log_rows -= rows;
            commit->log_bytes -= bytes;
            *keep = rows > 0 ? revision : 0;
            sqlite3_reset(statement);
            return true;
        }
        oldest = revision;
        rows++;
        bytes += sqlite3_column_int64(statement, 1) + SQLITE_LOG_ROW_OVERHEAD;
    }
    /* This commit's own changes end the search, unless reading failed or they are not there. */
    return !commit->writer->broken &&
           error_set(err, &store_unusable, NULL, commit->store->path, "its log is damaged");
}

static bool trim(struct commit *commit, struct error *err)
{
    bool over = commit->store->log_rows + commit->log_rows > SQLITE_LOG_ROWS + TRIM_SLACK ||
                commit->store->log_bytes + commit->log_bytes > SQLITE_LOG_BYTES;
    int64_t keep = 0;
    if (!over)
        return true;
    if (!measure_trim(commit, &keep, err))
        return false;
    if (keep == 0)
        return true;
    return sqlite_connection_run(commit->writer, STATEMENT_LOG_TRIM, keep * STORE_CHANGES_MAX, 0,
                                 err) &&
           sqlite_connection_run(commit->writer, STATEMENT_SET_COMPACTED, keep - 1, 0, err);
}

static bool write_totals(struct commit *commit, struct error *err)
{
    for (int kind = 1; kind <= STORE_KIND_MAX; kind++)
        if (commit->counted[kind] != 0 &&
            !sqlite_connection_run(commit->writer, STATEMENT_COUNT_ADD, kind, commit->counted[kind],
                                   err))
            return false;
    return sqlite_connection_run(commit->writer, STATEMENT_SET_REVISION, commit->revision, 0,
                                 err) &&
           trim(commit, err);
}

static bool transact(struct commit *commit, const struct store_change *changes, size_t count,
                     struct error *err)
{
    int64_t newest = 0;
    if (!sqlite_connection_run(commit->writer, STATEMENT_BEGIN_WRITING, 0, 0, err) ||
        !sqlite_connection_revision(commit->writer, &newest, NULL, err))
        return false;
    commit->revision = newest + 1;
    commit->log_next = commit->revision * STORE_CHANGES_MAX;
    for (size_t i = 0; i < count; i++)
        if (!apply(commit, &changes[i], err))
            return false;
    if (commit->log_rows == 0)
        commit->revision = newest;
    else if (!write_totals(commit, err))
        return false;
    return sqlite_connection_run(commit->writer, STATEMENT_COMMIT, 0, 0, err);
}

static bool commit_locked(struct sqlite_store *store, const struct store_change *changes,
                          size_t count, int64_t *revision, struct error *err)
{
    if (store->writer == NULL && !sqlite_commit_open_writer(store, err))
        return false;
    struct commit commit = {.store = store, .writer = store->writer};
    if (!transact(&commit, changes, count, err)) {
        sqlite_connection_rollback(store->writer);
        if (store->writer->broken)
            sqlite_connection_close(&store->writer);
        return false;
    }
    store->log_rows += commit.log_rows;
    store->log_bytes += commit.log_bytes;
    *revision = commit.revision;
    sqlite_watch_publish(store, commit.revision);
    return true;
}

bool sqlite_commit(void *state, const struct store_change *changes, size_t count, int64_t *revision,
                   struct error *err)
{
    struct sqlite_store *store = state;
    pthread_mutex_lock(&store->writing);
    bool done = commit_locked(store, changes, count, revision, err);
    pthread_mutex_unlock(&store->writing);
    return done;
}
