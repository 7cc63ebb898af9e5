/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/upkeep.h"

#include <pthread.h>
#include <stdatomic.h>

#include "../testing.h"
#include "../wait.h"

#define LONG_MS 600000

/* Work that is counted, and that goes no further than the gate lets it. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    atomic_uint begun, done;
    int64_t pause_ms;
};

static int64_t pass(void *context)
{
    struct gate *gate = context;
    atomic_fetch_add(&gate->begun, 1);
    pthread_mutex_lock(&gate->lock);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    atomic_fetch_add(&gate->done, 1);
    return gate->pause_ms;
}

static void set_open(struct gate *gate, bool open)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = open;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static struct gate gate_of(bool open, int64_t pause_ms)
{
    return (struct gate){.lock = PTHREAD_MUTEX_INITIALIZER,
                         .changed = PTHREAD_COND_INITIALIZER,
                         .open = open,
                         .pause_ms = pause_ms};
}

static void works_at_once_when_due_and_when_woken(void **state)
{
    (void)state;
    struct gate often = gate_of(true, 1), seldom = gate_of(true, LONG_MS);
    struct upkeep *busy = NULL, *idle = NULL;
    assert_ok(upkeep_start(&busy, pass, LONG_MS, &often, err));
    assert_ok(upkeep_start(&idle, pass, LONG_MS, &seldom, err));
    WAIT_UNTIL(atomic_load(&often.done) >= 3);
    WAIT_UNTIL(atomic_load(&seldom.done) == 1);
    upkeep_wake(idle);
    WAIT_UNTIL(atomic_load(&seldom.done) == 2);
    upkeep_free(&busy);
    upkeep_free(&idle);
    assert_null(idle);
    assert_int_equal(atomic_load(&seldom.begun), 2);
}

/* What became due while it was at work is not forgotten. */
static void whoever_wakes_it_at_work_is_heard(void **state)
{
    (void)state;
    struct gate gate = gate_of(false, LONG_MS);
    struct upkeep *upkeep = NULL;
    assert_ok(upkeep_start(&upkeep, pass, LONG_MS, &gate, err));
    WAIT_UNTIL(atomic_load(&gate.begun) == 1);
    upkeep_wake(upkeep); /* does not wait for it */
    set_open(&gate, true);
    WAIT_UNTIL(atomic_load(&gate.done) == 2);
    upkeep_free(&upkeep);
}

static void long_work_moves_until_its_limit(void **state)
{
    (void)state;
    struct gate patient = gate_of(false, LONG_MS), hasty = gate_of(false, LONG_MS);
    struct upkeep *within = NULL, *beyond = NULL;
    assert_ok(upkeep_start(&within, pass, LONG_MS, &patient, err));
    assert_ok(upkeep_start(&beyond, pass, 1, &hasty, err));
    WAIT_UNTIL(atomic_load(&patient.begun) == 1);
    WAIT_UNTIL(!upkeep_moves(beyond));
    assert_true(upkeep_moves(within));
    set_open(&hasty, true);
    WAIT_UNTIL(upkeep_moves(beyond)); /* with nothing to do */
    set_open(&patient, true);
    upkeep_free(&within);
    upkeep_free(&beyond);
}

static void closing_says_whether_it_is_at_work(void **state)
{
    (void)state;
    struct gate gate = gate_of(false, 1);
    struct upkeep *upkeep = NULL;
    assert_ok(upkeep_start(&upkeep, pass, LONG_MS, &gate, err));
    WAIT_UNTIL(atomic_load(&gate.begun) == 1);
    assert_false(upkeep_close(upkeep, 1));
    set_open(&gate, true);
    assert_true(upkeep_close(upkeep, LONG_MS));
    upkeep_wake(upkeep);
    upkeep_free(&upkeep);
    assert_int_equal(atomic_load(&gate.begun), 1); /* nothing was begun any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_at_once_when_due_and_when_woken),
        cmocka_unit_test(whoever_wakes_it_at_work_is_heard),
        cmocka_unit_test(long_work_moves_until_its_limit),
        cmocka_unit_test(closing_says_whether_it_is_at_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
