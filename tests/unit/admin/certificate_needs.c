/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a certificate can go, from what was counted. */
#include "../testing.h"

#include "admin/certificate_needs.h"

#include <string.h>

#define NOW 1800000000
#define DAY 86400

static struct usage_certificate counted;
static struct certificate_list_item item;
static struct certificate_list list = {.items = &item, .count = 1};

/* How many need it, how many of them came lately, and for how many days they were counted. */
static struct certificate_needs needs_of(uint64_t only, uint64_t lately, int days)
{
    item = (struct certificate_list_item){.certificate.type = KEYPROTECTION_ENCRYPTION,
                                          .record_key = "encryption/00"};
    counted = (struct usage_certificate){
        .only = {.count = only, .lately = lately, .newest = NOW - DAY, .oldest = NOW - 9 * DAY}};
    return (struct certificate_needs){.items = &counted,
                                      .count = 1,
                                      .totals.since = NOW - days * DAY,
                                      .now = NOW,
                                      .lately = NOW - 30 * DAY};
}

static void a_verdict_is_a_word(void **state)
{
    (void)state;
    static const struct {
        uint64_t only, lately;
        int days;
        const char *verdict;
    } cases[] = {
        {0, 0, 31, "unneeded"}, {0, 0, 30, "unneeded"}, {0, 0, 29, "counting"}, {3, 0, 31, "idle"},
        {3, 0, 29, "counting"}, {3, 1, 31, "needed"},   {3, 1, 29, "needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct certificate_needs needs = needs_of(cases[i].only, cases[i].lately, cases[i].days);
        assert_string_equal(certificate_needs_verdict(&needs, &list, 0), cases[i].verdict);
        item.certificate.primary = true;
        assert_string_equal(certificate_needs_verdict(&needs, &list, 0), "primary");
    }
}

static void what_is_needed_is_not_removed(void **state)
{
    (void)state;
    struct error refusal = {0};
    struct certificate_needs needs = needs_of(12, 5, 31);
    assert_false(certificate_needs_check(&needs, &list, 0, &refusal));
    assert_string_equal(refusal.code->name, "admin.certificate-needed");
    assert_string_equal(refusal.object, "encryption/00");
    assert_string_equal(refusal.message,
                        "12 key protectors can be opened with no other encryption certificate, 5 "
                        "of them came in the last 30 days, the last one at 2027-01-14T08:00:00Z");
    needs = needs_of(1, 0, 31); /* however long ago */
    assert_refused(certificate_needs_check(&needs, &list, 0, err), "admin.certificate-needed");
    needs = needs_of(0, 0, 1);
    assert_ok(certificate_needs_check(&needs, &list, 0, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_is_a_word),
        cmocka_unit_test(what_is_needed_is_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
