/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

#include <assert.h>
#include <stdlib.h>

#include "audit/checkpoint.h"
#include "audit/head.h"
#include "audit/writer.h"
#include "base/file.h"
#include "base/memory.h"

struct audit {
    const struct clock *clock;
    int64_t time_before;
    struct audit_queue queue;
    struct audit_limit limit;
    struct audit_writer writer;
    struct audit_keeper keeper;
};

static bool start(struct audit *audit, struct error *err)
{
    if (!audit_writer_start(&audit->writer, &audit->keeper, err))
        return false;
    if (audit_keeper_start(&audit->keeper, err))
        return true;
    audit_queue_close(&audit->queue);
    audit_writer_stop(&audit->writer);
    return false;
}

static void free_audit(struct audit *audit)
{
    audit_queue_close(&audit->queue);
    for (bool closed = false; !closed;) { /* what waits when no thread could start */
        struct audit_entry *entries = audit_queue_take(&audit->queue, 0, &closed);
        while (entries != NULL)
            entries = audit_queue_finish(&audit->queue, entries, 1, false, NULL);
    }
    audit_writer_done(&audit->writer);
    audit_keeper_done(&audit->keeper);
    audit_limit_done(&audit->limit);
    audit_queue_done(&audit->queue);
    free(audit);
}

bool audit_start(struct audit **out, const struct audit_options *options, struct error *err)
{
    assert(options->rotate_size > 0 && options->checkpoint_every > 0 && options->retain_files >= 0);
    struct audit_place head = {0};
    if (!file_make_folder(options->folder, 0700, err) ||
        (options->store != NULL && !audit_head_load(&head, options->store, options->node, err)))
        return false;
    struct audit *audit = memory_allocate_zero(1, sizeof *audit);
    audit->clock = options->clock;
    audit_queue_init(&audit->queue);
    audit_limit_init(&audit->limit, options->refusals);
    bool opened = audit_writer_open(&audit->writer, &audit->queue, options, &head, err);
    const struct audit_file *file = &audit->writer.file;
    if (!clock_parse(&audit->time_before, file->last_time, NULL))
        audit->time_before = INT64_MIN;
    audit_keeper_init(&audit->keeper, &audit->queue, &audit->limit, options, &file->last,
                      file->unsigned_records, head.sequence);
    if (!opened || !start(audit, err)) {
        free_audit(audit);
        return false;
    }
    *out = audit;
    return true;
}

static bool sign_by_keyholder(void *context, const uint8_t key_id[KEY_ID_SIZE], uint64_t sequence,
                              const uint8_t head[AUDIT_HASH_SIZE], int64_t time, struct buf *out,
                              struct error *err)
{
    return keyholder_checkpoint(context, key_id, sequence, head, time, out, err);
}

void audit_set_signer(struct audit *audit, struct keyholder *keyholder,
                      const uint8_t key_id[KEY_ID_SIZE])
{
    struct audit_checkpoint_signer signer = {.sign = sign_by_keyholder, .context = keyholder};
    memcpy(signer.key_id, key_id, KEY_ID_SIZE);
    audit_set_checkpoint_signer(audit, &signer);
}

void audit_set_checkpoint_signer(struct audit *audit, const struct audit_checkpoint_signer *signer)
{
    audit_keeper_set_signer(&audit->keeper, signer);
}

void audit_stop(struct audit **audit)
{
    if (audit == NULL || *audit == NULL)
        return;
    struct audit *closing = *audit;
    *audit = NULL;
    audit_keeper_stop(&closing->keeper);
    audit_limit_report(&closing->limit, &closing->queue, closing->clock);
    audit_queue_drain(&closing->queue);
    audit_keeper_last_checkpoint(&closing->keeper);
    audit_queue_close(&closing->queue);
    audit_writer_stop(&closing->writer);
    audit_keeper_last_head(&closing->keeper);
    free_audit(closing);
}

bool audit_append(struct audit *audit, const char *event, struct slice fields, audit_done *done,
                  void *context, struct error *err)
{
    struct audit_entry entry = {.done = done, .context = context, .time = clock_now(audit->clock)};
    return audit_record_check(event, fields, err) &&
           audit_queue_put(&audit->queue, &entry, event, fields, err);
}

bool audit_append_limited(struct audit *audit, const char *event, const char *peer,
                          struct slice fields, struct error *err)
{
    bool first;
    if (audit_limit_admit(&audit->limit, event, peer, clock_monotonic_ms(), &first))
        return audit_append(audit, event, fields, NULL, NULL, err);
    if (first)
        audit_keeper_suppressed(&audit->keeper);
    return true;
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t told;
    bool done, ok;
    struct error err;
};

static void tell(void *context, bool ok, const struct error *err)
{
    struct waiter *waiter = context;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = true;
    waiter->ok = ok;
    if (!ok)
        waiter->err = *err;
    pthread_cond_signal(&waiter->told);
    pthread_mutex_unlock(&waiter->mutex);
}

static bool put_and_wait(struct audit *audit, const char *event, struct slice fields,
                         bool acknowledges, struct error *err)
{
    assert(!pthread_equal(pthread_self(), audit->writer.thread));
    struct waiter waiter = {.mutex = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
    struct audit_entry entry = {.done = tell,
                                .context = &waiter,
                                .time = clock_now(audit->clock),
                                .acknowledges = acknowledges};
    if (!audit_record_check(event, fields, err) ||
        !audit_queue_put(&audit->queue, &entry, event, fields, err))
        return false;
    pthread_mutex_lock(&waiter.mutex);
    while (!waiter.done)
        pthread_cond_wait(&waiter.told, &waiter.mutex);
    pthread_mutex_unlock(&waiter.mutex);
    if (!waiter.ok && err != NULL)
        *err = waiter.err;
    return waiter.ok;
}

bool audit_append_wait(struct audit *audit, const char *event, struct slice fields,
                       struct error *err)
{
    return put_and_wait(audit, event, fields, false, err);
}

bool audit_acknowledge(struct audit *audit, struct slice fields, struct error *err)
{
    assert(fields.size > 0);
    return put_and_wait(audit, "audit.damaged", fields, true, err);
}

void audit_hurry(struct audit *audit)
{
    audit_queue_hurry(&audit->queue);
}

void audit_expect_few(struct audit *audit, bool few)
{
    audit_queue_expect_few(&audit->queue, few);
}

void audit_flush(struct audit *audit)
{
    assert(!pthread_equal(pthread_self(), audit->writer.thread));
    audit_queue_drain(&audit->queue);
}

bool audit_healthy(struct audit *audit, struct error *err)
{
    return audit_queue_healthy(&audit->queue, err);
}

bool audit_moves(struct audit *audit, uint64_t *mark)
{
    return audit_queue_moves(&audit->queue, mark);
}

int64_t audit_time_before(const struct audit *audit)
{
    return audit->time_before;
}

uint64_t audit_sequence(struct audit *audit)
{
    return audit_keeper_sequence(&audit->keeper);
}
