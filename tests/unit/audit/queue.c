/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/queue.h"

#include "../testing.h"

#define FIELDS slice_from_text("\"n\":1")
/* A time that does not come. */
#define NEVER (INT64_MAX / 2)

static unsigned told;

static void tell(void *context, bool ok, const struct error *err)
{
    (void)context, (void)err;
    told += ok;
}

static void put(struct audit_queue *queue, audit_done *done)
{
    struct error err = {0};
    struct audit_entry entry = {.done = done};
    assert_true(audit_queue_put(queue, &entry, "test", FIELDS, &err));
}

/* Takes and finishes what is there; returns how many that were. */
static size_t take(struct audit_queue *queue)
{
    bool closed = false;
    size_t count = 0;
    struct audit_entry *entries = audit_queue_take(queue, -1, &closed);
    for (const struct audit_entry *entry = entries; entry != NULL; entry = entry->next)
        count++;
    assert_null(audit_queue_finish(queue, entries, count, true, NULL));
    return count;
}

/* The entries that are there would be gathered for ever: their taking must have another reason. */
static void gather_for_ever(struct audit_queue *queue)
{
    queue->first_at = NEVER;
    queue->taken_at = NEVER;
}

static void test_hurry(void **state)
{
    (void)state;
    struct audit_queue queue;
    audit_queue_init(&queue);
    put(&queue, NULL);
    put(&queue, tell);
    gather_for_ever(&queue);
    told = 0;
    audit_queue_hurry(&queue);
    assert_int_equal(take(&queue), 2);
    assert_int_equal(told, 1);
    assert_true(queue.hurried <= queue.finished); /* what comes now is gathered again */
    audit_queue_done(&queue);
}

/* When few are expected, it is the last flush that counts, and not long. */
static void test_few_are_expected(void **state)
{
    (void)state;
    struct audit_queue queue;
    audit_queue_init(&queue);
    put(&queue, tell);
    gather_for_ever(&queue);
    audit_queue_expect_few(&queue, true);
    assert_int_equal(take(&queue), 1);
    assert_true(queue.finished_at > 0);
    put(&queue, tell);
    put(&queue, NULL);
    gather_for_ever(&queue);
    assert_int_equal(take(&queue), 2);
    audit_queue_done(&queue);
}

/* Nobody waits for it, so there is nothing to hurry for. */
static void test_no_hurry_for_nobody(void **state)
{
    (void)state;
    struct audit_queue queue;
    audit_queue_init(&queue);
    audit_queue_hurry(&queue);
    put(&queue, NULL);
    audit_queue_hurry(&queue);
    assert_int_equal(queue.hurried, 0);
    audit_queue_close(&queue);
    assert_int_equal(take(&queue), 1);
    audit_queue_done(&queue);
}

/* It moves as long as nothing waits for the writer, or it has done something since. */
static void test_moves(void **state)
{
    (void)state;
    struct audit_queue queue;
    uint64_t mark = 0;
    audit_queue_init(&queue);
    assert_true(audit_queue_moves(&queue, &mark));
    put(&queue, NULL);
    assert_false(audit_queue_moves(&queue, &mark));
    bool closed = false;
    struct audit_entry *entries = audit_queue_take(&queue, -1, &closed);
    put(&queue, NULL);
    assert_false(audit_queue_moves(&queue, &mark)); /* the writer has it, and does not get on */
    audit_queue_finish(&queue, entries, 1, true, NULL);
    assert_true(audit_queue_moves(&queue, &mark));
    assert_false(audit_queue_moves(&queue, &mark)); /* another waits */
    take(&queue);
    assert_true(audit_queue_moves(&queue, &mark));
    audit_queue_done(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_few_are_expected),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_no_hurry_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
