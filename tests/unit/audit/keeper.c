/* SPDX-License-Identifier: Apache-2.0 */

/* What the keeper does beside the writer: checkpoints, and the newest record in the store. */

#include "told.h"

static void test_checkpoints(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 10;
    trail_open(trail);
    trail_append(trail, 15);
    assert_int_equal(trail->signatures, 0);
    trail_signer(trail);
    WAIT_UNTIL(audit_sequence(trail->audit) == 16); /* at once: 15 are not covered */
    trail_append(trail, 9);
    assert_int_equal(audit_sequence(trail->audit), 25);
    trail_append(trail, 1);
    WAIT_UNTIL(audit_sequence(trail->audit) == 27);
    audit_stop(&trail->audit);
    /* Nothing is left to cover at the end. */
    struct audit_report report = trail_verify(trail);
    assert_true(report.whole);
    assert_int_equal(report.checkpoints, 2);
    assert_int_equal(report.records, 27);
    assert_int_equal(report.unsigned_tail, 0);
    /* What a session left without is covered by the next one. */
    trail_open(trail);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).unsigned_tail, 1);
    trail_open(trail);
    trail_signer(trail);
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).unsigned_tail, 0);
    assert_int_equal(trail_verify(trail).records, 29);
}

static void test_signer_away(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 2;
    trail->away = true;
    trail_open(trail);
    trail_signer(trail);
    trail_append(trail, 10);
    WAIT_UNTIL(__atomic_load_n(&trail->signatures, __ATOMIC_SEQ_CST) >= 1);
    assert_int_equal(audit_sequence(trail->audit), 10);
    assert_true(audit_healthy(trail->audit, NULL));
    __atomic_store_n(&trail->away, false, __ATOMIC_SEQ_CST);
    WAIT_UNTIL(audit_sequence(trail->audit) == 11); /* it is asked again by itself */
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).checkpoints, 1);
    assert_int_equal(trail_verify(trail).unsigned_tail, 0);
}

/* A signer that takes as long as the test wants. */
struct slow {
    struct trail *trail;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool asked, go_on;
};

static bool sign_slowly(void *context, const uint8_t key_id[KEY_ID_SIZE], uint64_t sequence,
                        const uint8_t head[AUDIT_HASH_SIZE], int64_t time, struct buf *out,
                        struct error *err)
{
    struct slow *slow = context;
    pthread_mutex_lock(&slow->mutex);
    slow->asked = true;
    pthread_cond_broadcast(&slow->changed);
    while (!slow->go_on)
        pthread_cond_wait(&slow->changed, &slow->mutex);
    pthread_mutex_unlock(&slow->mutex);
    return trail_sign(slow->trail, key_id, sequence, head, time, out, err);
}

static void test_slow_signer_holds_nobody_up(void **state)
{
    struct trail *trail = *state;
    struct slow slow = {
        .trail = trail, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct audit_checkpoint_signer signer = {.sign = sign_slowly, .context = &slow};
    memcpy(signer.key_id, public_key_digest(private_key_public(trail->key)), KEY_ID_SIZE);
    trail->options.checkpoint_every = 5;
    trail_open(trail);
    audit_set_checkpoint_signer(trail->audit, &signer);
    trail_append(trail, 5);
    pthread_mutex_lock(&slow.mutex);
    while (!slow.asked)
        pthread_cond_wait(&slow.changed, &slow.mutex);
    pthread_mutex_unlock(&slow.mutex);
    trail_append(trail, 100);
    assert_int_equal(audit_sequence(trail->audit), 105);
    audit_set_checkpoint_signer(trail->audit, &signer); /* does not wait either */
    pthread_mutex_lock(&slow.mutex);
    slow.go_on = true;
    pthread_cond_broadcast(&slow.changed);
    pthread_mutex_unlock(&slow.mutex);
    WAIT_UNTIL(audit_sequence(trail->audit) >= 107); /* the late one, and one for the rest */
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    assert_non_null(strstr(trail_line(text, 105), "audit.checkpoint\",\"sequence\":5,"));
}

static void test_head_follows(void **state)
{
    struct trail *trail = *state;
    struct audit_place head = {0};
    trail_open(trail);
    trail_append(trail, 3);
    WAIT_UNTIL(audit_head_load(&head, trail->store, "node-1", NULL) && head.sequence == 3);
    trail_append(trail, 3);
    WAIT_UNTIL(audit_head_load(&head, trail->store, "node-1", NULL) && head.sequence == 6);
    trail_assert_whole(trail);
}

static void test_bad_head(void **state)
{
    struct trail *trail = *state;
    static const char *const bad[] = {
        "", "{}", "{\"seq\":1}", "{\"seq\":1,\"hash\":\"00\"}",
        "{\"seq\":-1,\"hash\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_change change = {.kind = STORE_AUDIT_HEAD,
                                      .key = "node-1",
                                      .value = slice_from_text(bad[i]),
                                      .expected = STORE_ANY};
        assert_true(store_commit(trail->store, &change, 1, NULL, NULL));
        struct error err = {0};
        assert_false(audit_start(&trail->audit, &trail->options, &err));
        assert_int_equal(error_kind(&err), ERROR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_checkpoints),
        TRAIL_TEST(test_signer_away),
        TRAIL_TEST(test_slow_signer_holds_nobody_up),
        TRAIL_TEST(test_head_follows),
        TRAIL_TEST(test_bad_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
