/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock_watch.h"

#include <time.h>

/* The wall clock is read a moment after the other; a leap second is no news. */
#define NOISE_MS 2000

static int64_t ahead_ms(const struct clock *clock)
{
    struct timespec since_start;
    clock_gettime(CLOCK_BOOTTIME, &since_start);
    return clock_now_ms(clock) - since_start.tv_sec * 1000 - since_start.tv_nsec / 1000000;
}

void clock_watch_init(struct clock_watch *watch, const struct clock *clock)
{
    *watch = (struct clock_watch){.clock = clock, .ahead_ms = ahead_ms(clock)};
}

int64_t clock_watch_look(struct clock_watch *watch)
{
    int64_t now = ahead_ms(watch->clock), step = now - watch->ahead_ms;
    if (step > -NOISE_MS && step < NOISE_MS)
        return 0;
    watch->ahead_ms = now;
    return (step + (step > 0 ? 500 : -500)) / 1000;
}
