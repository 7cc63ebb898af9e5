/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/host_clocks.h"

#define BOUND 300
#define HOUR_MS (INT64_C(3600) * 1000)

static bool note(struct attestation_host_clocks *clocks, const char *host, int64_t offset,
                 int64_t at_ms)
{
    struct attestation_host_clock measured = {.offset = offset, .time = 1800000000 + at_ms / 1000};
    return attestation_host_clocks_note(clocks, host, &measured, BOUND, at_ms);
}

static struct attestation_host_clock find(struct attestation_host_clocks *clocks, const char *host)
{
    struct attestation_host_clock clock;
    assert_true(attestation_host_clocks_find(clocks, host, &clock));
    return clock;
}

/* Told when it goes past the bound and when it is clearly back, and not in between. */
static void test_told_once(void **state)
{
    (void)state;
    static const struct {
        int64_t offset;
        bool is_off, told;
    } cases[] = {
        {0, false, false},   {300, false, false},  {-300, false, false}, {301, true, true},
        {302, true, false},  {86400, true, false}, {290, true, false},   {226, true, false},
        {225, false, true},  {300, false, false},  {-301, true, true},   {-226, true, false},
        {-224, false, true},
    };
    struct attestation_host_clocks *clocks = attestation_host_clocks_new(4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(note(clocks, "n1", cases[i].offset, (int64_t)i * 1000), cases[i].told);
        struct attestation_host_clock clock = find(clocks, "n1");
        assert_int_equal(clock.is_off, cases[i].is_off);
        assert_int_equal(clock.offset, cases[i].offset);
        assert_int_equal(clock.time, 1800000000 + i);
        assert_int_equal(attestation_host_clocks_off(clocks), cases[i].is_off);
    }
    attestation_host_clocks_free(&clocks);
    assert_null(clocks);
    attestation_host_clocks_free(&clocks);
}

/* Whoever alters what hosts send does not fill the log; what is true then is told later. */
static void test_flapping(void **state)
{
    (void)state;
    struct attestation_host_clocks *clocks = attestation_host_clocks_new(4);
    unsigned told = 0;
    for (int64_t i = 0; i < 1000; i++)
        told += note(clocks, "n1", i % 2 == 0 ? 86400 : 0, i * 1000);
    assert_int_equal(told, 4);
    assert_false(note(clocks, "n1", -86400, HOUR_MS - 1));
    assert_true(note(clocks, "n1", -86400, HOUR_MS));
    attestation_host_clocks_free(&clocks);
}

/* There is room for so many, and those that are off are worth more than others. */
static void test_bounded(void **state)
{
    (void)state;
    struct attestation_host_clock clock;
    struct attestation_host_clocks *clocks = attestation_host_clocks_new(3);
    note(clocks, "off", 1000, 0);
    note(clocks, "a", 0, 1);
    note(clocks, "b", 0, 2);
    note(clocks, "a", 0, 3);
    note(clocks, "c", 0, 4); /* in the place of b */
    assert_true(attestation_host_clocks_find(clocks, "off", &clock));
    assert_true(attestation_host_clocks_find(clocks, "a", &clock));
    assert_false(attestation_host_clocks_find(clocks, "b", &clock));
    note(clocks, "off2", 1000, 5);
    note(clocks, "off3", 1000, 6);
    note(clocks, "off4", 1000, 7); /* in the place of off */
    assert_false(attestation_host_clocks_find(clocks, "a", &clock));
    assert_false(attestation_host_clocks_find(clocks, "off", &clock));
    assert_int_equal(attestation_host_clocks_off(clocks), 3);
    attestation_host_clocks_forget(clocks, "off3");
    attestation_host_clocks_forget(clocks, "nobody");
    assert_int_equal(attestation_host_clocks_off(clocks), 2);
    attestation_host_clocks_free(&clocks);
}

/* Any Date is taken, and nothing overflows. */
static void test_far(void **state)
{
    (void)state;
    struct attestation_host_clocks *clocks = attestation_host_clocks_new(3);
    note(clocks, "future", INT64_MAX, 0);
    note(clocks, "past", INT64_MIN, 0);
    assert_int_equal(find(clocks, "future").offset, INT64_C(1) << 40);
    assert_int_equal(find(clocks, "past").offset, -(INT64_C(1) << 40));
    attestation_host_clocks_free(&clocks);
}

/* The farthest come first, eight of them. */
static void test_written(void **state)
{
    (void)state;
    struct json *document = NULL;
    struct json_writer writer;
    _cleanup_buf_ struct buf out;
    struct attestation_host_clocks *clocks = attestation_host_clocks_new(100);
    note(clocks, "right", 3, 0);
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        note(clocks, name, (i % 2 == 0 ? 1 : -1) * (1000 + (i * 7) % 20), 0);
    }
    buf_init(&out, VECTOR_MAX);
    json_writer_init(&writer, &out);
    json_write_object(&writer, NULL);
    attestation_host_clocks_write(clocks, &writer, "host_clocks");
    json_write_object_end(&writer);
    assert_ok(json_parse(&document, buf_slice(&out), err));
    const struct json *written = json_get(document, "host_clocks");
    assert_int_equal((int)json_number(json_get(written, "measured")), 21);
    assert_int_equal((int)json_number(json_get(written, "off")), 20);
    int expected = 1019, count = 0;
    for (const struct json *it = json_first(json_get(written, "farthest")); it != NULL;
         it = json_next(it), expected--, count++) {
        int offset = (int)json_number(json_get(it, "offset"));
        assert_int_equal(offset < 0 ? -offset : offset, expected);
    }
    assert_int_equal(count, 8);
    json_free(&document);
    attestation_host_clocks_free(&clocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_once), cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_bounded),   cmocka_unit_test(test_far),
        cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
