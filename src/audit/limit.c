/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/limit.h"

#include <assert.h>
#include <stdio.h>

#include "base/map.h"
#include "crypto/random.h"

#define RECORD 1000 /* of a bucket's level; a rate of one a second is as much a millisecond */
#define FIELDS_MAX 64
#define PEER_KEY_MAX 160

static int64_t burst(int64_t rate)
{
    return rate * AUDIT_LIMIT_BURST * RECORD;
}

void audit_limit_init(struct audit_limit *limit, int64_t rate)
{
    *limit = (struct audit_limit){.rate = rate > 0 ? rate : AUDIT_LIMIT_DEFAULT};
    pthread_mutex_init(&limit->mutex, NULL);
    random_bytes(limit->key, sizeof limit->key);
    for (size_t i = 0; i < AUDIT_LIMIT_PEERS; i++)
        limit->peers[i].level = burst(limit->rate) / 2;
}

void audit_limit_done(struct audit_limit *limit)
{
    pthread_mutex_destroy(&limit->mutex);
}

static struct audit_limited *find(struct audit_limit *limit, const char *event)
{
    for (size_t i = 0; i < limit->count; i++)
        if (strcmp(limit->events[i].event, event) == 0)
            return &limit->events[i];
    struct audit_limited *added = &limit->events[limit->count];
    size_t size = strlen(event) + 1;
    assert(limit->count < AUDIT_LIMIT_EVENTS && size <= sizeof added->event);
    memcpy(added->event, event, size);
    added->bucket.level = burst(limit->rate);
    limit->count++;
    return added;
}

static struct audit_bucket *peer_bucket(struct audit_limit *limit, const char *event,
                                        const char *peer)
{
    char text[PEER_KEY_MAX];
    int size = snprintf(text, sizeof text, "%s %s", event, peer);
    struct slice key = slice_of(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    return &limit->peers[map_siphash(limit->key, key) % AUDIT_LIMIT_PEERS];
}

static void fill(struct audit_bucket *bucket, int64_t most, int64_t halves, int64_t now)
{
    int64_t passed = now - bucket->at;
    bucket->at = now;
    /* Compared before it is multiplied: a bucket may not have been looked at for years. */
    if (passed >= (most - bucket->level) * 2 / halves + 1)
        bucket->level = most;
    else if (passed > 0)
        bucket->level += passed * halves / 2;
}

bool audit_limit_admit(struct audit_limit *limit, const char *event, const char *peer, int64_t now,
                       bool *first)
{
    *first = false;
    pthread_mutex_lock(&limit->mutex);
    struct audit_limited *limited = find(limit, event);
    struct audit_bucket *shared = peer_bucket(limit, event, peer);
    fill(&limited->bucket, burst(limit->rate), limit->rate * 2, now);
    fill(shared, burst(limit->rate) / 2, limit->rate, now);
    bool admitted = limited->bucket.level >= RECORD && shared->level >= RECORD;
    if (admitted) {
        limited->bucket.level -= RECORD;
        shared->level -= RECORD;
    } else {
        limited->suppressed++;
        *first = !limit->announced;
        limit->announced = true;
    }
    pthread_mutex_unlock(&limit->mutex);
    return admitted;
}

static bool put(struct audit_queue *queue, const char *event, uint64_t count, int64_t time)
{
    char name[sizeof((struct audit_limited *)0)->event + sizeof AUDIT_LIMIT_SUFFIX];
    char fields[FIELDS_MAX];
    struct audit_entry entry = {.time = time};
    snprintf(name, sizeof name, "%s" AUDIT_LIMIT_SUFFIX, event);
    snprintf(fields, sizeof fields, "\"count\":%llu", (unsigned long long)count);
    return audit_queue_put(queue, &entry, name, slice_from_text(fields), NULL);
}

bool audit_limit_report(struct audit_limit *limit, struct audit_queue *queue,
                        const struct clock *clock)
{
    bool all = true;
    pthread_mutex_lock(&limit->mutex);
    for (size_t i = 0; i < limit->count; i++) {
        struct audit_limited *limited = &limit->events[i];
        if (limited->suppressed == 0)
            continue;
        if (put(queue, limited->event, limited->suppressed, clock_now(clock)))
            limited->suppressed = 0;
        else
            all = false;
    }
    limit->announced = !all;
    pthread_mutex_unlock(&limit->mutex);
    return all;
}
