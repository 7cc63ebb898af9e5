/* SPDX-License-Identifier: Apache-2.0 */

/* When signers are made, published, used and removed while clocks are right. */

#include "signer_schedule_made.h"

/* The life of two signers after each other. */
static void test_two_lives(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    assert_null(select_health(&list, START));
    assert_int_equal(attestation_signer_schedule_due(&list, node, &settings, START), INT64_MAX);

    /* the first signs at once, notBefore backdated, for 30 days */
    assert_true(plan_health(&plan, &list, &settings, START));
    assert_int_equal(plan.not_before, START - 300);
    assert_int_equal(plan.not_after, START + 30 * DAY);
    assert_int_equal(plan.publish_at, START);
    assert_int_equal(plan.active_at, START);
    assert_int_equal(plan.key, ATTESTATION_SIGNER_KEY_RSA2048);
    assert_int_equal(plan.longest_seconds, 28800);
    add(&list, &plan);
    assert_ptr_equal(select_health(&list, START), &list.items[0]);
    assert_false(plan_health(&plan, &list, &settings, START));
    assert_int_equal(state_at(&list, 0, START), ATTESTATION_SIGNER_ACTIVE);

    /* two thirds of its life less a day later the second is made: 30 d + 300 s, so 20 d - 100 s */
    int64_t made = START + 19 * DAY - 100;
    assert_int_equal(attestation_signer_schedule_due(&list, node, &settings, START), made);
    assert_false(plan_health(&plan, &list, &settings, made - 1));
    assert_true(plan_health(&plan, &list, &settings, made));
    assert_int_equal(plan.publish_at, made);
    assert_int_equal(plan.active_at, made + DAY);
    add(&list, &plan);
    assert_false(plan_health(&plan, &list, &settings, made));
    assert_int_equal(state_at(&list, 0, made), ATTESTATION_SIGNER_ACTIVE);
    assert_int_equal(state_at(&list, 1, made), ATTESTATION_SIGNER_PUBLISHED);
    assert_int_equal(attestation_signer_schedule_due(&list, node, &settings, made), made + DAY);

    /* a day later it signs, and the first is listed until its last certificate has expired */
    assert_ptr_equal(select_health(&list, made + DAY - 1), &list.items[0]);
    assert_ptr_equal(select_health(&list, made + DAY), &list.items[1]);
    assert_int_equal(state_at(&list, 0, made + DAY), ATTESTATION_SIGNER_RETIRED);
    int64_t until = made + DAY + 8 * HOUR + 300;
    assert_int_equal(attestation_signer_schedule_served_until(&list, &list.items[0], &settings),
                     until);
    assert_int_equal(attestation_signer_schedule_due(&list, node, &settings, made + DAY), until);
    assert_false(
        attestation_signer_schedule_removes(&list, &list.items[0], node, &settings, until - 1));
    assert_true(attestation_signer_schedule_removes(&list, &list.items[0], node, &settings, until));
    assert_int_equal(state_at(&list, 0, until), ATTESTATION_SIGNER_EXPIRED);
    assert_false(
        attestation_signer_schedule_removes(&list, &list.items[1], node, &settings, until));
}

static void test_longest_certificates(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    settings.health_certificate_seconds = 48 * HOUR;
    assert_true(plan_health(&plan, &list, &settings, START));
    add(&list, &plan);
    settings.health_certificate_seconds = HOUR; /* lowered: longer ones are out still */
    plan.active_at = START + DAY;
    add(&list, &plan);
    assert_int_equal(attestation_signer_schedule_served_until(&list, &list.items[0], &settings),
                     START + DAY + 48 * HOUR + 300);
}

/* After a stop of weeks there is less time than the lead, or none. */
static void test_late(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    assert_true(plan_health(&plan, &list, &settings, START));
    add(&list, &plan);
    int64_t end = START + 30 * DAY;
    assert_true(plan_health(&plan, &list, &settings, end - 20 * HOUR));
    assert_int_equal(plan.active_at, end - 8 * HOUR);
    assert_true(plan_health(&plan, &list, &settings, end - 2 * HOUR));
    assert_int_equal(plan.active_at, end - 2 * HOUR);
    assert_true(plan_health(&plan, &list, &settings, end));
    assert_int_equal(plan.active_at, end);
    assert_null(select_health(&list, end));
    assert_int_equal(state_at(&list, 0, end), ATTESTATION_SIGNER_EXPIRED);
}

/* A published one signs early rather than none. */
static void test_early(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    assert_true(plan_health(&plan, &list, &settings, START));
    plan.active_at = START + DAY;
    add(&list, &plan);
    assert_ptr_equal(select_health(&list, START), &list.items[0]);
    assert_null(select_health(&list, START - 1)); /* not published */
    assert_int_equal(state_at(&list, 0, START - 1), ATTESTATION_SIGNER_NEXT);
    assert_string_equal(attestation_signer_state_name(ATTESTATION_SIGNER_NEXT), "next");
}

static void test_at_once(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    assert_true(plan_health(&plan, &list, &settings, START));
    add(&list, &plan);
    settings.signer_key = ATTESTATION_SIGNER_KEY_P256;
    assert_true(attestation_signer_schedule_plan(&plan, &list, node, ATTESTATION_SIGNER_HEALTH,
                                                 &settings, START + HOUR, true));
    assert_int_equal(plan.active_at, START + HOUR + DAY);
    assert_int_equal(plan.key, ATTESTATION_SIGNER_KEY_P256);
    add(&list, &plan);
    /* nobody knew another than the first */
    struct error problem = {0};
    for (size_t i = 0; i < 2; i++)
        assert_false(
            attestation_signer_schedule_problem(&problem, &list, &list.items[i], START + HOUR));
}

/* Short lives keep their proportions: nobody makes signers in a loop. */
static void test_short_life(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    settings.signer_lifetime_days = 2;
    settings.clock_tolerance_seconds = 0;
    assert_true(plan_health(&plan, &list, &settings, START));
    add(&list, &plan);
    assert_int_equal(attestation_signer_schedule_renewed_at(&list.items[0]), START + DAY);
    assert_true(plan_health(&plan, &list, &settings, START + DAY));
    assert_int_equal(plan.active_at, START + DAY + 8 * HOUR);
    add(&list, &plan);
    assert_false(plan_health(&plan, &list, &settings, START + DAY + 8 * HOUR));
}

/* Each node cares for its own, but the dead of others are buried. */
static void test_other_node(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    assert_true(plan_health(&plan, &list, &settings, START));
    plan.node = "n2";
    add(&list, &plan);
    assert_null(select_health(&list, START));
    assert_true(plan_health(&plan, &list, &settings, START));
    int64_t end = START + 30 * DAY;
    assert_false(attestation_signer_schedule_removes(&list, &list.items[0], node, &settings, end));
    assert_true(attestation_signer_schedule_removes(&list, &list.items[0], "n2", &settings, end));
    assert_true(
        attestation_signer_schedule_removes(&list, &list.items[0], node, &settings, end + DAY));
}

static void test_unprotected(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    const struct certificate *listed[4];
    assert_false(attestation_signer_schedule_plan(
        &plan, &list, node, ATTESTATION_SIGNER_UNPROTECTED, &settings, START, false));
    settings.allow_unprotected_signing_keys = true;
    assert_true(attestation_signer_schedule_plan(&plan, &list, node, ATTESTATION_SIGNER_UNPROTECTED,
                                                 &settings, START, false));
    add(&list, &plan);
    assert_null(select_health(&list, START)); /* it signs no health certificate */
    assert_int_equal(attestation_signer_schedule_listed(listed, &list, node, &settings, START), 1);
    settings.allow_unprotected_signing_keys = false;
    assert_int_equal(attestation_signer_schedule_listed(listed, &list, node, &settings, START), 0);
    assert_true(attestation_signer_schedule_removes(&list, &list.items[0], node, &settings, START));
}

/* protocol.md 2.4: JDBC stops at a non-RSA certificate that stands before the match. */
static void test_order(void **state)
{
    (void)state;
    struct attestation_settings settings = defaults();
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct attestation_signer_plan plan;
    char expected[5][ATTESTATION_THUMBPRINT_TEXT_SIZE];
    assert_true(plan_health(&plan, &list, &settings, START));
    plan.publish_at = START - DAY;
    struct attestation_signer_plan ec_other = plan, next = plan, retired = plan, other = plan,
                                   own = plan, unpublished = plan;
    ec_other.node = "n3";
    ec_other.key = ATTESTATION_SIGNER_KEY_P256;
    snprintf(expected[4], sizeof expected[4], "%s", add(&list, &ec_other));
    next.active_at = START + DAY;
    snprintf(expected[3], sizeof expected[3], "%s", add(&list, &next));
    retired.publish_at = START - 2 * DAY;
    retired.active_at = START - HOUR;
    snprintf(expected[2], sizeof expected[2], "%s", add(&list, &retired));
    other.node = "n2";
    snprintf(expected[1], sizeof expected[1], "%s", add(&list, &other));
    snprintf(expected[0], sizeof expected[0], "%s", add(&list, &own));
    unpublished.publish_at = START + 1;
    unpublished.active_at = START + 1;
    unpublished.node = "n4";
    add(&list, &unpublished);

    const struct certificate *listed[6];
    assert_int_equal(attestation_signer_schedule_listed(listed, &list, node, &settings, START), 5);
    for (size_t i = 0; i < 5; i++) {
        char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
        for (size_t j = 0; j < 32; j++)
            snprintf(thumbprint + 2 * j, 3, "%02x", certificate_facts(listed[i])->thumbprint[j]);
        assert_string_equal(thumbprint, expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_lives),  cmocka_unit_test(test_longest_certificates),
        cmocka_unit_test(test_late),       cmocka_unit_test(test_early),
        cmocka_unit_test(test_at_once),    cmocka_unit_test(test_short_life),
        cmocka_unit_test(test_other_node), cmocka_unit_test(test_unprotected),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
