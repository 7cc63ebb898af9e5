/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../testing.h"
#include "base/errors.h"

static void stands_for(const char *text, int64_t time)
{
    int64_t parsed = -1;
    assert_ok(clock_parse(&parsed, text, err));
    assert_int_equal(parsed, time);
}

static void is_written(int64_t time, const char *text)
{
    char written[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_format(time, written), text);
}

static void test_samples(void **state)
{
    (void)state;
    stands_for("1970-01-01T00:00:00Z", 0);
    stands_for("2026-11-23T10:00:00Z", 1795428000);
    stands_for("2026-11-23", 1795392000);
    stands_for("2026-11-23T11:00:00+01:00", 1795428000);
    stands_for("2026-11-23T04:30:00-05:30", 1795428000);
    stands_for("2024-02-29", 1709164800);
    stands_for("2000-02-29", 951782400);
    stands_for("0000-01-01T00:00:00Z", -62167219200);
    stands_for("9999-12-31T23:59:59Z", 253402300799);
    is_written(0, "1970-01-01T00:00:00Z");
    is_written(-1, "1969-12-31T23:59:59Z");
    is_written(1795428000, "2026-11-23T10:00:00Z");
    is_written(-62167219200, "0000-01-01T00:00:00Z");
    is_written(253402300799, "9999-12-31T23:59:59Z");
    is_written(INT64_MAX, "9999-12-31T23:59:59Z");
    is_written(INT64_MIN, "0000-01-01T00:00:00Z");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "2026",
        "2026-1-23",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00Z",
        "2026-11-23 10:00:00Z",
        "2026-11-23T10:00:00Zx",
        "2026-11-23T",
        "2026-13-01",
        "2026-00-01",
        "2026-11-31",
        "2026-11-00",
        "2023-02-29",
        "1900-02-29",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:60Z",
        "2026-11-23T10:00:00+24:00",
        "2026-11-23T10:00:00+01",
        "2026-11-23T10:00:00.5Z",
        "+026-11-23",
        " 2026-11-23",
        "20261-11-23",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        int64_t time = 42;
        assert_refused(clock_parse(&time, malformed[i], err), base_time_malformed);
        assert_int_equal(time, 42);
    }
}

/* libc's calendar, which the module itself must not use. */
static void test_against_libc(void **state)
{
    (void)state;
    for (int64_t time = -62167219200; time < 253402300799; time += 86400LL * 97 + 12345) {
        char text[CLOCK_TEXT_SIZE], expected[64];
        time_t seconds = time;
        struct tm parts;
        gmtime_r(&seconds, &parts);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
        assert_string_equal(clock_format(time, text), expected);
        stands_for(expected, time);
    }
}

static void test_now(void **state)
{
    (void)state;
    setenv("HGS_TEST_CLOCK", "+86400", 1);
    struct clock clock;
    clock_init(&clock);
#ifdef HGS_TEST_CLOCK
    assert_int_equal(clock.offset, 86400);
#else
    assert_int_equal(clock.offset, 0);
#endif
    struct clock shifted = {.offset = -1000000};
    time_t before = time(NULL);
    int64_t now = clock_now(&shifted);
    /* time() may lag by a tick behind the precise clock. */
    assert_true(now + 1000000 >= before && now + 1000000 <= time(NULL) + 1);
    int64_t first = clock_monotonic_ms();
    assert_true(clock_monotonic_ms() >= first);
}

static void test_offsets(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {5, "+5 s"},
        {-59, "-59 s"},
        {60, "+1 min"},
        {-3725, "-1 h 2 min"},
        {86399, "+23 h 59 min"},
        {86400, "+1 d"},
        {-90000, "-1 d 1 h"},
        {INT64_MAX, "+106751991167300 d 15 h"},
        {INT64_MIN, "-106751991167300 d 15 h"},
    };
    char text[CLOCK_OFFSET_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(clock_format_offset(cases[i].seconds, text), cases[i].text);
}

/* A test's clock can be set while a program runs. */
static void test_moving(void **state)
{
    (void)state;
    volatile int64_t moving = 0;
    struct clock clock = {.offset = 100, .moving = &moving};
    int64_t before = clock_now(&clock);
    moving = -86400;
    assert_in_range(before - clock_now(&clock), 86400 - 60, 86400);
    assert_in_range(clock_now_ms(&clock) / 1000 - clock_now(&clock) + 60, 0, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_against_libc), cmocka_unit_test(test_now),
        cmocka_unit_test(test_offsets),      cmocka_unit_test(test_moving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
