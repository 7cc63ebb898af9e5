/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "audit/errors.h"
#include "base/memory.h"

#define SECOND 1000000000LL
#define MILLISECOND 1000000LL
#define MICROSECOND 1000LL
/* So much is worth a flush of its own. */
#define ENOUGH_BYTES (512 * 1024)

void audit_queue_init(struct audit_queue *queue)
{
    *queue = (struct audit_queue){.end = NULL};
    queue->end = &queue->first;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_cond_init(&queue->finished_some, &attributes);
    pthread_condattr_destroy(&attributes);
}

void audit_queue_done(struct audit_queue *queue)
{
    assert(queue->first == NULL);
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->finished_some);
}

static size_t entry_size(const struct audit_entry *entry)
{
    return sizeof *entry + entry->event_size + entry->fields_size;
}

static struct audit_entry *copy_entry(const struct audit_entry *entry, const char *event,
                                      struct slice fields)
{
    size_t event_size = strlen(event);
    struct audit_entry *copy = memory_allocate(sizeof *copy + event_size + fields.size);
    *copy = *entry;
    copy->next = NULL;
    copy->event_size = event_size;
    copy->fields_size = fields.size;
    memcpy(copy->bytes, event, event_size);
    if (fields.size > 0)
        memcpy(copy->bytes + event_size, fields.data, fields.size);
    return copy;
}

static int64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static bool check_room(struct audit_queue *queue, const struct audit_entry *entry,
                       const char *event, size_t size, struct error *err)
{
    bool damaged = queue->shut && queue->reason.code == &audit_damaged;
    if (entry->acknowledges && !damaged)
        return error_set(err, &audit_undamaged, NULL, "audit trail",
                         queue->shut ? "it cannot be written, and is not damaged"
                                     : "it is being written");
    if (queue->shut && !entry->acknowledges) {
        queue->lost++;
        if (err != NULL)
            *err = queue->reason;
        return false;
    }
    if (queue->records < AUDIT_QUEUE_RECORDS && queue->bytes + size <= AUDIT_QUEUE_BYTES)
        return true;
    return error_set(err, &audit_busy, NULL, event, "%zu events of %zu bytes wait already",
                     queue->records, queue->bytes);
}

static void put_locked(struct audit_queue *queue, struct audit_entry *entry)
{
    bool first = queue->first == NULL;
    bool first_awaited = entry->done != NULL && !queue->awaited;
    size_t before = queue->waiting_bytes;
    if (first)
        queue->first_at = monotonic();
    *queue->end = entry;
    queue->end = &entry->next;
    queue->put++;
    queue->records++;
    queue->bytes += entry_size(entry);
    queue->waiting_bytes += entry_size(entry);
    queue->awaited |= entry->done != NULL;
    if (first || first_awaited || (before < ENOUGH_BYTES && queue->waiting_bytes >= ENOUGH_BYTES))
        pthread_cond_signal(&queue->filled);
}

bool audit_queue_put(struct audit_queue *queue, const struct audit_entry *entry, const char *event,
                     struct slice fields, struct error *err)
{
    struct audit_entry *copy = copy_entry(entry, event, fields);
    pthread_mutex_lock(&queue->mutex);
    bool room = check_room(queue, entry, event, entry_size(copy), err);
    if (room)
        put_locked(queue, copy);
    pthread_mutex_unlock(&queue->mutex);
    if (!room)
        free(copy);
    return room;
}

static struct audit_entry *take_locked(struct audit_queue *queue)
{
    struct audit_entry *entries = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    queue->waiting_bytes = 0;
    queue->awaited = false;
    return entries;
}

/* When the entries in the list are to be taken. */
static int64_t due_at(const struct audit_queue *queue)
{
    if (queue->closed || queue->hurried > queue->finished || queue->waiting_bytes >= ENOUGH_BYTES)
        return 0;
    int64_t linger = queue->first_at + AUDIT_QUEUE_LINGER_MS * MILLISECOND;
    int64_t interval = queue->few ? queue->finished_at + AUDIT_QUEUE_RETURN_US * MICROSECOND
                                  : queue->taken_at + AUDIT_QUEUE_INTERVAL_MS * MILLISECOND;
    return queue->awaited && interval < linger ? interval : linger;
}

static void wait_until(struct audit_queue *queue, int64_t time)
{
    struct timespec until = {.tv_sec = time / SECOND, .tv_nsec = time % SECOND};
    pthread_cond_timedwait(&queue->filled, &queue->mutex, &until);
}

struct audit_entry *audit_queue_take(struct audit_queue *queue, int64_t milliseconds, bool *closed)
{
    int64_t now = monotonic();
    int64_t end = milliseconds < 0 ? INT64_MAX : now + milliseconds * MILLISECOND;
    pthread_mutex_lock(&queue->mutex);
    while (!queue->closed) {
        int64_t until = queue->first != NULL ? due_at(queue) : end;
        if (until <= now)
            break;
        if (until == INT64_MAX)
            pthread_cond_wait(&queue->filled, &queue->mutex);
        else
            wait_until(queue, until);
        now = monotonic();
    }
    struct audit_entry *entries = take_locked(queue);
    *closed = queue->closed;
    queue->taken_at = now;
    pthread_mutex_unlock(&queue->mutex);
    return entries;
}

struct audit_entry *audit_queue_finish(struct audit_queue *queue, struct audit_entry *entries,
                                       size_t count, bool ok, const struct error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct audit_entry *entry = entries;
        entries = entry->next;
        bytes += entry_size(entry);
        if (entry->done != NULL)
            entry->done(entry->context, ok, err);
        free(entry);
    }
    pthread_mutex_lock(&queue->mutex);
    queue->records -= count;
    queue->bytes -= bytes;
    bool hurried = queue->finished < queue->hurried;
    queue->finished += count;
    queue->finished_at = monotonic();
    if (hurried)
        pthread_cond_broadcast(&queue->finished_some);
    pthread_mutex_unlock(&queue->mutex);
    return entries;
}

static size_t count_entries(const struct audit_entry *entries)
{
    size_t count = 0;
    for (; entries != NULL; entries = entries->next)
        count++;
    return count;
}

void audit_queue_shut(struct audit_queue *queue, struct audit_entry *entries,
                      const struct error *reason)
{
    pthread_mutex_lock(&queue->mutex);
    queue->shut = true;
    queue->reason = *reason;
    struct audit_entry *waiting = take_locked(queue);
    size_t count = count_entries(entries), more = count_entries(waiting);
    queue->lost += count + more;
    pthread_mutex_unlock(&queue->mutex);
    audit_queue_finish(queue, entries, count, false, reason);
    audit_queue_finish(queue, waiting, more, false, reason);
}

void audit_queue_open(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->shut = false;
    queue->lost = 0;
    pthread_mutex_unlock(&queue->mutex);
}

uint64_t audit_queue_lost(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    uint64_t lost = queue->lost;
    pthread_mutex_unlock(&queue->mutex);
    return lost;
}

bool audit_queue_healthy(struct audit_queue *queue, struct error *err)
{
    pthread_mutex_lock(&queue->mutex);
    bool healthy = !queue->shut;
    if (!healthy && err != NULL)
        *err = queue->reason;
    pthread_mutex_unlock(&queue->mutex);
    return healthy;
}

bool audit_queue_moves(struct audit_queue *queue, uint64_t *mark)
{
    pthread_mutex_lock(&queue->mutex);
    bool moves = queue->finished != *mark || queue->records == 0;
    *mark = queue->finished;
    pthread_mutex_unlock(&queue->mutex);
    return moves;
}

void audit_queue_hurry(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    bool waits = queue->awaited && queue->hurried < queue->put;
    if (waits)
        queue->hurried = queue->put;
    pthread_mutex_unlock(&queue->mutex);
    if (waits)
        pthread_cond_signal(&queue->filled);
}

void audit_queue_expect_few(struct audit_queue *queue, bool few)
{
    pthread_mutex_lock(&queue->mutex);
    bool sooner = few && !queue->few && queue->awaited;
    queue->few = few;
    pthread_mutex_unlock(&queue->mutex);
    if (sooner)
        pthread_cond_signal(&queue->filled);
}

void audit_queue_drain(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    uint64_t all = queue->put;
    if (queue->hurried < all)
        queue->hurried = all;
    pthread_cond_signal(&queue->filled);
    while (queue->finished < all)
        pthread_cond_wait(&queue->finished_some, &queue->mutex);
    pthread_mutex_unlock(&queue->mutex);
}

void audit_queue_close(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
}
