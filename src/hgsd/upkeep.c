/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/upkeep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "admin/hgsd_errors.h"
#include "base/clock.h"
#include "base/memory.h"

struct upkeep {
    upkeep_work *work;
    void *context;
    int64_t limit_ms;
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    bool woken, busy, stopping;
    int64_t begun; /* when the work under way was; monotonic, as the next */
    int64_t due;
};

/* With the lock. False at the time. */
static bool wait_until(struct upkeep *upkeep, int64_t until_ms)
{
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};
    return pthread_cond_timedwait(&upkeep->changed, &upkeep->lock, &until) != ETIMEDOUT;
}

/* With the lock. False: it is to stop. */
static bool wait_for_work(struct upkeep *upkeep)
{
    while (!upkeep->stopping && !upkeep->woken && wait_until(upkeep, upkeep->due))
        continue;
    upkeep->woken = false;
    return !upkeep->stopping;
}

static void *run(void *argument)
{
    struct upkeep *upkeep = argument;
    pthread_mutex_lock(&upkeep->lock);
    while (wait_for_work(upkeep)) {
        upkeep->busy = true;
        upkeep->begun = clock_monotonic_ms();
        pthread_mutex_unlock(&upkeep->lock);
        int64_t pause_ms = upkeep->work(upkeep->context);
        pthread_mutex_lock(&upkeep->lock);
        upkeep->busy = false;
        upkeep->due = clock_monotonic_ms() + pause_ms;
        pthread_cond_broadcast(&upkeep->changed);
    }
    pthread_mutex_unlock(&upkeep->lock);
    return NULL;
}

static void destroy(struct upkeep *upkeep)
{
    pthread_cond_destroy(&upkeep->changed);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep);
}

bool upkeep_start(struct upkeep **out, upkeep_work *work, int64_t limit_ms, void *context,
                  struct error *err)
{
    struct upkeep *upkeep = memory_allocate_zero(1, sizeof *upkeep);
    pthread_condattr_t attributes;
    upkeep->work = work;
    upkeep->context = context;
    upkeep->limit_ms = limit_ms;
    upkeep->woken = true;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&upkeep->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&upkeep->lock, NULL);
    int number = pthread_create(&upkeep->thread, NULL, run, upkeep);
    if (number == 0) {
        pthread_setname_np(upkeep->thread, "hgs-upkeep");
        *out = upkeep;
        return true;
    }
    destroy(upkeep);
    return error_set_errno(err, &hgsd_child, number, "service", "cannot start its upkeep");
}

void upkeep_wake(struct upkeep *upkeep)
{
    pthread_mutex_lock(&upkeep->lock);
    upkeep->woken = true;
    pthread_cond_broadcast(&upkeep->changed);
    pthread_mutex_unlock(&upkeep->lock);
}

bool upkeep_moves(struct upkeep *upkeep)
{
    pthread_mutex_lock(&upkeep->lock);
    bool moves = !upkeep->busy || clock_monotonic_ms() - upkeep->begun <= upkeep->limit_ms;
    pthread_mutex_unlock(&upkeep->lock);
    return moves;
}

bool upkeep_close(struct upkeep *upkeep, int64_t milliseconds)
{
    int64_t until = clock_monotonic_ms() + milliseconds;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->stopping = true;
    pthread_cond_broadcast(&upkeep->changed);
    while (upkeep->busy && wait_until(upkeep, until))
        continue;
    bool closed = !upkeep->busy;
    pthread_mutex_unlock(&upkeep->lock);
    return closed;
}

void upkeep_free(struct upkeep **upkeep_pointer)
{
    struct upkeep *upkeep = memory_steal(upkeep_pointer);
    if (upkeep == NULL)
        return;
    upkeep_close(upkeep, 0);
    pthread_join(upkeep->thread, NULL);
    destroy(upkeep);
}
