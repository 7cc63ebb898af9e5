/* SPDX-License-Identifier: Apache-2.0 */

/* Signers that were made while a clock was ahead, and those that lie behind one that was set back.
 */

#include "signer_schedule_made.h"

static bool has_problem(const struct attestation_signer_list *list, size_t i, int64_t now,
                        const struct error_code *code)
{
    struct error problem = {0};
    bool any = attestation_signer_schedule_problem(&problem, list, &list->items[i], now);
    return any && problem.code == code;
}

static size_t count_listed(const struct attestation_signer_list *list, int64_t now)
{
    struct attestation_settings settings = defaults();
    const struct certificate *listed[8];
    return attestation_signer_schedule_listed(listed, list, node, &settings, now);
}

/* Ahead, for an hour or a day in the middle of a signer's life: it is the same signer. */
static void test_clock_ahead_within_a_life(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    static const int64_t shifts[] = {HOUR, DAY, -HOUR, -DAY};
    int64_t now = START + 5 * DAY;
    assert_true(plan_health(&plan, &list, &settings, START));
    add(&list, &plan);
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        assert_ptr_equal(select_health(&list, now + shifts[i]), &list.items[0]);
        assert_false(plan_health(&plan, &list, &settings, now + shifts[i]));
        assert_int_equal(state_at(&list, 0, now + shifts[i]), ATTESTATION_SIGNER_ACTIVE);
        assert_false(has_problem(&list, 0, now + shifts[i], &attestation_signer_future));
    }
}

/* Over the renewal: published at once, with its lead; over the end: signs at once, and says so. */
static void test_clock_over_a_renewal(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    struct attestation_signer_plan plan;
    {
        _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
        int64_t now = START + 25 * DAY;
        assert_true(plan_health(&plan, &list, &settings, START));
        add(&list, &plan);
        assert_true(plan_health(&plan, &list, &settings, now));
        assert_int_equal(plan.publish_at, now);
        assert_int_equal(plan.active_at, now + DAY);
        add(&list, &plan);
        assert_ptr_equal(select_health(&list, now), &list.items[0]);
        assert_false(has_problem(&list, 1, now + DAY, &attestation_signer_unannounced));
        /* and back again: the first goes on, the other waits for its time */
        now = START + 2 * DAY;
        assert_ptr_equal(select_health(&list, now), &list.items[0]);
        assert_int_equal(state_at(&list, 1, now), ATTESTATION_SIGNER_FUTURE);
        assert_true(has_problem(&list, 1, now, &attestation_signer_future));
        assert_int_equal(count_listed(&list, now), 1);
        assert_false(plan_health(&plan, &list, &settings, now));
        /* whose renewal comes when it is due, whatever waits */
        now = START + 19 * DAY;
        assert_true(plan_health(&plan, &list, &settings, now));
        assert_int_equal(plan.active_at, now + DAY);
    }
    {
        _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
        int64_t now = START + 40 * DAY;
        assert_true(plan_health(&plan, &list, &settings, START));
        add(&list, &plan);
        assert_null(select_health(&list, now));
        assert_true(plan_health(&plan, &list, &settings, now));
        assert_int_equal(plan.active_at, now);
        add(&list, &plan);
        assert_ptr_equal(select_health(&list, now), &list.items[1]);
        assert_true(has_problem(&list, 1, now, &attestation_signer_unannounced));
        assert_false(has_problem(&list, 1, now + DAY, &attestation_signer_unannounced));
        /* and back again */
        now = START + 3 * DAY;
        assert_ptr_equal(select_health(&list, now), &list.items[0]);
        assert_int_equal(state_at(&list, 0, now), ATTESTATION_SIGNER_ACTIVE);
        assert_int_equal(state_at(&list, 1, now), ATTESTATION_SIGNER_FUTURE);
    }
}

/* The only signer was made while the clock was ahead: another signs at once, and the first, when
 * its time has come, is published for its lead before it takes over. */
static void test_signer_of_the_future(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    int64_t future = START + 10 * DAY;
    assert_true(plan_health(&plan, &list, &settings, future));
    add(&list, &plan);
    assert_null(select_health(&list, START));
    assert_true(plan_health(&plan, &list, &settings, START));
    assert_int_equal(plan.active_at, START);
    add(&list, &plan);
    assert_ptr_equal(select_health(&list, START), &list.items[1]);
    assert_false(plan_health(&plan, &list, &settings, START));
    assert_int_equal(count_listed(&list, START), 1);
    assert_true(has_problem(&list, 1, START, &attestation_signer_unannounced));
    assert_int_equal(attestation_signer_schedule_due(&list, node, &settings, START), START + DAY);
    assert_int_equal(attestation_signer_schedule_due(&list, node, &settings, START + DAY),
                     future - 300);
    /* its time */
    assert_ptr_equal(select_health(&list, future), &list.items[1]);
    assert_int_equal(state_at(&list, 0, future), ATTESTATION_SIGNER_PUBLISHED);
    assert_int_equal(count_listed(&list, future), 2);
    assert_ptr_equal(select_health(&list, future + DAY), &list.items[0]);
    assert_int_equal(state_at(&list, 1, future + DAY), ATTESTATION_SIGNER_RETIRED);
    int64_t until = future + DAY + 8 * HOUR + 300;
    assert_int_equal(attestation_signer_schedule_served_until(&list, &list.items[1], &settings),
                     until);
    assert_string_equal(attestation_signer_state_name(ATTESTATION_SIGNER_FUTURE), "future");
}

/* Back by an hour and a day when the successor has just begun to sign: the old one signs again. */
static void test_clock_back_over_a_change(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    assert_true(plan_health(&plan, &list, &settings, START));
    add(&list, &plan);
    int64_t made = attestation_signer_schedule_renewed_at(&list.items[0]);
    assert_true(plan_health(&plan, &list, &settings, made));
    add(&list, &plan);
    int64_t now = made + DAY + 60;
    assert_ptr_equal(select_health(&list, now), &list.items[1]);
    assert_ptr_equal(select_health(&list, now - HOUR), &list.items[0]);
    assert_int_equal(count_listed(&list, now - HOUR), 2);
    assert_ptr_equal(select_health(&list, now - 2 * DAY), &list.items[0]);
    assert_int_equal(count_listed(&list, now - 2 * DAY), 1);
    assert_false(plan_health(&plan, &list, &settings, now - 2 * DAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_ahead_within_a_life),
        cmocka_unit_test(test_clock_over_a_renewal),
        cmocka_unit_test(test_signer_of_the_future),
        cmocka_unit_test(test_clock_back_over_a_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
