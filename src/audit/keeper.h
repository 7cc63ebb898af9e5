/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The trail's second thread: has checkpoints signed, keeps the head in the store and reports what
 * was suppressed, so that the one that writes never waits for any of it. What fails is tried again
 * later; records go on meanwhile.
 */

#include "audit/checkpoint.h"
#include "audit/limit.h"
#include "audit/queue.h"

struct audit_keeper {
    struct audit_queue *queue; /* where checkpoint records go */
    struct audit_limit *limit;
    const struct clock *clock;
    struct store *store; /* NULL: no head */
    char *node;
    uint64_t every;

    pthread_t thread;
    pthread_mutex_t mutex; /* the rest */
    pthread_cond_t wake;
    bool stopping;
    bool idle; /* it waits for nothing in particular: a post wakes it */

    struct audit_place newest; /* on disk */
    uint64_t records;          /* so far, checkpoints aside */
    bool due;                  /* a checkpoint is, however few they are */

    struct audit_checkpoint_signer signer; /* sign is NULL: nobody signs */
    uint64_t signed_records;               /* how many of records a checkpoint covers */
    uint64_t pending_records;              /* how many the one that is being written will */
    bool pending;                          /* one is being written */
    int64_t checkpoint_at;                 /* not before; monotonic milliseconds, as head_at */

    uint64_t head_sequence; /* as the store has it */
    int64_t head_at;

    int64_t report_at; /* of what was suppressed; monotonic milliseconds; INT64_MAX: nothing */
};

/* newest: the newest record on disk; unsigned_records: how many since the last checkpoint;
 * head_sequence: what the store remembers. Nothing runs yet. */
void audit_keeper_init(struct audit_keeper *keeper, struct audit_queue *queue,
                       struct audit_limit *limit, const struct audit_options *options,
                       const struct audit_place *newest, uint64_t unsigned_records,
                       uint64_t head_sequence);
void audit_keeper_done(struct audit_keeper *keeper);

/* audit.unwritable when no thread can be had. */
bool audit_keeper_start(struct audit_keeper *keeper, struct error *err);
/* Waits for what it is doing. Everything below may still be called. */
void audit_keeper_stop(struct audit_keeper *keeper);

/* From the thread that writes: newest is on disk, records more (checkpoints aside). */
void audit_keeper_post(struct audit_keeper *keeper, const struct audit_place *newest,
                       uint64_t records, bool rotated);
void audit_keeper_set_signer(struct audit_keeper *keeper,
                             const struct audit_checkpoint_signer *signer);
/* Something was suppressed for the first time since the last report. */
void audit_keeper_suppressed(struct audit_keeper *keeper);
uint64_t audit_keeper_sequence(struct audit_keeper *keeper);

/* After audit_keeper_stop: a last checkpoint into the queue, if there is something to cover; the
 * head into the store. Failures are passed over: the next start makes good for them. */
void audit_keeper_last_checkpoint(struct audit_keeper *keeper);
void audit_keeper_last_head(struct audit_keeper *keeper);
