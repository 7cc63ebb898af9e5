/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What waits to be written: a bounded queue between the many threads that append and the one that
 * writes. While the trail cannot be written it is shut, and says why at once.
 *
 * Flushing a file costs a third of an RSA operation of CPU, whether for one record or a thousand.
 * So the queue gathers a little: entries that somebody waits for go at once, but not more often
 * than every AUDIT_QUEUE_INTERVAL_MS, unless somebody knows that no more will come and hurries.
 * When few are expected they go as soon as those who were waiting for the last ones had time to
 * come again (AUDIT_QUEUE_RETURN_US): else the first of a crowd would get a flush of its own. And
 * entries that nobody waits for go along with those, or after AUDIT_QUEUE_LINGER_MS.
 */

#include "audit/audit.h"

#include <pthread.h>

#define AUDIT_QUEUE_RECORDS 65536
#define AUDIT_QUEUE_BYTES (64 * 1024 * 1024)
#define AUDIT_QUEUE_INTERVAL_MS 4
#define AUDIT_QUEUE_RETURN_US 500
#define AUDIT_QUEUE_LINGER_MS 10

struct audit_entry {
    struct audit_entry *next;
    audit_done *done; /* may be NULL */
    void *context;
    int64_t time;
    bool checkpoint;
    bool acknowledges; /* damage: the only kind that a queue shut for it takes */
    size_t event_size, fields_size;
    uint8_t bytes[]; /* event, fields */
};

struct audit_queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled; /* or closed, or somebody is in a hurry */
    pthread_cond_t finished_some;
    struct audit_entry *first, **end;
    size_t records, bytes;  /* of all entries that are not done yet, also those being written */
    size_t waiting_bytes;   /* of those in the list */
    bool awaited;           /* somebody waits for one of those in the list */
    int64_t first_at;       /* when the first of those came; monotonic nanoseconds, as taken_at */
    int64_t taken_at;       /* when the writer took entries last */
    uint64_t put, finished; /* entries so far */
    uint64_t hurried;       /* up to this one, nothing is gathered */
    bool few;               /* are expected */
    int64_t finished_at;    /* when entries were done last */
    bool closed;
    bool shut;
    struct error reason; /* why it is shut */
    uint64_t lost;       /* entries that failed or were refused since it was shut */
};

void audit_queue_init(struct audit_queue *queue);
/* Nothing may be in it any more. */
void audit_queue_done(struct audit_queue *queue);

/* Copies event and fields. audit.busy, or the reason why the queue is shut; audit.undamaged when an
 * entry acknowledges what is not there. */
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
/* Fails the entries of the list and all that wait, and refuses further ones for that reason. A shut
 * queue is given another reason by this. */
void audit_queue_shut(struct audit_queue *queue, struct audit_entry *entries,
                      const struct error *reason);
/* Takes entries again. */
void audit_queue_open(struct audit_queue *queue);
/* How many entries did not get in since it was shut. */
uint64_t audit_queue_lost(struct audit_queue *queue);
/* Whether it is not shut; *err (may be NULL) says why. */
bool audit_queue_healthy(struct audit_queue *queue, struct error *err);
/* audit_moves. */
bool audit_queue_moves(struct audit_queue *queue, uint64_t *mark);
/* Has the entries that are there taken at once when somebody waits for one of them. */
void audit_queue_hurry(struct audit_queue *queue);
/* audit_expect_few; at first, many are expected. */
void audit_queue_expect_few(struct audit_queue *queue, bool few);
/* Waits until every entry that was put before the call is done; hurries. */
void audit_queue_drain(struct audit_queue *queue);
/* No entry will come any more: audit_queue_take says so. */
void audit_queue_close(struct audit_queue *queue);
