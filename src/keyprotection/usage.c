/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/usage.h"

#include "base/log.h"
#include "base/memory.h"
#include "keyprotection/errors.h"
#include "keyprotection/usage_record.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* One commit: with the head as many changes as a commit may have, and less than its bytes. */
#define BATCH_PAGES (STORE_CHANGES_MAX - 1)
#define PAGE_SIZE_MAX ((size_t)USAGE_PAGE * USAGE_ENTRY_SIZE)
#define HEAD_SIZE_MAX ((size_t)64 * 1024)
#define LINK_CHECK "check"

_Static_assert(BATCH_PAGES *PAGE_SIZE_MAX + HEAD_SIZE_MAX <= STORE_COMMIT_MAX, "a batch fits");

struct usage {
    struct usage_options options;
    char *node;
    pthread_t thread;

    pthread_mutex_t key_lock; /* while the key is fetched; no roll waits for it */
    atomic_bool has_key;
    struct secret key;

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t wake;
    struct usage_table *table;
    uint64_t tables; /* how many there were: pages are of one of them */
    struct usage_check check;
    bool head_wanted; /* something of the head changed */
    bool idle;        /* the thread waits for something to write */
    bool stopping;

    pthread_mutex_t write_lock; /* one commit after the other; taken before lock */
    bool troubled;              /* the last commit failed; logged once. Under write_lock */
};

/* What one commit writes. */
struct batch {
    struct store_change changes[STORE_CHANGES_MAX];
    char names[STORE_CHANGES_MAX][STORE_KEY_MAX + 1];
    size_t pages[STORE_CHANGES_MAX];
    struct buf values[STORE_CHANGES_MAX];
    size_t count, page_count;
};

static void begin_anew(struct usage *usage)
{
    usage_table_free(&usage->table);
    usage->table = usage_table_new(clock_now(usage->options.clock), usage->options.protectors_max);
    usage->tables++;
}

static void add_change(struct batch *batch)
{
    size_t number = batch->count++;
    batch->changes[number] = (struct store_change){.kind = STORE_CERTIFICATE_USAGE,
                                                   .key = batch->names[number],
                                                   .value = buf_slice(&batch->values[number]),
                                                   .expected = STORE_ANY};
}

/* With the lock held. */
static void fill(struct batch *batch, struct usage *usage)
{
    while (batch->page_count < BATCH_PAGES &&
           usage_table_take_changed(usage->table, &batch->pages[batch->page_count])) {
        size_t page = batch->pages[batch->page_count++];
        buf_init(&batch->values[batch->count], PAGE_SIZE_MAX);
        usage_record_format_page(&batch->values[batch->count], usage->table, page);
        usage_record_page_key(batch->names[batch->count], usage->node, page);
        add_change(batch);
    }
    buf_init(&batch->values[batch->count], HEAD_SIZE_MAX);
    usage_record_format_head(&batch->values[batch->count], usage->table, &usage->check);
    usage_record_head_key(batch->names[batch->count], usage->node);
    add_change(batch);
    usage->head_wanted = false;
}

static void put_back(const struct batch *batch, struct usage *usage, uint64_t tables)
{
    pthread_mutex_lock(&usage->lock);
    usage->head_wanted = true;
    for (size_t i = 0; usage->tables == tables && i < batch->page_count; i++)
        usage_table_put_changed(usage->table, batch->pages[i]);
    pthread_mutex_unlock(&usage->lock);
}

static bool is_changed(const struct usage *usage)
{
    return usage->head_wanted || usage_table_changed(usage->table);
}

/* One commit of what changed. */
static bool write_batch(struct usage *usage, struct error *err)
{
    struct batch *batch = memory_allocate_zero(1, sizeof *batch);
    pthread_mutex_lock(&usage->lock);
    uint64_t tables = usage->tables;
    if (is_changed(usage))
        fill(batch, usage);
    pthread_mutex_unlock(&usage->lock);
    bool ok = batch->count == 0 ||
              store_commit(usage->options.store, batch->changes, batch->count, NULL, err);
    if (!ok)
        put_back(batch, usage, tables);
    for (size_t i = 0; i < batch->count; i++)
        buf_done(&batch->values[i]);
    free(batch);
    return ok;
}

static void write_some(struct usage *usage)
{
    struct error err = {0};
    pthread_mutex_lock(&usage->write_lock);
    bool ok = write_batch(usage, &err);
    if (!ok && !usage->troubled)
        log_error(LOG_LEVEL_WARNING, &err,
                  "cannot keep which key protectors ask for which certificate");
    usage->troubled = !ok;
    pthread_mutex_unlock(&usage->write_lock);
}

bool usage_write(struct usage *usage, struct error *err)
{
    bool ok = true, more = true;
    pthread_mutex_lock(&usage->write_lock);
    while (ok && more) {
        ok = write_batch(usage, err);
        pthread_mutex_lock(&usage->lock);
        more = is_changed(usage);
        pthread_mutex_unlock(&usage->lock);
    }
    pthread_mutex_unlock(&usage->write_lock);
    return ok;
}

/* A keyed digest, of which 64 bits tell a million apart; never 0. */
static uint64_t make_link(struct slice key, struct slice bytes)
{
    struct digest digest;
    digest_hmac(&digest, DIGEST_SHA256, key, bytes);
    struct reader reader = reader_of(digest_slice(&digest));
    uint64_t link = reader_u64_le(&reader);
    explicit_bzero(&digest, sizeof digest);
    return link != 0 ? link : 1;
}

/* Links that were made under another key are never met again. */
static void check_key(struct usage *usage)
{
    uint64_t link = make_link(secret_slice(&usage->key), slice_from_text(LINK_CHECK));
    struct usage_check check = {.known = true};
    for (size_t i = 0; i < sizeof check.bytes; i++)
        check.bytes[i] = (uint8_t)(link >> 8 * i);
    pthread_mutex_lock(&usage->lock);
    if (usage->check.known && memcmp(usage->check.bytes, check.bytes, sizeof check.bytes) != 0)
        begin_anew(usage);
    usage->head_wanted |= !usage->check.known;
    usage->check = check;
    pthread_mutex_unlock(&usage->lock);
}

static bool has_key(struct usage *usage)
{
    return atomic_load_explicit(&usage->has_key, memory_order_acquire);
}

bool usage_prepare(struct usage *usage, struct error *err)
{
    pthread_mutex_lock(&usage->key_lock);
    bool ready = has_key(usage);
    if (!ready &&
        keyholder_derive(usage->options.keyholder, KEYHOLDER_LABEL_USAGE, 0, &usage->key, err)) {
        check_key(usage);
        ready = true;
        atomic_store_explicit(&usage->has_key, true, memory_order_release);
    }
    pthread_mutex_unlock(&usage->key_lock);
    return ready;
}

/* Waits until something is to be written, and then for the rest of the interval, in which more
 * comes; less long while the key is still to be fetched. False: it is to stop. With the lock held.
 */
static bool wait_for_work(struct usage *usage)
{
    while (!usage->stopping && !is_changed(usage) && has_key(usage)) {
        usage->idle = true;
        pthread_cond_wait(&usage->wake, &usage->lock);
        usage->idle = false;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += has_key(usage) ? USAGE_WRITE_SECONDS : USAGE_PREPARE_SECONDS;
    int rc = 0;
    while (!usage->stopping && rc == 0)
        rc = pthread_cond_timedwait(&usage->wake, &usage->lock, &until);
    return !usage->stopping;
}

static void *run(void *context)
{
    struct usage *usage = context;
    pthread_setname_np(pthread_self(), "hgs-usage");
    pthread_mutex_lock(&usage->lock);
    while (wait_for_work(usage)) {
        pthread_mutex_unlock(&usage->lock);
        usage_prepare(usage, NULL);
        write_some(usage);
        pthread_mutex_lock(&usage->lock);
    }
    pthread_mutex_unlock(&usage->lock);
    return NULL;
}

static bool load(struct usage *usage, struct error *err)
{
    struct error cause = {0};
    const struct usage_options *options = &usage->options;
    if (!usage_record_load(&usage->table, &usage->check, options->store, usage->node,
                           clock_now(options->clock), options->protectors_max, &cause)) {
        if (cause.code != &keyprotection_record) { /* the store's: nothing is lost yet */
            if (err != NULL)
                *err = cause;
            return false;
        }
        log_error(LOG_LEVEL_WARNING, &cause,
                  "which key protectors ask for which certificate is counted anew");
        begin_anew(usage);
    }
    usage->head_wanted = usage_table_count(usage->table) == 0;
    return true;
}

static void release(struct usage *usage)
{
    usage_table_free(&usage->table);
    secret_done(&usage->key);
    pthread_mutex_destroy(&usage->key_lock);
    pthread_mutex_destroy(&usage->write_lock);
    pthread_mutex_destroy(&usage->lock);
    pthread_cond_destroy(&usage->wake);
    free(usage->node);
    free(usage);
}

bool usage_new(struct usage **out, const struct usage_options *options, struct error *err)
{
    struct usage *usage = memory_allocate_zero(1, sizeof *usage);
    pthread_condattr_t attributes;
    usage->options = *options;
    usage->node = memory_copy_text(options->node);
    atomic_init(&usage->has_key, false);
    pthread_mutex_init(&usage->key_lock, NULL);
    pthread_mutex_init(&usage->write_lock, NULL);
    pthread_mutex_init(&usage->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&usage->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!load(usage, err)) {
        release(usage);
        return false;
    }
    int number = pthread_create(&usage->thread, NULL, run, usage);
    if (number != 0) {
        release(usage);
        return error_set_errno(err, &keyprotection_record, number, "usage",
                               "its thread cannot start");
    }
    *out = usage;
    return true;
}

void usage_free(struct usage **usage_pointer)
{
    struct usage *usage = memory_steal(usage_pointer);
    struct error err = {0};
    if (usage == NULL)
        return;
    pthread_mutex_lock(&usage->lock);
    usage->stopping = true;
    pthread_cond_signal(&usage->wake);
    pthread_mutex_unlock(&usage->lock);
    pthread_join(usage->thread, NULL);
    if (!usage_write(usage, &err))
        log_error(LOG_LEVEL_WARNING, &err, "the last that was seen of key protectors is not kept");
    release(usage);
}

static struct usage_key key_of(const struct keyprotection_certificate *certificate)
{
    struct usage_key key = {.type = certificate->type};
    memcpy(key.id, certificate->key_id, sizeof key.id);
    return key;
}

static bool has_wrapping(const struct protector *protector,
                         const struct keyprotection_certificate *ours)
{
    if (ours->type == KEYPROTECTION_ENCRYPTION)
        return protector_find(protector, ours->key_id) != NULL;
    return ours->type == KEYPROTECTION_SIGNING &&
           protector_find_signing(protector, ours->key_id) != NULL;
}

/* Numbers of certificates that are gone are given to others when there are no more. */
static void keep_keys(struct usage_table *table, const struct keyprotection_snapshot *snapshot)
{
    size_t count = snapshot->certificate_count;
    _cleanup_free_ struct usage_key *keys = memory_allocate_zero(count, sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = key_of(&snapshot->certificates[i].it);
    usage_table_keep_keys(table, keys, count);
}

/* The keys of ours, disabled certificates' too, that the protector has wrappings for. */
static size_t collect(struct usage_key keys[USAGE_KEYS_MAX],
                      const struct keyprotection_snapshot *snapshot,
                      const struct protector *protector)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->certificate_count && count < USAGE_KEYS_MAX; i++) {
        const struct keyprotection_certificate *it = &snapshot->certificates[i].it;
        if (has_wrapping(protector, it))
            keys[count++] = key_of(it);
    }
    return count;
}

/* Their numbers, as bits. A key that gets none is not counted, and that is said. With the lock
 * held. */
static uint64_t number_keys(struct usage_table *table, const struct usage_key *keys, size_t count,
                            const struct keyprotection_snapshot *snapshot, int64_t now)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        int number = usage_table_number(table, &keys[i]);
        if (number < 0) {
            keep_keys(table, snapshot);
            number = usage_table_number(table, &keys[i]);
        }
        if (number >= 0)
            bits |= UINT64_C(1) << number;
        else
            usage_table_miss(table, now);
    }
    return bits;
}

void usage_note(struct usage *usage, const struct keyprotection_snapshot *snapshot,
                const struct protector *protector, struct slice ingress_key,
                struct slice egress_key)
{
    struct usage_key keys[USAGE_KEYS_MAX];
    size_t count = collect(keys, snapshot, protector);
    uint64_t ingress = 0, egress = 0;
    int64_t now = clock_now(usage->options.clock);
    bool known = has_key(usage);
    if (known) {
        ingress = make_link(secret_slice(&usage->key), ingress_key);
        egress = make_link(secret_slice(&usage->key), egress_key);
    }
    pthread_mutex_lock(&usage->lock);
    if (known)
        usage_table_note(usage->table, ingress, egress,
                         number_keys(usage->table, keys, count, snapshot, now), (uint32_t)now);
    else
        usage_table_miss(usage->table, now);
    if (usage->idle)
        pthread_cond_signal(&usage->wake);
    pthread_mutex_unlock(&usage->lock);
}

/* We never remove any ourselves. */
void usage_apply(struct usage *usage, const struct store_change *changes, size_t count)
{
    bool removed = false;
    for (size_t i = 0; i < count; i++)
        removed |= changes[i].kind == STORE_CERTIFICATE_USAGE && changes[i].remove &&
                   usage_record_is_of(changes[i].key, usage->node);
    if (!removed)
        return;
    pthread_mutex_lock(&usage->lock);
    begin_anew(usage);
    usage->head_wanted = false;
    pthread_mutex_unlock(&usage->lock);
}

void usage_report(struct usage *usage, struct usage_certificate *certificates, size_t count,
                  int64_t lately, struct usage_totals *totals)
{
    pthread_mutex_lock(&usage->lock);
    usage_count(usage->table, certificates, count, lately);
    totals->protectors = usage_table_count(usage->table);
    totals->since = usage_table_since(usage->table);
    totals->full = totals->protectors == usage->options.protectors_max;
    pthread_mutex_unlock(&usage->lock);
}
