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
typedef void queue_rest(void *context);

/* workers threads that call work for each item; at most limit items wait. rest (may be NULL) is
 * called by a worker that has done an item when fewer items than workers are left, with those that
 * others work on. name: of the threads (15 characters). */
struct queue *queue_new(const char *name, size_t workers, size_t limit, queue_work *work,
                        queue_rest *rest, void *context);
/* False when the queue is full or stopping; the item stays the caller's. */
bool queue_put(struct queue *queue, void *item);
/* Whether an item was done since the last call with this mark (at first 0), or nothing is to be
 * done. */
bool queue_moves(struct queue *queue, uint64_t *mark);
/* Items that wait now. */
size_t queue_length(struct queue *queue);
/* Takes no more, finishes what waits, ends the threads, frees. */
void queue_free(struct queue **queue);
