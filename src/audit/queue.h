/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What waits to be written: a bounded queue between the many threads that append and the one that
 * writes. While the trail cannot be written it is shut, and says why at once.
 */

#include "audit/audit.h"

#include <pthread.h>

#define AUDIT_QUEUE_RECORDS 65536
#define AUDIT_QUEUE_BYTES (64 * 1024 * 1024)

struct audit_entry {
    struct audit_entry *next;
    audit_done *done; /* may be NULL */
    void *context;
    int64_t time;
    bool checkpoint;
    size_t event_size, fields_size;
    uint8_t bytes[]; /* event, fields */
};

struct audit_queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled; /* or closed */
    pthread_cond_t drained;
    struct audit_entry *first, **end;
    size_t records, bytes; /* of all entries that are not done yet, also those being written */
    bool closed;
    bool shut;
    struct error reason; /* why it is shut */
    uint64_t lost;       /* entries that failed or were refused since it was shut */
};

void audit_queue_init(struct audit_queue *queue);
/* Nothing may be in it any more. */
void audit_queue_done(struct audit_queue *queue);

/* Copies event and fields. audit.busy, or the reason why the queue is shut. */
bool audit_queue_put(struct audit_queue *queue, const struct audit_entry *entry, const char *event,
                     struct slice fields, struct error *err);
/*
 * Takes all entries there are as a list, waiting for the first: for milliseconds at most (below 0:
 * without end). NULL when there are none; *closed then tells whether there will be none any more.
 */
struct audit_entry *audit_queue_take(struct audit_queue *queue, int64_t milliseconds, bool *closed);
/* Calls the completions of count entries of the list, frees them, and returns the rest. */
struct audit_entry *audit_queue_finish(struct audit_queue *queue, struct audit_entry *entries,
                                       size_t count, bool ok, const struct error *err);
/* Fails the entries of the list and all that wait, and refuses further ones for that reason. */
void audit_queue_shut(struct audit_queue *queue, struct audit_entry *entries,
                      const struct error *reason);
/* Takes entries again. */
void audit_queue_open(struct audit_queue *queue);
/* How many entries did not get in since it was shut. */
uint64_t audit_queue_lost(struct audit_queue *queue);
/* Whether it is not shut; *err (may be NULL) says why. */
bool audit_queue_healthy(struct audit_queue *queue, struct error *err);
/* Waits until every entry is done. */
void audit_queue_drain(struct audit_queue *queue);
/* No entry will come any more: audit_queue_take says so. */
void audit_queue_close(struct audit_queue *queue);
