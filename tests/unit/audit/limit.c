/* SPDX-License-Identifier: Apache-2.0 */

/* Records that anybody can cause: so many are written, the others are counted, none is forgotten.
 */

#include "../wait.h"
#include "trail.h"

#include "audit/limit.h"

#define START 1000000

static struct audit_limit limit; /* large */

static int admitted(const char *event, const char *peer, int attempts, int64_t now)
{
    int count = 0;
    bool first;
    for (int i = 0; i < attempts; i++)
        count += audit_limit_admit(&limit, event, peer, now, &first);
    return count;
}

static void test_rates(void **state)
{
    (void)state;
    audit_limit_init(&limit, 10);
    /* One peer has half of what there is. */
    assert_int_equal(admitted("a", "192.0.2.1", 1000, START), 250);
    assert_int_equal(admitted("a", "192.0.2.1", 1000, START + 199), 0);
    assert_int_equal(admitted("a", "192.0.2.1", 1000, START + 200), 1);
    assert_int_equal(admitted("a", "192.0.2.1", 1000, START + 1200), 5);
    /* Another event has buckets of its own. */
    assert_int_equal(admitted("b", "192.0.2.1", 1000, START + 1200), 250);
    /* All peers together: 500, less 256, and 12 that came in the meantime but for the first. */
    int all = 0;
    for (int i = 0; i < 300; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "198.51.100.%d", i);
        all += admitted("a", peer, 3, START + 1200);
    }
    assert_int_equal(all, 500 - 256 + 12);
    /* However long nobody came, no more than a burst is let in; time that stands still is none. */
    assert_int_equal(admitted("a", "192.0.2.1", 1000, INT64_MAX / 4), 250);
    assert_int_equal(admitted("a", "192.0.2.1", 1000, INT64_MAX / 4 - 1000), 0);
    audit_limit_done(&limit);
}

static void test_first_is_announced(void **state)
{
    (void)state;
    bool first;
    audit_limit_init(&limit, 2);
    assert_int_equal(admitted("a", "x", 50, START), 50);
    assert_true(audit_limit_admit(&limit, "b", "x", START, &first));
    assert_false(first);
    assert_false(audit_limit_admit(&limit, "a", "x", START, &first));
    assert_true(first);
    assert_false(audit_limit_admit(&limit, "a", "x", START, &first));
    assert_false(first);
    audit_limit_done(&limit);
}

static void test_a_report_that_finds_no_room_is_kept(void **state)
{
    struct trail *trail = *state;
    struct audit_queue queue;
    struct error reason = {0};
    bool first, closed;
    error_set(&reason, &audit_unwritable, NULL, NULL, "as the test wants");
    audit_queue_init(&queue);
    audit_limit_init(&limit, 2);
    assert_int_equal(admitted("a", "x", 57, START), 50);
    audit_queue_shut(&queue, NULL, &reason);
    assert_false(audit_limit_report(&limit, &queue, &trail->clock));
    assert_false(audit_limit_admit(&limit, "a", "x", START, &first));
    assert_false(first); /* who reports tries again anyway */
    audit_queue_open(&queue);
    assert_true(audit_limit_report(&limit, &queue, &trail->clock));
    assert_true(audit_limit_report(&limit, &queue, &trail->clock)); /* nothing is left */
    struct audit_entry *entry = audit_queue_take(&queue, 0, &closed);
    assert_non_null(entry);
    assert_null(entry->next);
    static const char expected[] = "a.suppressed\"count\":8";
    assert_int_equal(entry->event_size + entry->fields_size, sizeof expected - 1);
    assert_memory_equal(entry->bytes, expected, sizeof expected - 1);
    audit_queue_finish(&queue, entry, 1, true, NULL);
    audit_limit_done(&limit);
    audit_queue_done(&queue);
}

/* The sum of what was written and of the counts. */
static int total(struct trail *trail, int *records)
{
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    int sum = *records = trail_count(text, "\"event\":\"key.refused\"");
    for (const char *at = text; (at = strstr(at, "\"key.refused.suppressed\",\"count\":")); at++)
        sum += atoi(strstr(at, "count\":") + 7);
    return sum;
}

static void refuse(struct trail *trail, int count)
{
    for (int i = 0; i < count; i++)
        assert_true(audit_append_limited(trail->audit, "key.refused", "192.0.2.1",
                                         slice_from_text("\"code\":\"x.y\""), NULL));
}

static void test_none_is_forgotten(void **state)
{
    struct trail *trail = *state;
    int records = 0;
    trail->options.refusals = 2;
    trail_open(trail);
    refuse(trail, 100);
    /* The count comes by itself, while the trail is open. */
    WAIT_UNTIL(total(trail, &records) >= 100);
    assert_int_equal(total(trail, &records), 100);
    assert_in_range(records, 50, 99);
    /* And with the trail's end. */
    refuse(trail, 100);
    audit_stop(&trail->audit);
    assert_int_equal(total(trail, &records), 200);
    /* Releases are never limited. */
    trail_open(trail);
    trail_append(trail, 200);
    assert_int_equal(audit_sequence(trail->audit) > 200, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_first_is_announced),
        TRAIL_TEST(test_a_report_that_finds_no_room_is_kept),
        TRAIL_TEST(test_none_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
