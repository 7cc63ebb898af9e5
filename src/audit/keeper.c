/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/keeper.h"

#include <stdlib.h>
#include <time.h>

#include "audit/errors.h"
#include "audit/head.h"
#include "base/memory.h"

#define HEAD_INTERVAL_MS 1000
#define CHECKPOINT_RETRY_MS 5000
#define CHECKPOINT_FIELDS_MAX 4096

void audit_keeper_init(struct audit_keeper *keeper, struct audit_queue *queue,
                       struct audit_limit *limit, const struct audit_options *options,
                       const struct audit_place *newest, uint64_t unsigned_records,
                       uint64_t head_sequence)
{
    *keeper = (struct audit_keeper){.queue = queue,
                                    .limit = limit,
                                    .clock = options->clock,
                                    .store = options->store,
                                    .every = (uint64_t)options->checkpoint_every,
                                    .newest = *newest,
                                    .records = unsigned_records,
                                    .head_sequence = head_sequence,
                                    .report_at = INT64_MAX};
    keeper->node = memory_copy_text(options->node);
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

void audit_keeper_done(struct audit_keeper *keeper)
{
    pthread_mutex_destroy(&keeper->mutex);
    pthread_cond_destroy(&keeper->wake);
    free(keeper->node);
    keeper->node = NULL;
}

static bool head_wanted(const struct audit_keeper *keeper)
{
    return keeper->store != NULL && keeper->newest.sequence != keeper->head_sequence;
}

static bool checkpoint_wanted(const struct audit_keeper *keeper)
{
    uint64_t uncovered = keeper->records - keeper->signed_records;
    return keeper->signer.sign != NULL && !keeper->pending &&
           (uncovered >= keeper->every || (keeper->due && uncovered > 0));
}

/* When there is something to do: monotonic milliseconds; INT64_MAX: not known. */
static int64_t next_time(const struct audit_keeper *keeper)
{
    int64_t next = keeper->report_at;
    if (head_wanted(keeper) && keeper->head_at < next)
        next = keeper->head_at;
    if (checkpoint_wanted(keeper) && keeper->checkpoint_at < next)
        next = keeper->checkpoint_at;
    return next;
}

/* Waits until there is something to do. False: it is to stop. */
static bool wait_for_work(struct audit_keeper *keeper)
{
    while (!keeper->stopping) {
        int64_t next = next_time(keeper);
        if (next <= clock_monotonic_ms())
            break;
        keeper->idle = next == INT64_MAX;
        struct timespec until = {.tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000};
        if (keeper->idle)
            pthread_cond_wait(&keeper->wake, &keeper->mutex);
        else
            pthread_cond_timedwait(&keeper->wake, &keeper->mutex, &until);
        keeper->idle = false;
    }
    return !keeper->stopping;
}

static void retry_later(struct audit_keeper *keeper)
{
    keeper->due = true;
    keeper->checkpoint_at = clock_monotonic_ms() + CHECKPOINT_RETRY_MS;
}

/* On the thread that writes. */
static void checkpoint_written(void *context, bool ok, const struct error *err)
{
    struct audit_keeper *keeper = context;
    (void)err;
    pthread_mutex_lock(&keeper->mutex);
    keeper->pending = false;
    if (ok)
        keeper->signed_records = keeper->pending_records;
    else
        retry_later(keeper);
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->mutex);
}

/* A checkpoint that stands too far behind its place could not be verified. */
static bool in_reach(struct audit_keeper *keeper, const struct audit_place *place)
{
    return audit_keeper_sequence(keeper) - place->sequence <
           AUDIT_CHECKPOINT_REACH - AUDIT_QUEUE_RECORDS;
}

static bool put_checkpoint(struct audit_keeper *keeper, const struct audit_place *place,
                           const struct audit_checkpoint_signer *signer)
{
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, CHECKPOINT_FIELDS_MAX);
    struct audit_entry entry = {.done = checkpoint_written,
                                .context = keeper,
                                .time = clock_now(keeper->clock),
                                .checkpoint = true};
    return audit_checkpoint_format(&fields, signer, place, entry.time, NULL) &&
           in_reach(keeper, place) &&
           audit_queue_put(keeper->queue, &entry, AUDIT_CHECKPOINT_EVENT, buf_slice(&fields), NULL);
}

/* Called with the mutex held, which is not while others are waited for. */
static void make_checkpoint(struct audit_keeper *keeper)
{
    struct audit_place place = keeper->newest;
    struct audit_checkpoint_signer signer = keeper->signer;
    keeper->pending = true;
    keeper->pending_records = keeper->records;
    keeper->due = false;
    pthread_mutex_unlock(&keeper->mutex);
    bool made = put_checkpoint(keeper, &place, &signer);
    pthread_mutex_lock(&keeper->mutex);
    if (made)
        return;
    keeper->pending = false;
    retry_later(keeper);
}

static void save_head(struct audit_keeper *keeper)
{
    struct audit_place place = keeper->newest;
    pthread_mutex_unlock(&keeper->mutex);
    bool saved = audit_head_save(keeper->store, keeper->node, &place, NULL);
    pthread_mutex_lock(&keeper->mutex);
    if (saved)
        keeper->head_sequence = place.sequence;
    keeper->head_at = clock_monotonic_ms() + HEAD_INTERVAL_MS;
}

static void report(struct audit_keeper *keeper)
{
    keeper->report_at = INT64_MAX;
    pthread_mutex_unlock(&keeper->mutex);
    bool all = audit_limit_report(keeper->limit, keeper->queue, keeper->clock);
    pthread_mutex_lock(&keeper->mutex);
    if (!all)
        keeper->report_at = clock_monotonic_ms() + AUDIT_LIMIT_REPORT_MS;
}

static void *run(void *argument)
{
    struct audit_keeper *keeper = argument;
    pthread_mutex_lock(&keeper->mutex);
    while (wait_for_work(keeper)) {
        if (head_wanted(keeper) && keeper->head_at <= clock_monotonic_ms())
            save_head(keeper);
        if (checkpoint_wanted(keeper) && keeper->checkpoint_at <= clock_monotonic_ms())
            make_checkpoint(keeper);
        if (keeper->report_at <= clock_monotonic_ms())
            report(keeper);
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

bool audit_keeper_start(struct audit_keeper *keeper, struct error *err)
{
    int number = pthread_create(&keeper->thread, NULL, run, keeper);
    return number == 0 || error_set_errno(err, &audit_unwritable, number, "audit trail",
                                          "its thread for checkpoints cannot start");
}

void audit_keeper_stop(struct audit_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    keeper->stopping = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->mutex);
    pthread_join(keeper->thread, NULL);
}

void audit_keeper_post(struct audit_keeper *keeper, const struct audit_place *newest,
                       uint64_t records, bool rotated)
{
    pthread_mutex_lock(&keeper->mutex);
    bool wanted = checkpoint_wanted(keeper);
    keeper->newest = *newest;
    keeper->records += records;
    keeper->due |= rotated;
    if (keeper->idle || (!wanted && checkpoint_wanted(keeper)))
        pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->mutex);
}

void audit_keeper_set_signer(struct audit_keeper *keeper,
                             const struct audit_checkpoint_signer *signer)
{
    pthread_mutex_lock(&keeper->mutex);
    keeper->signer = *signer;
    keeper->checkpoint_at = 0;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->mutex);
}

void audit_keeper_suppressed(struct audit_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    keeper->report_at = clock_monotonic_ms() + AUDIT_LIMIT_REPORT_MS;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->mutex);
}

uint64_t audit_keeper_sequence(struct audit_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    uint64_t sequence = keeper->newest.sequence;
    pthread_mutex_unlock(&keeper->mutex);
    return sequence;
}

void audit_keeper_last_checkpoint(struct audit_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    if (keeper->signer.sign != NULL && keeper->records > keeper->signed_records)
        make_checkpoint(keeper);
    pthread_mutex_unlock(&keeper->mutex);
}

void audit_keeper_last_head(struct audit_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    if (head_wanted(keeper))
        save_head(keeper);
    pthread_mutex_unlock(&keeper->mutex);
}
