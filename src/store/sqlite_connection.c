/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_connection.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "store/errors.h"

#define APPLICATION_ID 0x48475331 /* "HGS1" */
#define SCHEMA_VERSION 1
#define BUSY_TIMEOUT_MS 5000

static const char schema[] =
    "CREATE TABLE records(kind INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    " revision INTEGER NOT NULL, PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key TEXT NOT NULL,"
    " removed INTEGER NOT NULL, value BLOB NOT NULL) STRICT;"
    "CREATE TABLE counts(kind INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;"
    "CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO state VALUES('revision', 0), ('compacted', 0);"
    "PRAGMA application_id=0x48475331;"
    "PRAGMA user_version=1;";

/* No mmap: a file that is cut under us must be an error, not a SIGBUS. */
static const char settings[] = "PRAGMA synchronous=FULL;"
                               "PRAGMA foreign_keys=OFF;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA mmap_size=0;";
static const char writer_settings[] = "PRAGMA journal_size_limit=67108864;"
                                      "PRAGMA cache_size=-16384;";
static const char reader_settings[] = "PRAGMA query_only=ON;"
                                      "PRAGMA cache_size=-8192;";

static const char *const texts[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN",
    [STATEMENT_BEGIN_WRITING] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_GET] = "SELECT value, revision FROM records WHERE kind=?1 AND key=?2",
    [STATEMENT_GET_REVISION] = "SELECT revision FROM records WHERE kind=?1 AND key=?2",
    [STATEMENT_LIST] = "SELECT key, value, revision FROM records WHERE kind=?1 AND key>?2"
                       " ORDER BY key LIMIT ?3",
    [STATEMENT_COUNT] = "SELECT count FROM counts WHERE kind=?1",
    [STATEMENT_COUNT_ADD] = "INSERT INTO counts VALUES(?1, ?2)"
                            " ON CONFLICT(kind) DO UPDATE SET count=count+?2",
    [STATEMENT_PUT] = "INSERT OR REPLACE INTO records VALUES(?1, ?2, ?3, ?4)",
    [STATEMENT_REMOVE] = "DELETE FROM records WHERE kind=?1 AND key=?2",
    [STATEMENT_REVISION] = "SELECT (SELECT value FROM state WHERE name='revision'),"
                           " (SELECT value FROM state WHERE name='compacted')",
    [STATEMENT_SET_REVISION] = "UPDATE state SET value=?1 WHERE name='revision'",
    [STATEMENT_LOG_PUT] = "INSERT INTO log VALUES(?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_LOG_READ] = "SELECT id, kind, key, removed, value FROM log WHERE id>=?1 ORDER BY id",
    [STATEMENT_LOG_SIZES] =
        "SELECT id, length(CAST(key AS BLOB))+length(value) FROM log ORDER BY id",
    [STATEMENT_LOG_TOTAL] =
        "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB))+length(value)),0)"
        " FROM log",
    [STATEMENT_LOG_TRIM] = "DELETE FROM log WHERE id<?1",
    [STATEMENT_SET_COMPACTED] = "UPDATE state SET value=?1 WHERE name='compacted'",
};

static bool fail(struct sqlite_connection *connection, int result, struct error *err)
{
    int primary = result & 0xff;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return error_set(err, &store_busy, NULL, connection->path,
                         "another process kept it for longer than %d s", BUSY_TIMEOUT_MS / 1000);
    connection->broken = true;
    if (connection->handle == NULL)
        return error_set(err, &store_unusable, NULL, connection->path, "%s",
                         sqlite3_errstr(result));
    return error_set(err, &store_unusable, NULL, connection->path, "%s (SQLite %d)",
                     sqlite3_errmsg(connection->handle),
                     sqlite3_extended_errcode(connection->handle));
}

static bool run_text(struct sqlite_connection *connection, const char *text, struct error *err)
{
    int result = sqlite3_exec(connection->handle, text, NULL, NULL, NULL);
    return result == SQLITE_OK || fail(connection, result, err);
}

/* The one number that a PRAGMA gives. */
static bool read_number(struct sqlite_connection *connection, const char *text, int64_t *out,
                        struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(connection->handle, text, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    bool done = result == SQLITE_ROW || fail(connection, result, err);
    if (done)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return done;
}

/* Makes the tables of an empty file, or finds out that they are ours. In a transaction, so that of
 * two processes that open a new file one waits for the other's tables. */
static bool prepare_tables(struct sqlite_connection *connection, struct error *err)
{
    int64_t tables = 0, application = 0, version = 0;
    if (!read_number(connection, "PRAGMA schema_version", &tables, err) ||
        !read_number(connection, "PRAGMA application_id", &application, err) ||
        !read_number(connection, "PRAGMA user_version", &version, err))
        return false;
    if (tables == 0 && application == 0 && version == 0)
        return run_text(connection, schema, err);
    if (application != APPLICATION_ID)
        return error_set(err, &store_unusable, NULL, connection->path,
                         "is a database of another program (application id %#llx)",
                         (unsigned long long)application);
    if (version > SCHEMA_VERSION)
        return error_set(err, &store_newer, NULL, connection->path,
                         "has version %lld; this program knows versions up to %d",
                         (long long)version, SCHEMA_VERSION);
    return true;
}

static bool set_up_writer(struct sqlite_connection *connection, struct error *err)
{
    if (!run_text(connection, "BEGIN IMMEDIATE", err))
        return false;
    if (!prepare_tables(connection, err) || !run_text(connection, "COMMIT", err)) {
        sqlite_connection_rollback(connection);
        return false;
    }
    return run_text(connection, "PRAGMA journal_mode=WAL", err) &&
           run_text(connection, writer_settings, err);
}

/* The count of SQLite's memory, which nobody reads, is behind a lock that all threads share. */
static void configure_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool open_handle(struct sqlite_connection *connection, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_library);
    int result =
        sqlite3_open_v2(connection->path, &connection->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result != SQLITE_OK)
        return fail(connection, result, err);
    sqlite3_busy_timeout(connection->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return run_text(connection, settings, err);
}

bool sqlite_connection_open(struct sqlite_connection **out, const char *path, bool writer,
                            struct error *err)
{
    struct sqlite_connection *connection = memory_allocate_zero(1, sizeof *connection);
    connection->path = path;
    bool ready =
        open_handle(connection, err) &&
        (writer ? set_up_writer(connection, err) : run_text(connection, reader_settings, err));
    if (!ready) {
        sqlite_connection_close(&connection);
        return false;
    }
    *out = connection;
    return true;
}

void sqlite_connection_close(struct sqlite_connection **connection)
{
    if (*connection == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize((*connection)->statements[i]);
    sqlite3_close_v2((*connection)->handle);
    free(*connection);
    *connection = NULL;
}

sqlite3_stmt *sqlite_connection_statement(struct sqlite_connection *connection,
                                          enum sqlite_statement name, struct error *err)
{
    sqlite3_stmt **statement = &connection->statements[name];
    if (*statement != NULL) {
        sqlite3_reset(*statement);
        return *statement;
    }
    int result = sqlite3_prepare_v3(connection->handle, texts[name], -1, SQLITE_PREPARE_PERSISTENT,
                                    statement, NULL);
    if (result != SQLITE_OK) {
        fail(connection, result, err);
        return NULL;
    }
    return *statement;
}

bool sqlite_connection_step(struct sqlite_connection *connection, sqlite3_stmt *statement,
                            bool *row, struct error *err)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        *row = true;
        return true;
    }
    *row = false;
    bool done = result == SQLITE_DONE || fail(connection, result, err);
    sqlite3_reset(statement);
    return done;
}

bool sqlite_connection_run(struct sqlite_connection *connection, enum sqlite_statement name,
                           int64_t first, int64_t second, struct error *err)
{
    sqlite3_stmt *statement = sqlite_connection_statement(connection, name, err);
    if (statement == NULL)
        return false;
    int parameters = sqlite3_bind_parameter_count(statement);
    if (parameters >= 1)
        sqlite3_bind_int64(statement, 1, first);
    if (parameters >= 2)
        sqlite3_bind_int64(statement, 2, second);
    bool row = false;
    return sqlite_connection_step(connection, statement, &row, err);
}

bool sqlite_connection_revision(struct sqlite_connection *connection, int64_t *revision,
                                int64_t *compacted, struct error *err)
{
    sqlite3_stmt *statement = sqlite_connection_statement(connection, STATEMENT_REVISION, err);
    bool row = false;
    if (statement == NULL || !sqlite_connection_step(connection, statement, &row, err))
        return false;
    if (!row || sqlite3_column_type(statement, 0) != SQLITE_INTEGER ||
        sqlite3_column_type(statement, 1) != SQLITE_INTEGER) {
        sqlite3_reset(statement);
        return error_set(err, &store_unusable, NULL, connection->path,
                         "its table of revisions is damaged");
    }
    if (revision != NULL)
        *revision = sqlite3_column_int64(statement, 0);
    if (compacted != NULL)
        *compacted = sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return true;
}

void sqlite_connection_rollback(struct sqlite_connection *connection)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_reset(connection->statements[i]);
    if (sqlite3_get_autocommit(connection->handle))
        return;
    if (sqlite3_exec(connection->handle, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        connection->broken = true;
}

struct slice sqlite_connection_bytes(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return slice_of(data, (size_t)sqlite3_column_bytes(statement, column));
}
