/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "../testing.h"
#include "base/clock.h"
#include "http/date.h"

/* The example of RFC 9110 5.6.7, and others as date(1) writes them. */
static const struct {
    int64_t time;
    const char *text;
} samples[] = {
    {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
    {1795428000, "Mon, 23 Nov 2026 10:00:00 GMT"},
    {-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"},
    {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
};

static void both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char text[HTTP_DATE_SIZE];
        int64_t time = 1;
        assert_string_equal(http_date_format(samples[i].time, text), samples[i].text);
        assert_true(http_date_parse(&time, samples[i].text));
        assert_int_equal(time, samples[i].time);
    }
}

/* The C library agrees. */
static void against_libc(void **state)
{
    (void)state;
    for (int64_t at = -5000000000; at < 5000000000; at += 86400 * 37 + 4711) {
        char ours[HTTP_DATE_SIZE], theirs[64];
        time_t time = at;
        struct tm broken;
        int64_t parsed = 0;
        gmtime_r(&time, &broken);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &broken);
        assert_string_equal(http_date_format(at, ours), theirs);
        assert_true(http_date_parse(&parsed, theirs));
        assert_int_equal(parsed, at);
    }
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "now",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT", /* it was a Sunday */
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun  06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "\xff\xff\xff, 06 Nov 1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        int64_t time;
        if (http_date_parse(&time, malformed[i]))
            fail_msg("\"%s\" is taken", malformed[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(against_libc),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
