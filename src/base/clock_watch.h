/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether the wall clock was set. The kernel's clock of the time since the machine was started runs
 * on while the machine sleeps, is slewed as the wall clock is, and nobody can set it: where the two
 * differ, somebody did.
 */

#include "base/clock.h"

struct clock_watch {
    const struct clock *clock;
    int64_t ahead_ms; /* of the wall clock before the other, at the last look */
};

void clock_watch_init(struct clock_watch *watch, const struct clock *clock);
/* By how many seconds it was set ahead since the last look that said so, or the start (negative:
 * back); 0 while that is less than two seconds. */
int64_t clock_watch_look(struct clock_watch *watch);
