/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A trail in a folder of its own, with a store and a key that signs its checkpoints; and the means
 * to look at its files and to tamper with them. */

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "../folder.h"
#include "audit/audit.h"
#include "audit/checkpoint.h"
#include "audit/errors.h"
#include "audit/folder.h"
#include "audit/head.h"
#include "base/file.h"
#include "base/memory.h"

struct trail {
    char root[FOLDER_SIZE];
    char folder[80];
    struct clock clock;
    struct store *store;
    struct private_key *key;
    struct audit *audit;
    struct audit_options options;
    bool away; /* the signer does not answer */
    int signatures;
};

static bool trail_sign(void *context, const uint8_t key_id[KEY_ID_SIZE], uint64_t sequence,
                       const uint8_t head[AUDIT_HASH_SIZE], int64_t time, struct buf *out,
                       struct error *err)
{
    struct trail *trail = context;
    assert_memory_equal(key_id, public_key_digest(private_key_public(trail->key)), KEY_ID_SIZE);
    __atomic_add_fetch(&trail->signatures, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&trail->away, __ATOMIC_SEQ_CST))
        return error_set(err, &audit_checkpoint, NULL, "signer", "is away, as the test wants");
    _cleanup_buf_ struct buf message;
    struct digest digest;
    buf_init(&message, 200);
    audit_checkpoint_message(&message, sequence, head, time);
    digest_compute(&digest, DIGEST_SHA256, buf_slice(&message));
    return private_key_sign_digest(out, trail->key, SIGNATURE_ECDSA_SHA256, digest_slice(&digest),
                                   err);
}

static inline void trail_signer(struct trail *trail)
{
    struct audit_checkpoint_signer signer = {.sign = trail_sign, .context = trail};
    memcpy(signer.key_id, public_key_digest(private_key_public(trail->key)), KEY_ID_SIZE);
    audit_set_checkpoint_signer(trail->audit, &signer);
}

static inline void trail_open(struct trail *trail)
{
    struct error err = {0};
    if (!audit_start(&trail->audit, &trail->options, &err))
        fail_msg("%s: %s", err.object, err.message);
}

static inline int trail_set_up(void **state)
{
    struct trail *trail = memory_allocate_zero(1, sizeof *trail);
    folder_make(trail->root);
    snprintf(trail->folder, sizeof trail->folder, "%s/audit", trail->root);
    _cleanup_free_ char *database = memory_format("%s/hgs.db", trail->root);
    assert_true(store_open_sqlite(&trail->store, database, NULL));
    assert_true(private_key_generate(&trail->key, PRIVATE_KEY_P256, NULL));
    clock_init(&trail->clock);
    trail->options = (struct audit_options){.folder = trail->folder,
                                            .node = "node-1",
                                            .rotate_size = 1 << 30,
                                            .checkpoint_every = 1000,
                                            .clock = &trail->clock,
                                            .store = trail->store};
    *state = trail;
    return 0;
}

static inline int trail_tear_down(void **state)
{
    struct trail *trail = *state;
    audit_stop(&trail->audit);
    store_close(&trail->store);
    private_key_free(&trail->key);
    folder_remove(trail->root);
    free(trail);
    return 0;
}

#define TRAIL_TEST(function) \
    cmocka_unit_test_setup_teardown(function, trail_set_up, trail_tear_down)

/* Records "test.event" with a number, one after the other on the disk. */
static inline void trail_append(struct trail *trail, int count)
{
    for (int i = 0; i < count; i++) {
        char fields[64];
        struct error err = {0};
        snprintf(fields, sizeof fields, "\"host\":\"n%d\",\"number\":%d", i % 3, i);
        if (!audit_append_wait(trail->audit, "test.event", slice_from_text(fields), &err))
            fail_msg("%s: %s", err.object, err.message);
    }
}

/* A closed trail of count records and the last checkpoint. */
static inline void trail_make(struct trail *trail, int count)
{
    trail_open(trail);
    trail_signer(trail);
    trail_append(trail, count);
    audit_stop(&trail->audit);
}

/* Nothing is taken because of damage, whose message has `what` in it. */
static inline void trail_assert_damaged(struct trail *trail, const char *what)
{
    struct error err = {0}, reason = {0};
    assert_false(audit_append_wait(trail->audit, "lost", SLICE_EMPTY, &err));
    assert_ptr_equal(err.code, &audit_damaged);
    assert_false(audit_healthy(trail->audit, &reason));
    assert_ptr_equal(reason.code, &audit_damaged);
    if (strstr(reason.message, what) == NULL)
        fail_msg("%s", reason.message);
}

static inline void trail_acknowledge(struct trail *trail)
{
    struct error err = {0};
    if (!audit_acknowledge(trail->audit, slice_from_text("\"user\":\"root\""), &err))
        fail_msg("%s: %s", err.object, err.message);
    assert_true(audit_healthy(trail->audit, NULL));
}

static inline char *trail_path(const struct trail *trail, const char *name)
{
    return memory_format("%s/%s", trail->folder, name);
}

/* All of a file, with a NUL behind it. */
static inline char *trail_read(const struct trail *trail, const char *name)
{
    _cleanup_free_ char *path = trail_path(trail, name);
    struct buf bytes;
    struct error err = {0};
    buf_init(&bytes, 256 << 20);
    if (!file_read(&bytes, path, &err))
        fail_msg("%s: %s", err.object, err.message);
    buf_text(&bytes);
    return (char *)bytes.data;
}

static inline void trail_write(const struct trail *trail, const char *name, const char *text,
                               size_t size)
{
    _cleanup_free_ char *path = trail_path(trail, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static inline bool trail_has(const struct trail *trail, const char *name)
{
    _cleanup_free_ char *path = trail_path(trail, name);
    return access(path, F_OK) == 0;
}

/* The start of line number n (from 0) of a text; its end for n behind the last. */
static inline char *trail_line(char *text, int n)
{
    for (; n > 0 && *text != '\0'; n--)
        text = strchr(text, '\n') + 1;
    return text;
}

static inline int trail_count(char *text, const char *word)
{
    int count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

/* As `hgsctl event verify` does it. */
static inline struct audit_report trail_verify_from(struct trail *trail, uint64_t from)
{
    struct audit_report report = {0};
    struct audit_place head = {0};
    struct error err = {0};
    assert_true(audit_head_load(&head, trail->store, "node-1", &err));
    struct audit_known known = {
        .key = private_key_public(trail->key), .head_sequence = head.sequence, .from = from};
    memcpy(known.head_hash, head.hash, AUDIT_HASH_SIZE);
    if (!audit_verify(trail->folder, NULL, &known, &report, &err))
        fail_msg("%s: %s", err.object, err.message);
    return report;
}

static inline struct audit_report trail_verify(struct trail *trail)
{
    return trail_verify_from(trail, 0);
}

static inline void trail_assert_whole(struct trail *trail)
{
    struct audit_report report = trail_verify(trail);
    if (!report.whole)
        fail_msg("%s: %s", report.problem.object, report.problem.message);
}

/* object: what the problem's object has in it. */
static inline void trail_assert_problem(struct trail *trail, const struct error_code *code,
                                        const char *object)
{
    struct audit_report report = trail_verify(trail);
    assert_false(report.whole);
    if (report.problem.code != code || strstr(report.problem.object, object) == NULL)
        fail_msg("%s about %s: %s", report.problem.code->name, report.problem.object,
                 report.problem.message);
}
