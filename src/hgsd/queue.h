/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A bounded queue of requests with workers of its own, so that slow work of one kind holds up no
 * other kind. A full queue refuses at once: the caller answers with a retryable error.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;
typedef void queue_work(void *context, void *item);

/* How many items are under way, waiting or worked on. */
enum queue_load {
    QUEUE_EMPTY,
    QUEUE_LOW,  /* less than three for two workers */
    QUEUE_HIGH, /* enough for all workers, also while some come and go */
};
typedef void queue_load_changed(void *context, enum queue_load load);

/* How its workers come by a processor. */
enum queue_haste {
    QUEUE_PROMPT,
    /* Whom a worker wakes, or what else becomes ready, may interrupt it; it interrupts nobody when
     * it is woken (SCHED_BATCH, sched(7)): its thread's share is the same, with fewer switches. */
    QUEUE_PATIENT,
};

/* workers threads that call work for each item; at most limit items wait. load_changed (may be
 * NULL) is called whenever it is another, in the right order: with the queue locked, so it calls
 * nothing of it. name: of the threads (15 characters). */
struct queue *queue_new(const char *name, size_t workers, size_t limit, enum queue_haste haste,
                        queue_work *work, queue_load_changed *load_changed, void *context);
/* False when the queue is full or stopping; the item stays the caller's. */
bool queue_put(struct queue *queue, void *item);
/* Whether an item was done since the last call with this mark (at first 0), or nothing is to be
 * done. */
bool queue_moves(struct queue *queue, uint64_t *mark);
/* Items that wait now. */
size_t queue_length(struct queue *queue);
/* Takes no more, finishes what waits, ends the threads, frees. */
void queue_free(struct queue **queue);
