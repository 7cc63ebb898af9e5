/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Anybody can cause a refusal, as often as the network carries one; each costs a line on the disk.
 * So records of refusals pass a token bucket of their event and one of their event and peer (who
 * share it with others by a keyed hash: the table does not grow). What does not pass is counted,
 * and the count becomes a record a second later. Releases and passes never come here.
 */

#include "audit/queue.h"

#define AUDIT_LIMIT_DEFAULT 20 /* records a second of one event; half of it of one peer */
#define AUDIT_LIMIT_BURST 50   /* seconds' worth that may come at once */
#define AUDIT_LIMIT_EVENTS 8
#define AUDIT_LIMIT_PEERS 4096
#define AUDIT_LIMIT_REPORT_MS 1000
#define AUDIT_LIMIT_SUFFIX ".suppressed"

struct audit_bucket {
    int64_t level; /* thousandths of a record */
    int64_t at;    /* when it had that; monotonic milliseconds */
};

struct audit_limit {
    pthread_mutex_t mutex;
    uint8_t key[16];
    int64_t rate; /* records a second */
    struct audit_limited {
        char event[64];
        struct audit_bucket bucket;
        uint64_t suppressed;
    } events[AUDIT_LIMIT_EVENTS];
    size_t count;
    bool announced; /* somebody knows that there is something to report */
    struct audit_bucket peers[AUDIT_LIMIT_PEERS];
};

/* rate: records a second of one event; 0: AUDIT_LIMIT_DEFAULT. */
void audit_limit_init(struct audit_limit *limit, int64_t rate);
void audit_limit_done(struct audit_limit *limit);

/*
 * Whether a record of event, caused by peer, may be written at now (monotonic milliseconds); when
 * not, it is counted. *first: the first one that was counted since the last report. event: one of
 * at most AUDIT_LIMIT_EVENTS.
 */
bool audit_limit_admit(struct audit_limit *limit, const char *event, const char *peer, int64_t now,
                       bool *first);
/* Puts "<event>.suppressed" {count} for each event that has one. False when the queue did not take
 * one: its count stays, to be reported later. */
bool audit_limit_report(struct audit_limit *limit, struct audit_queue *queue,
                        const struct clock *clock);
