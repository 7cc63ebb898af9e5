/* SPDX-License-Identifier: Apache-2.0 */

/* What is the SQLite backend's own: the file, and what happens when it or its disk is not well. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../folder.h"
#include "base/memory.h"
#include "store/errors.h"
#include "store/sqlite.h"
#include "store/store.h"

struct fixture {
    char folder[FOLDER_SIZE];
    char path[80];
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_allocate_zero(1, sizeof *fixture);
    folder_make(fixture->folder);
    snprintf(fixture->path, sizeof fixture->path, "%s/hgs.db", fixture->folder);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct store *open_store(const char *path)
{
    struct error err = {0};
    struct store *store = NULL;
    if (!store_open_sqlite(&store, path, &err))
        fail_msg("%s", err.message);
    return store;
}

static void assert_not_opened(const char *path, const struct error_code *code, const char *word)
{
    struct error err = {0};
    struct store *store = NULL;
    assert_false(store_open_sqlite(&store, path, &err));
    assert_null(store);
    assert_ptr_equal(err.code, code);
    if (strstr(err.message, word) == NULL)
        fail_msg("no \"%s\" in: %s", word, err.message);
}

/* With SQLite's own API, so that the file is what any program might have made of it. */
static void run_sql(const char *path, const char *text)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(handle, text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(handle);
}

static bool put_value(struct store *store, const char *key, size_t size, struct error *err)
{
    _cleanup_free_ char *bytes = memory_allocate_zero(1, size + 1);
    struct store_change change = {
        .kind = STORE_HOST, .key = key, .value = slice_of(bytes, size), .expected = STORE_ANY};
    return store_commit(store, &change, 1, NULL, err);
}

static void fill(struct store *store, int records)
{
    struct error err = {0};
    for (int i = 0; i < records; i++) {
        char key[32];
        snprintf(key, sizeof key, "n%d", i);
        if (!put_value(store, key, 2000, &err))
            fail_msg("%s", err.message);
    }
}

static bool pass_over(void *context, const struct store_record *record, struct error *err)
{
    (void)record;
    (void)err;
    ++*(int *)context;
    return true;
}

static void test_file_is_private(void **state)
{
    struct fixture *f = *state;
    mode_t old = umask(0);
    struct store *store = open_store(f->path);
    fill(store, 1);
    umask(old);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        _cleanup_free_ char *path = memory_format("%s%s", f->path, suffixes[i]);
        assert_int_equal(mode_of(path), 0600);
    }
    store_close(&store);
}

static void test_not_opened(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *nowhere = memory_format("%s/none/hgs.db", f->folder);
    assert_not_opened(nowhere, &store_unusable, "No such file");
    assert_not_opened(f->folder, &store_unusable, "unable to open");

    _cleanup_free_ char *text = memory_format("%s/text", f->folder);
    FILE *file = fopen(text, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", file);
    fclose(file);
    assert_not_opened(text, &store_unusable, "not a database");

    _cleanup_free_ char *other = memory_format("%s/other", f->folder);
    run_sql(other, "CREATE TABLE songs(name TEXT)");
    assert_not_opened(other, &store_unusable, "another program");
}

static void test_newer(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f->path);
    fill(store, 1);
    store_close(&store);
    run_sql(f->path, "PRAGMA user_version=2");
    assert_not_opened(f->path, &store_newer, "version 2");
    run_sql(f->path, "PRAGMA user_version=1");
    store = open_store(f->path);
    assert_true(store_get(store, STORE_HOST, "n0", NULL, NULL, NULL));
    store_close(&store);
}

static void test_settings(void **state)
{
    struct fixture *f = *state;
    store_close(&(struct store *){open_store(f->path)});
    struct sqlite_connection *writer = NULL;
    assert_true(sqlite_connection_open(&writer, f->path, true, NULL));
    static const struct {
        const char *pragma;
        const char *value;
    } settings[] = {{"PRAGMA journal_mode", "wal"}, {"PRAGMA synchronous", "2"},
                    {"PRAGMA foreign_keys", "0"},   {"PRAGMA mmap_size", NULL},
                    {"PRAGMA user_version", "1"},   {"PRAGMA application_id", "1212633905"}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        sqlite3_stmt *statement = NULL;
        assert_int_equal(
            sqlite3_prepare_v2(writer->handle, settings[i].pragma, -1, &statement, NULL),
            SQLITE_OK);
        if (sqlite3_step(statement) == SQLITE_ROW && settings[i].value != NULL)
            assert_string_equal((const char *)sqlite3_column_text(statement, 0), settings[i].value);
        sqlite3_finalize(statement);
    }
    sqlite_connection_close(&writer);
}

static void test_damaged(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f->path);
    fill(store, 200);
    store_close(&store);
    int fd = open(f->path, O_WRONLY);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    uint8_t page[4096];
    memset(page, 0xa5, sizeof page);
    for (off_t at = 8 * 4096; at < status.st_size; at += 4096)
        assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
    close(fd);
    store = NULL;
    struct error err = {0};
    int seen = 0;
    bool usable = store_open_sqlite(&store, f->path, &err) &&
                  store_list(store, STORE_HOST, NULL, 0, pass_over, &seen, NULL, &err);
    assert_false(usable);
    assert_ptr_equal(err.code, &store_unusable);
    assert_string_equal(err.object, f->path);
    assert_non_null(strstr(err.message, "malformed"));
    /* Nor do commits and watches end the process. */
    if (store != NULL) {
        for (int i = 0; i < 200; i++)
            put_value(store, "n1", 2000, &err);
        store_close(&store);
    }
}

static void test_cut_while_open(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f->path);
    fill(store, 200);
    _cleanup_free_ char *wal = memory_format("%s-wal", f->path);
    assert_int_equal(truncate(f->path, 4096), 0);
    assert_int_equal(truncate(wal, 0), 0);
    struct error err = {0};
    int seen = 0;
    assert_false(store_list(store, STORE_HOST, NULL, 0, pass_over, &seen, NULL, &err));
    assert_ptr_equal(err.code, &store_unusable);
    store_close(&store);
}

/* A full disk, as a process meets it that may not make a file any larger: commits fail, reads go
 * on, and once there is room commits do. */
static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    signal(SIGXFSZ, SIG_IGN);
    struct store *store = open_store(f->path);
    fill(store, 10);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 256 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct error err = {0};
    int done = 0;
    while (done < 1000 && put_value(store, "large", 50000, &err))
        done++;
    bool readable = store_get(store, STORE_HOST, "n3", NULL, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(done < 1000);
    assert_ptr_equal(err.code, &store_unusable);
    assert_string_equal(err.object, f->path);
    assert_true(readable);
    int64_t before = 0, after = 0;
    assert_true(store_revision(store, &before, NULL));
    assert_int_equal(before, 10 + done);
    assert_true(put_value(store, "large", 50000, &err));
    assert_true(store_revision(store, &after, NULL));
    assert_int_equal(after, before + 1);
    store_close(&store);
}

/* As somebody who may read the file but not write it. The exit status says what happened. */
static void open_as_nobody(const char *path)
{
    struct error err = {0};
    struct store *store = NULL;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(1);
    if (store_open_sqlite(&store, path, &err))
        _exit(2);
    _exit(err.code == &store_unusable && strcmp(err.object, path) == 0 ? 0 : 3);
}

static void test_read_only(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f->path);
    fill(store, 1);
    store_close(&store);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->folder, 0555), 0);
    pid_t child = fork();
    if (child == 0)
        open_as_nobody(f->path);
    int status = 0;
    waitpid(child, &status, 0);
    chmod(f->folder, 0755);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

struct lost {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int lost;
    int64_t revision;
};

static void note_lost(void *context, const struct store_change *changes, size_t count,
                      int64_t revision)
{
    struct lost *lost = context;
    pthread_mutex_lock(&lost->mutex);
    lost->lost += changes == NULL && count == 0;
    lost->revision = revision;
    pthread_cond_broadcast(&lost->changed);
    pthread_mutex_unlock(&lost->mutex);
}

/* Another process writes more than the log keeps, without waiting for our watch: it is told that it
 * has to list again, and goes on with what comes. */
static void test_watch_is_told_of_a_gap(void **state)
{
    struct fixture *f = *state;
    struct store *ours = open_store(f->path), *other = open_store(f->path);
    struct lost lost = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    struct store_watch *watch = NULL;
    struct error err = {0};
    assert_true(store_watch_start(&watch, ours, 0, note_lost, &lost, &err));
    static char keys[STORE_CHANGES_MAX][8];
    struct store_change changes[STORE_CHANGES_MAX];
    for (int n = 0; n < STORE_CHANGES_MAX; n++) {
        snprintf(keys[n], sizeof keys[n], "k%d", n);
        changes[n] =
            (struct store_change){.kind = STORE_GROUP, .key = keys[n], .expected = STORE_ANY};
    }
    for (int i = 0; i < SQLITE_LOG_ROWS / STORE_CHANGES_MAX + 20; i++)
        assert_true(store_commit(other, changes, STORE_CHANGES_MAX, NULL, &err));
    store_close(&other);
    for (int i = 0; i < 2; i++) {
        int64_t revision = 0;
        assert_true(store_commit(ours, changes, 1, &revision, &err));
        pthread_mutex_lock(&lost.mutex);
        while (lost.revision < revision)
            pthread_cond_wait(&lost.changed, &lost.mutex);
        assert_int_equal(lost.lost, 1);
        pthread_mutex_unlock(&lost.mutex);
    }
    store_watch_stop(&watch);
    store_close(&ours);
}

static void test_log_stays_small(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f->path);
    _cleanup_free_ char *bytes = memory_allocate_zero(1, STORE_VALUE_MAX);
    struct store_change change = {.kind = STORE_POLICY,
                                  .key = "p",
                                  .value = slice_of(bytes, STORE_VALUE_MAX),
                                  .expected = STORE_ANY};
    for (int i = 0; i < 80; i++)
        assert_true(store_commit(store, &change, 1, NULL, NULL));
    store_close(&store);
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0);
    assert_true(status.st_size < 70 << 20);
    /* A new process knows how much there is. */
    store = open_store(f->path);
    for (int i = 0; i < 80; i++)
        assert_true(store_commit(store, &change, 1, NULL, NULL));
    store_close(&store);
    assert_int_equal(stat(f->path, &status), 0);
    assert_true(status.st_size < 70 << 20);
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_file_is_private),
        FILE_TEST(test_not_opened),
        FILE_TEST(test_newer),
        FILE_TEST(test_settings),
        FILE_TEST(test_damaged),
        FILE_TEST(test_cut_while_open),
        FILE_TEST(test_disk_full),
        FILE_TEST(test_read_only),
        FILE_TEST(test_watch_is_told_of_a_gap),
        FILE_TEST(test_log_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
