/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../testing.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned waiting;
    atomic_uint done, empty;
    enum queue_load loads[8]; /* as they were told, under the queue's lock */
    unsigned changes;
};

static void pass(void *context, void *item)
{
    struct gate *gate = context;
    (void)item;
    pthread_mutex_lock(&gate->lock);
    gate->waiting++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    atomic_fetch_add(&gate->done, 1);
}

static void note_load(void *context, enum queue_load load)
{
    struct gate *gate = context;
    assert_true(gate->changes < 8);
    gate->loads[gate->changes++] = load;
    atomic_fetch_add(&gate->empty, load == QUEUE_EMPTY);
}

static void wait_for(struct gate *gate, unsigned waiting)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->waiting < waiting)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void refuses_when_full_and_finishes_what_waits(void **state)
{
    (void)state;
    struct gate gate = {
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0, 0, {0}, 0};
    int item = 0;
    struct queue *queue = queue_new("test", 2, 3, QUEUE_PROMPT, pass, note_load, &gate);
    assert_non_null(queue);
    assert_true(queue_put(queue, &item));
    assert_true(queue_put(queue, &item));
    wait_for(&gate, 2); /* both workers are busy; from here on items wait */
    for (int i = 0; i < 3; i++)
        assert_true(queue_put(queue, &item));
    assert_int_equal(queue_length(queue), 3);
    assert_false(queue_put(queue, &item));
    open_gate(&gate);
    queue_free(&queue);
    assert_null(queue);
    assert_int_equal(atomic_load(&gate.done), 5);
}

/* Three items for two workers are many, two are few. */
static void tells_its_load(void **state)
{
    (void)state;
    static const enum queue_load expected[] = {QUEUE_LOW, QUEUE_HIGH, QUEUE_LOW, QUEUE_EMPTY};
    struct gate gate = {
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0, 0, {0}, 0};
    int item = 0;
    struct queue *queue = queue_new("test", 2, 4, QUEUE_PROMPT, pass, note_load, &gate);
    for (int i = 0; i < 4; i++)
        assert_true(queue_put(queue, &item));
    wait_for(&gate, 2);
    open_gate(&gate);
    queue_free(&queue);
    assert_int_equal(gate.changes, 4);
    assert_memory_equal(gate.loads, expected, sizeof expected);
}

/* Each item is the only one there is when it is done; without a function to tell, too. */
static void is_empty_after_each_that_comes_alone(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct gate gate = {
            PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, true, 0, 0, 0, {0}, 0};
        int item = 0;
        struct queue *queue =
            queue_new("test", 1, 3, QUEUE_PROMPT, pass, round == 0 ? note_load : NULL, &gate);
        for (unsigned i = 1; i <= 3; i++) {
            assert_true(queue_put(queue, &item));
            wait_for(&gate, i);
            while (round == 0 && atomic_load(&gate.empty) < i)
                sched_yield();
        }
        queue_free(&queue);
        assert_int_equal(gate.changes, round == 0 ? 6 : 0);
    }
}

/* It moves as long as nothing is to be done, or something was done since. */
static void tells_whether_it_moves(void **state)
{
    (void)state;
    struct gate gate = {
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0, 0, {0}, 0};
    int item = 0;
    uint64_t mark = 0, other = 0;
    struct queue *queue = queue_new("test", 1, 3, QUEUE_PROMPT, pass, note_load, &gate);
    for (int i = 0; i < 2; i++)
        assert_true(queue_moves(queue, &mark));
    assert_true(queue_put(queue, &item));
    wait_for(&gate, 1);
    for (int i = 0; i < 2; i++)
        assert_false(queue_moves(queue, &mark)); /* the worker is stuck */
    open_gate(&gate);
    while (atomic_load(&gate.empty) < 1)
        sched_yield();
    assert_true(queue_moves(queue, &mark));
    assert_true(queue_moves(queue, &mark));
    assert_true(queue_moves(queue, &other));
    queue_free(&queue);
}

static void note_policy(void *context, void *item)
{
    atomic_int *policy = context;
    (void)item;
    atomic_store(policy, sched_getscheduler(0));
}

/* Those that are to be patient are, and no others. */
static void has_workers_as_patient_as_asked(void **state)
{
    (void)state;
    static const struct {
        enum queue_haste haste;
        int policy;
    } cases[] = {{QUEUE_PROMPT, SCHED_OTHER}, {QUEUE_PATIENT, SCHED_BATCH}};
    int item = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        atomic_int policy = -1;
        struct queue *queue = queue_new("test", 1, 1, cases[i].haste, note_policy, NULL, &policy);
        assert_true(queue_put(queue, &item));
        queue_free(&queue); /* finishes what waits */
        assert_int_equal(policy, cases[i].policy);
    }
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_when_full_and_finishes_what_waits),
        cmocka_unit_test(tells_its_load),
        cmocka_unit_test(is_empty_after_each_that_comes_alone),
        cmocka_unit_test(tells_whether_it_moves),
        cmocka_unit_test(has_workers_as_patient_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
