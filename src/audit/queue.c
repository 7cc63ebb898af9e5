/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "audit/errors.h"
#include "base/memory.h"

void audit_queue_init(struct audit_queue *queue)
{
    *queue = (struct audit_queue){.end = NULL};
    queue->end = &queue->first;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_cond_init(&queue->drained, &attributes);
    pthread_condattr_destroy(&attributes);
}

void audit_queue_done(struct audit_queue *queue)
{
    assert(queue->first == NULL);
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->drained);
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

static bool check_room(struct audit_queue *queue, const char *event, size_t size, struct error *err)
{
    if (queue->shut) {
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

bool audit_queue_put(struct audit_queue *queue, const struct audit_entry *entry, const char *event,
                     struct slice fields, struct error *err)
{
    struct audit_entry *copy = copy_entry(entry, event, fields);
    pthread_mutex_lock(&queue->mutex);
    bool room = check_room(queue, event, entry_size(copy), err);
    if (room) {
        bool was_empty = queue->first == NULL;
        *queue->end = copy;
        queue->end = &copy->next;
        queue->records++;
        queue->bytes += entry_size(copy);
        if (was_empty)
            pthread_cond_signal(&queue->filled);
    }
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
    return entries;
}

struct audit_entry *audit_queue_take(struct audit_queue *queue, int64_t milliseconds, bool *closed)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + milliseconds % 1000 * 1000000;
    until.tv_sec += milliseconds / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    int waited = 0;
    pthread_mutex_lock(&queue->mutex);
    while (queue->first == NULL && !queue->closed && waited != ETIMEDOUT)
        waited = milliseconds < 0 ? pthread_cond_wait(&queue->filled, &queue->mutex)
                                  : pthread_cond_timedwait(&queue->filled, &queue->mutex, &until);
    struct audit_entry *entries = take_locked(queue);
    *closed = queue->closed;
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
    if (queue->records == 0)
        pthread_cond_broadcast(&queue->drained);
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

void audit_queue_drain(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->records > 0)
        pthread_cond_wait(&queue->drained, &queue->mutex);
    pthread_mutex_unlock(&queue->mutex);
}

void audit_queue_close(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
}
