/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "store/errors.h"

/* After the database could not be read. */
#define RETRY_SECONDS 1

/* A key and a value of each change, and the largest commit whole. */
#define BATCH_BYTES (STORE_COMMIT_MAX + STORE_CHANGES_MAX * (STORE_KEY_MAX + 1))

struct sqlite_watch {
    struct sqlite_store *store;
    store_changed *changed;
    void *context;
    pthread_t thread;

    /* Under store->watching. */
    int64_t position; /* every commit up to here was handed on */
    bool stopping;
    struct sqlite_watch *next;
};

/* Some commits as read from the log. Offsets until all bytes are there: the buffer moves. */
struct batch {
    struct store_change changes[STORE_CHANGES_MAX];
    size_t keys[STORE_CHANGES_MAX], values[STORE_CHANGES_MAX];
    size_t count;
    struct buf bytes;
    int64_t revision; /* of the last commit */
    bool lost;        /* the log no longer reaches back to the watch's position */
};

void sqlite_watch_publish(struct sqlite_store *store, int64_t revision)
{
    pthread_mutex_lock(&store->watching);
    if (revision > store->newest)
        store->newest = revision;
    pthread_cond_broadcast(&store->committed);
    pthread_mutex_unlock(&store->watching);
}

int64_t sqlite_watch_oldest(struct sqlite_store *store)
{
    int64_t oldest = INT64_MAX - 1;
    pthread_mutex_lock(&store->watching);
    for (const struct sqlite_watch *watch = store->watches; watch != NULL; watch = watch->next)
        if (watch->position < oldest)
            oldest = watch->position;
    pthread_mutex_unlock(&store->watching);
    return oldest;
}

static void add_change(struct batch *batch, sqlite3_stmt *row)
{
    struct slice key = sqlite_connection_bytes(row, 2);
    struct slice value = sqlite_connection_bytes(row, 4);
    size_t n = batch->count++;
    batch->keys[n] = batch->bytes.size;
    buf_append(&batch->bytes, key);
    buf_append_u8(&batch->bytes, 0);
    batch->values[n] = batch->bytes.size;
    buf_append(&batch->bytes, value);
    batch->changes[n] = (struct store_change){
        .kind = (enum store_kind)sqlite3_column_int(row, 1),
        .remove = sqlite3_column_int(row, 3) != 0,
        .value = {NULL, value.size},
        .expected = sqlite3_column_int64(row, 0) / STORE_CHANGES_MAX,
    };
}

static bool has_room(const struct batch *batch, sqlite3_stmt *row)
{
    size_t size = sqlite_connection_bytes(row, 2).size + 1 + sqlite_connection_bytes(row, 4).size;
    return batch->count < STORE_CHANGES_MAX && size <= batch->bytes.limit - batch->bytes.size;
}

/* Whole commits behind position, as many as fit. */
static bool read_log(struct batch *batch, struct sqlite_connection *reader, int64_t position,
                     struct error *err)
{
    sqlite3_stmt *statement = sqlite_connection_statement(reader, STATEMENT_LOG_READ, err);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, (position + 1) * STORE_CHANGES_MAX);
    size_t whole = 0;
    for (;;) {
        bool row = false;
        if (!sqlite_connection_step(reader, statement, &row, err))
            return false;
        int64_t revision = row ? sqlite3_column_int64(statement, 0) / STORE_CHANGES_MAX : 0;
        if (batch->count > 0 && revision != batch->changes[batch->count - 1].expected)
            whole = batch->count;
        if (!row || !has_room(batch, statement))
            break;
        add_change(batch, statement);
    }
    if (whole == 0 && batch->count > 0)
        return error_set(err, &store_unusable, NULL, reader->path,
                         "commit %" PRId64 " is larger than any may be: the log is damaged",
                         batch->changes[0].expected);
    batch->count = whole;
    return true;
}

static bool read_state(struct batch *batch, struct sqlite_connection *reader, int64_t position,
                       struct error *err)
{
    int64_t newest = 0, compacted = 0;
    if (!sqlite_connection_run(reader, STATEMENT_BEGIN, 0, 0, err) ||
        !sqlite_connection_revision(reader, &newest, &compacted, err))
        return false;
    batch->lost = position < compacted || position > newest;
    batch->revision = batch->lost ? newest : position;
    if (batch->lost)
        return true;
    if (!read_log(batch, reader, position, err))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        batch->changes[i].key = (const char *)batch->bytes.data + batch->keys[i];
        if (batch->changes[i].value.size > 0)
            batch->changes[i].value.data = batch->bytes.data + batch->values[i];
    }
    if (batch->count > 0)
        batch->revision = batch->changes[batch->count - 1].expected;
    return true;
}

static bool read_batch(struct batch *batch, struct sqlite_store *store, int64_t position)
{
    batch->count = 0;
    buf_reset(&batch->bytes);
    struct sqlite_connection *reader = NULL;
    if (!sqlite_take_reader(&reader, store, NULL))
        return false;
    bool done = read_state(batch, reader, position, NULL);
    sqlite_give_reader(store, reader);
    return done;
}

/* Waits for a commit behind the watch's position; after a failed read only for a moment, since
 * nobody else would wake us when the disk answers again. False: the watch is to stop. */
static bool wait_for_commit(struct sqlite_watch *watch, bool failed)
{
    struct sqlite_store *store = watch->store;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_SECONDS;
    pthread_mutex_lock(&store->watching);
    if (failed && !watch->stopping)
        pthread_cond_timedwait(&store->committed, &store->watching, &until);
    while (!watch->stopping && store->newest <= watch->position)
        pthread_cond_wait(&store->committed, &store->watching);
    bool go_on = !watch->stopping;
    pthread_mutex_unlock(&store->watching);
    return go_on;
}

static void deliver(struct sqlite_watch *watch, const struct batch *batch)
{
    if (batch->lost)
        watch->changed(watch->context, NULL, 0, batch->revision);
    else if (batch->count > 0)
        watch->changed(watch->context, batch->changes, batch->count, batch->revision);
    pthread_mutex_lock(&watch->store->watching);
    watch->position = batch->revision;
    pthread_mutex_unlock(&watch->store->watching);
}

static void *run_watch(void *argument)
{
    struct sqlite_watch *watch = argument;
    struct batch *batch = memory_allocate_zero(1, sizeof *batch);
    buf_init(&batch->bytes, BATCH_BYTES);
    bool failed = false;
    while (wait_for_commit(watch, failed)) {
        failed = !read_batch(batch, watch->store, watch->position);
        if (!failed)
            deliver(watch, batch);
    }
    buf_done(&batch->bytes);
    free(batch);
    return NULL;
}

static void register_watch(struct sqlite_watch *watch)
{
    pthread_mutex_lock(&watch->store->watching);
    watch->next = watch->store->watches;
    watch->store->watches = watch;
    pthread_mutex_unlock(&watch->store->watching);
}

static void forget_watch(struct sqlite_watch *watch)
{
    pthread_mutex_lock(&watch->store->watching);
    struct sqlite_watch **link = &watch->store->watches;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    pthread_mutex_unlock(&watch->store->watching);
}

static bool check_since(struct sqlite_store *store, int64_t since, struct error *err)
{
    struct sqlite_connection *reader = NULL;
    if (!sqlite_take_reader(&reader, store, err))
        return false;
    int64_t newest = 0, compacted = 0;
    bool done = sqlite_connection_revision(reader, &newest, &compacted, err);
    sqlite_give_reader(store, reader);
    if (!done)
        return false;
    if (since < compacted)
        return error_set(err, &store_compacted, NULL, "watch",
                         "from revision %" PRId64 "; the store remembers those after %" PRId64,
                         since, compacted);
    if (since > newest)
        return error_set(err, &store_compacted, NULL, "watch",
                         "from revision %" PRId64 "; the newest is %" PRId64, since, newest);
    sqlite_watch_publish(store, newest);
    return true;
}

bool sqlite_watch_start(void **out, void *state, int64_t since, store_changed *changed,
                        void *context, struct error *err)
{
    struct sqlite_watch *watch = memory_allocate_zero(1, sizeof *watch);
    watch->store = state;
    watch->changed = changed;
    watch->context = context;
    watch->position = since;
    /* Before the check, so that no commit trims away between the two what the watch needs. */
    register_watch(watch);
    if (!check_since(watch->store, since, err)) {
        forget_watch(watch);
        free(watch);
        return false;
    }
    int number = pthread_create(&watch->thread, NULL, run_watch, watch);
    if (number != 0) {
        forget_watch(watch);
        free(watch);
        return error_set_errno(err, &store_unusable, number, "watch", "cannot start its thread");
    }
    *out = watch;
    return true;
}

void sqlite_watch_stop(void *argument)
{
    struct sqlite_watch *watch = argument;
    pthread_mutex_lock(&watch->store->watching);
    watch->stopping = true;
    pthread_cond_broadcast(&watch->store->committed);
    pthread_mutex_unlock(&watch->store->watching);
    pthread_join(watch->thread, NULL);
    forget_watch(watch);
    free(watch);
}
