/* SPDX-License-Identifier: Apache-2.0 */
/* What would be lost with a certificate. */
#include "../testing.h"

#include "keyprotection/usage_count.h"

#define NOW 1800000000
#define DAY 86400

enum { OLD_SIGNING, NEW_SIGNING, OLD_ENCRYPTION, NEW_ENCRYPTION, CERTIFICATES };

static struct usage_table *table;
static struct usage_certificate certificates[CERTIFICATES + 1];
static uint64_t link_made;

static int setup(void **state)
{
    (void)state;
    table = usage_table_new(NOW - 100 * DAY, 64);
    link_made = 0;
    for (int i = 0; i < CERTIFICATES; i++) {
        certificates[i] = (struct usage_certificate){
            .key = {.type = i < OLD_ENCRYPTION ? KEYPROTECTION_SIGNING : KEYPROTECTION_ENCRYPTION,
                    .id = {(uint8_t)(i + 1)}},
            .enabled = true};
        assert_int_equal(usage_table_number(table, &certificates[i].key), i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    usage_table_free(&table);
    return 0;
}

/* A protector with wrappings for these, last seen so many days ago. */
static void add(uint64_t keys, int days)
{
    uint64_t ingress = ++link_made, egress = ++link_made;
    usage_table_note(table, ingress, egress, keys, (uint32_t)(NOW - days * DAY));
}

static void expect(int number, uint64_t only, uint64_t only_lately, uint64_t also,
                   uint64_t also_lately)
{
    assert_int_equal(certificates[number].only.count, only);
    assert_int_equal(certificates[number].only.lately, only_lately);
    assert_int_equal(certificates[number].also.count, also);
    assert_int_equal(certificates[number].also.lately, also_lately);
}

#define OLD_PAIR (1 << OLD_SIGNING | 1 << OLD_ENCRYPTION)
#define NEW_PAIR (1 << NEW_SIGNING | 1 << NEW_ENCRYPTION)

static void types_are_counted_for_themselves(void **state)
{
    (void)state;
    add(OLD_PAIR, 1);
    add(OLD_PAIR, 50);
    add(OLD_PAIR | NEW_PAIR, 2);
    add(1 << OLD_SIGNING | 1 << OLD_ENCRYPTION | 1 << NEW_ENCRYPTION, 3);
    usage_count(table, certificates, CERTIFICATES, NOW - 30 * DAY);
    expect(OLD_SIGNING, 3, 2, 1, 1);
    expect(NEW_SIGNING, 0, 0, 1, 1);
    expect(OLD_ENCRYPTION, 2, 1, 2, 2);
    expect(NEW_ENCRYPTION, 0, 0, 2, 2);
    assert_int_equal(certificates[OLD_ENCRYPTION].only.newest, NOW - DAY);
    assert_int_equal(certificates[OLD_ENCRYPTION].only.oldest, NOW - 50 * DAY);
    assert_int_equal(certificates[NEW_ENCRYPTION].only.newest, 0);
    assert_int_equal(certificates[NEW_ENCRYPTION].only.oldest, 0);
}

/* Who is disabled or gone serves nobody. */
static void only_enabled_ones_count_as_others(void **state)
{
    (void)state;
    add(OLD_PAIR | NEW_PAIR, 1);
    certificates[NEW_ENCRYPTION].enabled = false;
    usage_count(table, certificates, CERTIFICATES, NOW - 30 * DAY);
    expect(OLD_ENCRYPTION, 1, 1, 0, 0);
    expect(NEW_ENCRYPTION, 0, 0, 1, 1);
    usage_count(table, certificates, NEW_ENCRYPTION, NOW - 30 * DAY);
    expect(OLD_ENCRYPTION, 1, 1, 0, 0);
}

/* A certificate that was renewed over its key. */
static void two_certificates_of_a_key_serve_alike(void **state)
{
    (void)state;
    add(OLD_PAIR, 1);
    add(OLD_PAIR | NEW_PAIR, 5);
    certificates[CERTIFICATES] = certificates[OLD_ENCRYPTION];
    usage_count(table, certificates, CERTIFICATES + 1, NOW - 30 * DAY);
    expect(OLD_ENCRYPTION, 0, 0, 2, 2);
    expect(CERTIFICATES, 0, 0, 2, 2);
    assert_int_equal(certificates[CERTIFICATES].also.newest, NOW - DAY);
    assert_int_equal(certificates[CERTIFICATES].also.oldest, NOW - 5 * DAY);
    certificates[CERTIFICATES].enabled = false;
    usage_count(table, certificates, CERTIFICATES + 1, NOW - 30 * DAY);
    expect(OLD_ENCRYPTION, 1, 1, 1, 1);
    expect(CERTIFICATES, 0, 0, 2, 2);
}

static void nobody_asks_for_an_unknown_one(void **state)
{
    (void)state;
    add(OLD_PAIR, 1);
    certificates[CERTIFICATES] = (struct usage_certificate){
        .key = {.type = KEYPROTECTION_ENCRYPTION, .id = {99}}, .enabled = true};
    certificates[CERTIFICATES].only.count = 7; /* is overwritten */
    usage_count(table, certificates, CERTIFICATES + 1, NOW - 30 * DAY);
    expect(CERTIFICATES, 0, 0, 0, 0);
    expect(OLD_ENCRYPTION, 1, 1, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(types_are_counted_for_themselves, setup, teardown),
        cmocka_unit_test_setup_teardown(only_enabled_ones_count_as_others, setup, teardown),
        cmocka_unit_test_setup_teardown(two_certificates_of_a_key_serve_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_asks_for_an_unknown_one, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
