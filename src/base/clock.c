/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/errors.h"

#define DAY 86400LL
#define FIRST_SECOND (-62167219200LL) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND 253402300799LL    /* 9999-12-31T23:59:59Z */

#ifdef HGS_TEST_CLOCK
static int64_t test_offset(void)
{
    const char *text = getenv("HGS_TEST_CLOCK");
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

/* Mapped once and for all, since a process may not open files any more later. */
static const volatile int64_t *test_moving(void)
{
    static const volatile int64_t *mapped;
    const char *path = getenv("HGS_TEST_CLOCK_FILE");
    if (path == NULL || mapped != NULL)
        return mapped;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *mapped, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        abort(); /* a test that is not what it seems */
    close(fd);
    mapped = page;
    return mapped;
}
#else
static int64_t test_offset(void)
{
    return 0;
}

static const volatile int64_t *test_moving(void)
{
    return NULL;
}
#endif

void clock_init(struct clock *clock)
{
    clock->offset = test_offset();
    clock->moving = test_moving();
}

int64_t clock_now_ms(const struct clock *clock)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t offset = clock->offset + (clock->moving != NULL ? *clock->moving : 0);
    return (now.tv_sec + offset) * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now(const struct clock *clock)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec + clock->offset + (clock->moving != NULL ? *clock->moving : 0);
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Dates are computed here and not by gmtime_r and timegm, because those open /etc/localtime on
 * their first call, which kills a keyholder inside its sandbox. A year that begins in March has its
 * leap day last; 400 such years are 146097 days; 1970-01-01 is day 719468 of them.
 */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    if (month <= 2)
        year--;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

char *clock_format(int64_t time, char text[CLOCK_TEXT_SIZE])
{
    if (time < FIRST_SECOND)
        time = FIRST_SECOND;
    if (time > LAST_SECOND)
        time = LAST_SECOND;
    int64_t days = (time - (time < 0 ? DAY - 1 : 0)) / DAY;
    unsigned second = (unsigned)(time - days * DAY);
    int year, month, day;
    date_from_days(days, &year, &month, &day);
    /* Wide enough for whatever the compiler fears; the values above need 20 characters. */
    char wide[64];
    snprintf(wide, sizeof wide, "%04d-%02d-%02dT%02u:%02u:%02uZ", year, month, day, second / 3600,
             second / 60 % 60, second % 60);
    memcpy(text, wide, CLOCK_TEXT_SIZE);
    return text;
}

char *clock_format_offset(int64_t seconds, char text[CLOCK_OFFSET_SIZE])
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{DAY, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    uint64_t left = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;
    size_t unit = 0;
    while (unit < 3 && left < (uint64_t)units[unit].size)
        unit++;
    uint64_t most = left / (uint64_t)units[unit].size, rest = left % (uint64_t)units[unit].size;
    const char *sign = seconds < 0 ? "-" : seconds > 0 ? "+" : "";
    if (unit == 3 || rest / (uint64_t)units[unit + 1].size == 0)
        snprintf(text, CLOCK_OFFSET_SIZE, "%s%" PRIu64 " %s", sign, most, units[unit].name);
    else
        snprintf(text, CLOCK_OFFSET_SIZE, "%s%" PRIu64 " %s %" PRIu64 " %s", sign, most,
                 units[unit].name, rest / (uint64_t)units[unit + 1].size, units[unit + 1].name);
    return text;
}

/* Reads a number of exactly count digits from minimum to maximum and moves on. */
static bool take_number(const char **text, size_t count, int minimum, int maximum, int *out)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *text += count;
    *out = value;
    return value >= minimum && value <= maximum;
}

static bool take_character(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **text, int64_t *days)
{
    int year, month, day;
    if (!take_number(text, 4, 0, 9999, &year) || !take_character(text, '-') ||
        !take_number(text, 2, 1, 12, &month) || !take_character(text, '-') ||
        !take_number(text, 2, 1, days_in_month(year, month), &day))
        return false;
    *days = days_from_date(year, month, day);
    return true;
}

/* "Z", "+01:00" or "-01:00": seconds east of Greenwich. */
static bool take_zone(const char **text, int *seconds)
{
    *seconds = 0;
    if (take_character(text, 'Z'))
        return true;
    int sign = **text == '-' ? -1 : 1, hours, minutes;
    if (!take_character(text, '+') && !take_character(text, '-'))
        return false;
    if (!take_number(text, 2, 0, 23, &hours) || !take_character(text, ':') ||
        !take_number(text, 2, 0, 59, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_time(const char **text, int *seconds)
{
    int hour, minute, second, zone;
    if (!take_character(text, 'T') || !take_number(text, 2, 0, 23, &hour) ||
        !take_character(text, ':') || !take_number(text, 2, 0, 59, &minute) ||
        !take_character(text, ':') || !take_number(text, 2, 0, 59, &second) ||
        !take_zone(text, &zone))
        return false;
    *seconds = hour * 3600 + minute * 60 + second - zone;
    return true;
}

bool clock_parse(int64_t *out, const char *text, struct error *err)
{
    const char *rest = text;
    int64_t days;
    int seconds = 0;
    if (!take_date(&rest, &days) || (*rest != '\0' && !take_time(&rest, &seconds)) || *rest != '\0')
        return error_set(err, &base_time_malformed, "RFC 3339 section 5.6", text,
                         "is not a time such as 2026-11-23T10:00:00Z");
    *out = days * DAY + seconds;
    return true;
}
