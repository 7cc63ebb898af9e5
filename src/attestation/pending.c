/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/pending.h"

#include "attestation/errors.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Boots that wait to be written, and what their logs may take together. */
#define QUEUE_MAX 64
#define QUEUE_BYTES_MAX ((size_t)16 * 1024 * 1024)
/* What was handled last, a hash for each host: a boot that is remembered is not looked up again,
 * and the host need not send its log for it. 2 MiB. */
#define RECENT_MAX 262144
#define HASH_PASSED 1u /* this bit of a hash: the boot passed */

struct noted {
    struct attestation_boot *boot;
    bool passed;
    uint64_t hash;
};

struct attestation_pending {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct noted queue[QUEUE_MAX];
    size_t first, count, bytes;
    bool working; /* on one that is out of the queue */
    bool stopping;
    struct attestation_pending_drops drops;
    int64_t told; /* the time of the drop that was logged last; 0: none */
    uint8_t hash_key[16];
    uint64_t recent[RECENT_MAX];
};

/* Of everything that a record says but its time. verdict NULL: it passed. */
static uint64_t hash_of(const struct attestation_pending *pending, const char *host,
                        const uint8_t *digest, bool proven, const struct verdict *verdict)
{
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 65536);
    buf_append_bytes(&bytes, digest, 32);
    buf_append_u8(&bytes, proven);
    buf_append_u8(&bytes, verdict == NULL || verdict->passed);
    buf_append_bytes(&bytes, host, strlen(host) + 1);
    for (size_t i = 0; verdict != NULL && i < verdict->count; i++) {
        const struct verdict_policy *policy = &verdict->policies[i];
        if (!policy->required || policy->result == VERDICT_PASSED)
            continue;
        buf_append_bytes(&bytes, policy->name, strlen(policy->name) + 1);
        buf_append_u8(&bytes, (uint8_t)policy->result);
    }
    uint64_t hash = map_siphash(pending->hash_key, buf_slice(&bytes));
    return verdict == NULL || verdict->passed ? hash | HASH_PASSED : hash & ~(uint64_t)HASH_PASSED;
}

/* The host's place among those written lately. */
static uint64_t *place_of(struct attestation_pending *pending, const char *host)
{
    return &pending->recent[map_siphash(pending->hash_key, slice_from_text(host)) % RECENT_MAX];
}

static bool same_boot(const struct attestation_boot *a, const struct attestation_boot *b)
{
    bool same = memcmp(a->digest, b->digest, sizeof a->digest) == 0 && a->proven == b->proven &&
                a->reason_count == b->reason_count;
    for (size_t i = 0; same && i < a->reason_count; i++)
        same = strcmp(a->reasons[i].policy, b->reasons[i].policy) == 0 &&
               a->reasons[i].result == b->reasons[i].result;
    return same;
}

/* Whether a boot should take the place of the one that is there. */
static bool replaces(const struct attestation_boot *boot, const struct attestation_boot *there)
{
    if (same_boot(there, boot) || (there->proven && !boot->proven))
        return false;
    /* In either direction: the clock may have been ahead. */
    int64_t between = boot->time - there->time;
    return boot->proven || between >= ATTESTATION_PENDING_CLAIM_SECONDS ||
           between <= -ATTESTATION_PENDING_CLAIM_SECONDS;
}

static bool should_write(struct store *store, enum store_kind kind,
                         const struct attestation_boot *boot)
{
    struct error err = {0};
    _cleanup_buf_ struct buf value;
    _cleanup_attestation_boot_ struct attestation_boot there = {0};
    buf_init(&value, STORE_VALUE_MAX);
    if (!store_get(store, kind, boot->host, &value, NULL, &err))
        return error_kind(&err) == ERROR_NOT_FOUND;
    return !attestation_boot_parse(&there, buf_slice(&value), &err) || replaces(boot, &there);
}

/* A host that passes has nothing pending. */
static bool commit(struct store *store, const struct noted *noted, bool write, struct error *err)
{
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    struct store_change changes[2];
    size_t count = 0;
    if (write) {
        attestation_boot_format(&value, noted->boot);
        changes[count++] =
            (struct store_change){.kind = noted->passed ? STORE_LAST_BOOT : STORE_PENDING,
                                  .key = noted->boot->host,
                                  .value = buf_slice(&value),
                                  .expected = STORE_ANY};
    }
    if (noted->passed)
        changes[count++] = (struct store_change){
            .kind = STORE_PENDING, .key = noted->boot->host, .remove = true, .expected = STORE_ANY};
    return count == 0 || store_commit(store, changes, count, NULL, err);
}

/* With the lock held. True: it is to be logged. */
static bool count_drop(struct attestation_pending *pending, const char *host, int64_t time)
{
    struct attestation_pending_drops *drops = &pending->drops;
    drops->count++;
    drops->time = time;
    snprintf(drops->host, sizeof drops->host, "%s", host);
    int64_t since = time - pending->told;
    bool tell = pending->told == 0 || since >= ATTESTATION_PENDING_TELL_SECONDS || since < 0;
    if (tell)
        pending->told = time;
    return tell;
}

static void log_drop(const char *host)
{
    log_write(
        LOG_LEVEL_WARNING,
        "the boot of host %s is not remembered, because too many wait to be: pending list may "
        "lack it until the host attests again (hgs host attest); hgsctl server show counts "
        "them. Is the disk slow?",
        host);
}

static void handle(struct attestation_pending *pending, const struct noted *noted)
{
    struct error err = {0};
    const char *host = noted->boot->host;
    bool has_log = noted->boot->log.size > 0;
    bool differs =
        should_write(pending->store, noted->passed ? STORE_LAST_BOOT : STORE_PENDING, noted->boot);
    bool good = store_get(pending->store, STORE_HOST, host, NULL, NULL, &err) &&
                commit(pending->store, noted, differs && has_log, &err);
    bool failed = !good && error_kind(&err) != ERROR_NOT_FOUND; /* it may have been removed */
    if (failed)
        log_error(LOG_LEVEL_WARNING, &err, "cannot remember the boot of host %s", host);
    pthread_mutex_lock(&pending->lock);
    if (failed)
        count_drop(pending, host, noted->boot->time);
    *place_of(pending, host) = good && (has_log || !differs) ? noted->hash : 0;
    pthread_mutex_unlock(&pending->lock);
}

/* The next one, taken out of the queue; false: the end. With the lock held. */
static bool take(struct attestation_pending *pending, struct noted *noted)
{
    while (pending->count == 0 && !pending->stopping)
        pthread_cond_wait(&pending->changed, &pending->lock);
    if (pending->count == 0)
        return false;
    *noted = pending->queue[pending->first];
    pending->first = (pending->first + 1) % QUEUE_MAX;
    pending->count--;
    pending->bytes -= noted->boot->log.size;
    pending->working = true;
    return true;
}

static void free_boot(struct attestation_boot *boot)
{
    attestation_boot_done(boot);
    free(boot);
}

static void *run(void *context)
{
    struct attestation_pending *pending = context;
    pthread_setname_np(pthread_self(), "hgs-boots");
    struct noted noted;
    pthread_mutex_lock(&pending->lock);
    while (take(pending, &noted)) {
        pthread_mutex_unlock(&pending->lock);
        handle(pending, &noted);
        free_boot(noted.boot);
        pthread_mutex_lock(&pending->lock);
        pending->working = false;
        pthread_cond_broadcast(&pending->changed);
    }
    pthread_mutex_unlock(&pending->lock);
    return NULL;
}

struct attestation_pending *attestation_pending_new(struct store *store)
{
    struct attestation_pending *pending = memory_allocate_zero(1, sizeof *pending);
    pending->store = store;
    random_bytes(pending->hash_key, sizeof pending->hash_key);
    pthread_mutex_init(&pending->lock, NULL);
    pthread_cond_init(&pending->changed, NULL);
    if (pthread_create(&pending->thread, NULL, run, pending) != 0) {
        pthread_cond_destroy(&pending->changed);
        pthread_mutex_destroy(&pending->lock);
        free(pending);
        return NULL;
    }
    return pending;
}

void attestation_pending_free(struct attestation_pending **pending_pointer)
{
    struct attestation_pending *pending = memory_steal(pending_pointer);
    if (pending == NULL)
        return;
    pthread_mutex_lock(&pending->lock);
    pending->stopping = true;
    pthread_cond_broadcast(&pending->changed);
    pthread_mutex_unlock(&pending->lock);
    pthread_join(pending->thread, NULL);
    pthread_cond_destroy(&pending->changed);
    pthread_mutex_destroy(&pending->lock);
    free(pending);
}

static void copy_reasons(struct attestation_boot *boot, const struct verdict *verdict)
{
    boot->reasons = memory_allocate_zero(ATTESTATION_BOOT_REASONS_MAX, sizeof *boot->reasons);
    for (size_t i = 0; i < verdict->count; i++) {
        const struct verdict_policy *policy = &verdict->policies[i];
        if (!policy->required || policy->result == VERDICT_PASSED ||
            boot->reason_count == ATTESTATION_BOOT_REASONS_MAX)
            continue;
        boot->reasons[boot->reason_count++] = (struct attestation_boot_reason){
            memory_copy_text(policy->name), policy->result, memory_copy_text(policy->reason)};
    }
}

static struct attestation_boot *copy(const struct attestation_boot_seen *seen)
{
    struct attestation_boot *boot = memory_allocate_zero(1, sizeof *boot);
    snprintf(boot->host, sizeof boot->host, "%s", seen->host);
    boot->time = seen->time;
    memcpy(boot->digest, seen->digest, sizeof boot->digest);
    boot->profile = seen->profile;
    boot->version = seen->version;
    boot->bank = seen->bank;
    boot->proven = seen->proven;
    buf_init(&boot->log, ATTESTATION_BOOT_LOG_MAX);
    buf_append(&boot->log, seen->log);
    copy_reasons(boot, seen->verdict);
    return boot;
}

bool attestation_pending_knows(struct attestation_pending *pending, const char *host,
                               const uint8_t digest[32])
{
    uint64_t hash = hash_of(pending, host, digest, true, NULL);
    pthread_mutex_lock(&pending->lock);
    bool knows = *place_of(pending, host) == hash;
    pthread_mutex_unlock(&pending->lock);
    return knows;
}

void attestation_pending_forget(struct attestation_pending *pending, enum store_kind kind,
                                const char *host)
{
    pthread_mutex_lock(&pending->lock);
    if (host == NULL)
        memset(pending->recent, 0, sizeof pending->recent);
    else if (kind != STORE_PENDING || (*place_of(pending, host) & HASH_PASSED) == 0)
        *place_of(pending, host) = 0;
    pthread_mutex_unlock(&pending->lock);
}

/* Under the lock. */
static bool has_room(const struct attestation_pending *pending, size_t log_size)
{
    return pending->count < QUEUE_MAX && log_size <= QUEUE_BYTES_MAX - pending->bytes;
}

void attestation_pending_note(struct attestation_pending *pending,
                              const struct attestation_boot_seen *seen)
{
    uint64_t hash = hash_of(pending, seen->host, seen->digest, seen->proven, seen->verdict);
    pthread_mutex_lock(&pending->lock);
    bool known = *place_of(pending, seen->host) == hash;
    bool room = has_room(pending, seen->log.size);
    bool tell = !known && !room && count_drop(pending, seen->host, seen->time);
    pthread_mutex_unlock(&pending->lock);
    if (tell)
        log_drop(seen->host);
    if (known || !room)
        return;
    struct attestation_boot *boot = copy(seen);
    pthread_mutex_lock(&pending->lock);
    if (has_room(pending, boot->log.size)) { /* others may have come meanwhile */
        pending->queue[(pending->first + pending->count++) % QUEUE_MAX] =
            (struct noted){boot, seen->verdict->passed, hash};
        pending->bytes += boot->log.size;
        boot = NULL;
        pthread_cond_broadcast(&pending->changed);
    } else {
        tell = count_drop(pending, seen->host, seen->time);
    }
    pthread_mutex_unlock(&pending->lock);
    if (tell)
        log_drop(seen->host);
    if (boot != NULL)
        free_boot(boot);
}

void attestation_pending_settle(struct attestation_pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    while (pending->count > 0 || pending->working)
        pthread_cond_wait(&pending->changed, &pending->lock);
    pthread_mutex_unlock(&pending->lock);
}

void attestation_pending_dropped(struct attestation_pending *pending,
                                 struct attestation_pending_drops *out)
{
    pthread_mutex_lock(&pending->lock);
    *out = pending->drops;
    pthread_mutex_unlock(&pending->lock);
}

bool attestation_pending_policy(struct policy *out, const struct attestation_boot *boot,
                                uint32_t pcrs, const char *name, int64_t until, int64_t now,
                                const char *added_by, struct error *err)
{
    _cleanup_eventlog_ struct eventlog log = {0};
    struct policy policy = {
        .kind = POLICY_BASELINE,
        .profile = boot->profile,
        .version = boot->version,
        .state = POLICY_ENABLED,
        .scope = POLICY_FOR_HOST,
        .added = now,
        .until = until,
    };
    if (boot->log.size == 0)
        return error_set(err, &attestation_boot_log_missing, NULL, boot->host,
                         "its log is not kept");
    if (!policy_name_check(name, err) || !eventlog_parse(&log, buf_slice(&boot->log), err) ||
        !baseline_take(&policy.baseline, &log, pcrs, err))
        return false;
    snprintf(policy.name, sizeof policy.name, "%s", name);
    snprintf(policy.scope_name, sizeof policy.scope_name, "%s", boot->host);
    snprintf(policy.added_by, sizeof policy.added_by, "%s", added_by);
    *out = policy;
    return true;
}
