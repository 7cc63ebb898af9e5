/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of writing share: what completions were told, and a writer that is held in one. */

#include "../wait.h"
#include "trail.h"

/* What completions saw. */
struct told {
    int count;
    int failed;
    struct error err;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool hold; /* the audit thread is to wait in the next completion */
    bool held; /* it does */
};

static inline void tell(void *context, bool ok, const struct error *err)
{
    struct told *told = context;
    pthread_mutex_lock(&told->mutex);
    told->count++;
    told->failed += !ok;
    if (!ok)
        told->err = *err;
    told->held = told->hold;
    pthread_cond_broadcast(&told->changed);
    while (told->hold)
        pthread_cond_wait(&told->changed, &told->mutex);
    pthread_mutex_unlock(&told->mutex);
}

static inline int told_count(struct told *told)
{
    pthread_mutex_lock(&told->mutex);
    int count = told->count;
    pthread_mutex_unlock(&told->mutex);
    return count;
}

#define TOLD_INIT                                                               \
    {                                                                           \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

/* Holds the audit thread in a completion. */
static inline void hold_writer(struct trail *trail, struct told *told)
{
    told->hold = true;
    assert_true(audit_append(trail->audit, "hold", SLICE_EMPTY, tell, told, NULL));
    pthread_mutex_lock(&told->mutex);
    while (!told->held)
        pthread_cond_wait(&told->changed, &told->mutex);
    pthread_mutex_unlock(&told->mutex);
}

static inline void release_writer(struct told *told)
{
    pthread_mutex_lock(&told->mutex);
    told->hold = false;
    pthread_cond_broadcast(&told->changed);
    pthread_mutex_unlock(&told->mutex);
}
