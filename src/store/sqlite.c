/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/errors.h"
#include "store/sqlite_commit.h"
#include "store/sqlite_read.h"
#include "store/sqlite_watch.h"

/* Idle readers that are kept; as many as ask at once are made. */
#define READERS_KEPT 8

bool sqlite_take_reader(struct sqlite_connection **out, struct sqlite_store *store,
                        struct error *err)
{
    pthread_mutex_lock(&store->pooling);
    struct sqlite_connection *reader = store->readers;
    if (reader != NULL) {
        store->readers = reader->next;
        store->idle--;
    }
    pthread_mutex_unlock(&store->pooling);
    if (reader == NULL)
        return sqlite_connection_open(out, store->path, false, err);
    *out = reader;
    return true;
}

void sqlite_give_reader(struct sqlite_store *store, struct sqlite_connection *reader)
{
    sqlite_connection_rollback(reader);
    pthread_mutex_lock(&store->pooling);
    if (!reader->broken && store->idle < READERS_KEPT) {
        reader->next = store->readers;
        store->readers = reader;
        store->idle++;
        reader = NULL;
    }
    pthread_mutex_unlock(&store->pooling);
    sqlite_connection_close(&reader);
}

static bool sync_folder(const char *path, struct error *err)
{
    _cleanup_free_ char *copy = memory_copy_text(path);
    const char *folder = dirname(copy);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    int number = errno;
    if (fd >= 0)
        close(fd);
    return done || error_set_errno(err, &store_unusable, number, folder, "cannot be synced");
}

/* SQLite would make the file readable for all that the umask allows. An existing file is not even
 * opened here: closing it again would drop the locks of another connection of this process. */
static bool make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ||
               error_set_errno(err, &store_unusable, errno, path, "cannot be made");
    close(fd);
    return sync_folder(path, err);
}

static void init_conditions(struct sqlite_store *store)
{
    pthread_mutex_init(&store->writing, NULL);
    pthread_mutex_init(&store->pooling, NULL);
    pthread_mutex_init(&store->watching, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->committed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void close_sqlite(void *state)
{
    struct sqlite_store *store = state;
    assert(store->watches == NULL);
    while (store->readers != NULL) {
        struct sqlite_connection *reader = store->readers;
        store->readers = reader->next;
        sqlite_connection_close(&reader);
    }
    /* The last one to close moves what the WAL holds into the database. */
    sqlite_connection_close(&store->writer);
    pthread_mutex_destroy(&store->writing);
    pthread_mutex_destroy(&store->pooling);
    pthread_mutex_destroy(&store->watching);
    pthread_cond_destroy(&store->committed);
    free(store->path);
    free(store);
}

static const struct store_backend backend = {
    .name = "sqlite",
    .close = close_sqlite,
    .get = sqlite_read_get,
    .list = sqlite_read_list,
    .count = sqlite_read_count,
    .commit = sqlite_commit,
    .revision = sqlite_read_revision,
    .watch_start = sqlite_watch_start,
    .watch_stop = sqlite_watch_stop,
};

bool store_open_sqlite(struct store **out, const char *path, struct error *err)
{
    if (!make_file(path, err))
        return false;
    struct sqlite_store *store = memory_allocate_zero(1, sizeof *store);
    store->path = memory_copy_text(path);
    init_conditions(store);
    if (!sqlite_commit_open_writer(store, err)) {
        close_sqlite(store);
        return false;
    }
    *out = store_new(&backend, store);
    return true;
}
