/* SPDX-License-Identifier: Apache-2.0 */
/* One queue for each token: how many wait, and that the end comes in order. */
#include "hgsd/token_queues.h"

#include "../testing.h"
#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT 3

static char folder[64];
static struct audit *audit;
static struct clock test_clock;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/hgs-audit-XXXXXX");
    assert_non_null(mkdtemp(folder));
    clock_init(&test_clock);
    struct audit_options options = {.folder = folder,
                                    .node = "n1",
                                    .rotate_size = 1024 * 1024,
                                    .checkpoint_every = 1000,
                                    .clock = &test_clock};
    assert_ok(audit_start(&audit, &options, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    audit_stop(&audit);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    return 0;
}

/* Two tokens with one session each. */
static struct token_queues *make(void)
{
    static struct hgsd_token tokens[] = {{.sessions = 1}, {.sessions = 1}};
    static struct hgsd_config config = {.queue = LIMIT, .tokens = {.items = tokens, .count = 2}};
    struct token_queues *queues = token_queues_new(&config, audit);
    assert_non_null(queues);
    return queues;
}

struct gate {
    struct token_queues *queues;
    atomic_uint inside, done;
    atomic_bool open;
    bool handed_over; /* what the other token's queue answered */
};

static void pass(void *work)
{
    struct gate *gate = work;
    atomic_fetch_add(&gate->inside, 1);
    while (!atomic_load(&gate->open))
        sched_yield();
    atomic_fetch_add(&gate->done, 1);
}

static void wait_inside(const struct gate *gate)
{
    while (atomic_load((atomic_uint *)&gate->inside) == 0)
        sched_yield();
}

static void each_has_its_own_that_is_bounded(void **state)
{
    (void)state;
    struct token_queues *queues = make();
    struct gate slow = {0}, other = {0};
    assert_true(token_queues_put(queues, 1, pass, &slow));
    wait_inside(&slow); /* the one worker is busy: from here on they wait */
    assert_int_equal(token_queues_length(queues, 1), 0);
    for (size_t i = 1; i <= LIMIT; i++) {
        assert_true(token_queues_put(queues, 1, pass, &slow));
        assert_int_equal(token_queues_length(queues, 1), i);
    }
    assert_false(token_queues_put(queues, 1, pass, &slow));
    assert_int_equal(token_queues_length(queues, 2), 0);
    atomic_store(&other.open, true);
    assert_true(token_queues_put(queues, 2, pass, &other));
    while (atomic_load(&other.done) == 0)
        sched_yield();
    for (unsigned none = 0; none <= 3; none += 3) {
        assert_false(token_queues_put(queues, none, pass, &other));
        assert_int_equal(token_queues_length(queues, none), 0);
    }
    atomic_store(&slow.open, true);
    token_queues_free(&queues);
    assert_null(queues);
    assert_int_equal(atomic_load(&slow.done), LIMIT + 1);
}

/* As metadata does whose second key lies in the other token. */
static void pass_and_hand_over(void *work)
{
    struct gate *gate = work;
    pass(gate);
    gate->handed_over = token_queues_put(gate->queues, 2, pass, gate);
}

static void *stop(void *context)
{
    token_queues_stop(context);
    return NULL;
}

static void nothing_is_handed_over_at_the_end(void **state)
{
    (void)state;
    struct token_queues *queues = make();
    struct gate gate = {.queues = queues}, idle = {0};
    pthread_t thread;
    assert_true(token_queues_put(queues, 1, pass_and_hand_over, &gate));
    wait_inside(&gate);
    atomic_store(&idle.open, true);
    assert_int_equal(pthread_create(&thread, NULL, stop, queues), 0);
    do { /* with room in it, it refuses only because it stops */
        while (token_queues_length(queues, 2) > 0)
            sched_yield();
    } while (token_queues_put(queues, 2, pass, &idle));
    assert_int_equal(token_queues_length(queues, 1), 0);
    atomic_store(&gate.open, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&gate.done), 1);
    assert_false(gate.handed_over);
    token_queues_free(&queues);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_own_that_is_bounded),
        cmocka_unit_test(nothing_is_handed_over_at_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
