/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Time comes from one structure that is handed down, so that a test can shift it. Only builds with
 * the option test-clock obey HGS_TEST_CLOCK (seconds to add, "+3600" or "-86400") and
 * HGS_TEST_CLOCK_FILE (a file that holds 8 bytes in the machine's order: seconds to add now, so
 * that a clock can be set while programs run); others ignore them.
 */

#include "base/error.h"

#include <stdint.h>

struct clock {
    int64_t offset;                 /* seconds added to the system's wall clock */
    const volatile int64_t *moving; /* added, too; NULL but in test builds */
};

/* The machine's clock (with HGS_TEST_CLOCK in test builds). */
void clock_init(struct clock *clock);
/* Seconds since 1970-01-01 UTC. */
int64_t clock_now(const struct clock *clock);
/* The same in milliseconds. */
int64_t clock_now_ms(const struct clock *clock);
/* Milliseconds of a clock that only moves forward; for deadlines. */
int64_t clock_monotonic_ms(void);

#define CLOCK_TEXT_SIZE sizeof "2026-11-23T10:00:00Z"
/* "2026-11-23T10:00:00Z"; writes CLOCK_TEXT_SIZE bytes and returns text. Years 0000 to 9999. */
char *clock_format(int64_t time, char text[CLOCK_TEXT_SIZE]);
#define CLOCK_OFFSET_SIZE 64
/* How far a clock is off: "+1 h 2 min", "-3 d", "+5 s", "0 s"; two units at most. Writes at most
 * CLOCK_OFFSET_SIZE bytes and returns text. */
char *clock_format_offset(int64_t seconds, char text[CLOCK_OFFSET_SIZE]);
/* Reads what clock_format writes, also with a numeric offset instead of Z; a date alone is its
 * midnight (UTC). base.time-malformed. */
bool clock_parse(int64_t *out, const char *text, struct error *err);
