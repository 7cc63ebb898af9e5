/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **ring; /* limit places */
    size_t limit, first, count;
    size_t busy;   /* workers that have an item */
    uint64_t done; /* items */
    bool stopping;
    enum queue_haste haste;
    queue_work *work;
    queue_load_changed *load_changed; /* may be NULL */
    enum queue_load load;             /* that was told last */
    void *context;
    pthread_t *threads;
    size_t thread_count;
    char name[16]; /* of the threads, with its NUL */
};

/* Under the lock. */
static void tell_load(struct queue *queue)
{
    size_t under_way = queue->count + queue->busy;
    enum queue_load load = under_way == 0                            ? QUEUE_EMPTY
                           : 2 * under_way < 3 * queue->thread_count ? QUEUE_LOW
                                                                     : QUEUE_HIGH;
    if (load == queue->load || queue->load_changed == NULL)
        return;
    queue->load = load;
    queue->load_changed(queue->context, load);
}

/* Under the lock. The next item, or NULL when the queue is stopping and empty. */
static void *take(struct queue *queue)
{
    while (queue->count == 0 && !queue->stopping)
        pthread_cond_wait(&queue->filled, &queue->lock);
    if (queue->count == 0)
        return NULL;
    void *item = queue->ring[queue->first];
    queue->first = (queue->first + 1) % queue->limit;
    queue->count--;
    queue->busy++;
    return item;
}

/* Without the lock, which it takes again. */
static void work_on(struct queue *queue, void *item)
{
    queue->work(queue->context, item);
    pthread_mutex_lock(&queue->lock);
    queue->busy--;
    queue->done++;
    tell_load(queue);
}

/* Where an administrator gave the service a policy of scheduling, that one stays; and where a
 * filter forbids it, all goes on as it was. */
static void be_patient(void)
{
    static const struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_BATCH, &none);
}

static void *run_worker(void *argument)
{
    struct queue *queue = argument;
    /* Each names itself: the name of another thread is a file that a sandbox hides. */
    pthread_setname_np(pthread_self(), queue->name);
    if (queue->haste == QUEUE_PATIENT)
        be_patient();
    pthread_mutex_lock(&queue->lock);
    for (void *item = take(queue); item != NULL; item = take(queue)) {
        pthread_mutex_unlock(&queue->lock);
        work_on(queue, item);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

struct queue *queue_new(const char *name, size_t workers, size_t limit, enum queue_haste haste,
                        queue_work *work, queue_load_changed *load_changed, void *context)
{
    struct queue *queue = memory_allocate_zero(1, sizeof *queue);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    queue->ring = memory_allocate_zero(limit, sizeof *queue->ring);
    queue->limit = limit;
    queue->haste = haste;
    queue->work = work;
    queue->load_changed = load_changed;
    queue->context = context;
    snprintf(queue->name, sizeof queue->name, "%s", name);
    queue->threads = memory_allocate_zero(workers, sizeof *queue->threads);
    for (; queue->thread_count < workers; queue->thread_count++) {
        pthread_t *thread = &queue->threads[queue->thread_count];
        if (pthread_create(thread, NULL, run_worker, queue) != 0)
            break;
    }
    if (queue->thread_count == 0)
        queue_free(&queue);
    return queue;
}

bool queue_put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    bool room = !queue->stopping && queue->count < queue->limit;
    if (room) {
        queue->ring[(queue->first + queue->count) % queue->limit] = item;
        queue->count++;
        tell_load(queue);
    }
    pthread_mutex_unlock(&queue->lock);
    /* Outside the lock, so that whom it wakes does not wait for it. Nobody frees the queue while
     * others still put. */
    if (room)
        pthread_cond_signal(&queue->filled);
    return room;
}

size_t queue_length(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

bool queue_moves(struct queue *queue, uint64_t *mark)
{
    pthread_mutex_lock(&queue->lock);
    bool moves = queue->done != *mark || queue->count + queue->busy == 0;
    *mark = queue->done;
    pthread_mutex_unlock(&queue->lock);
    return moves;
}

void queue_free(struct queue **queue_pointer)
{
    struct queue *queue = memory_steal(queue_pointer);
    if (queue == NULL)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
    for (size_t i = 0; i < queue->thread_count; i++)
        pthread_join(queue->threads[i], NULL);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
    free(queue->threads);
    free(queue->ring);
    free(queue);
}
