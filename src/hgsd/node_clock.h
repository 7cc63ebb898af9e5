/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * This node's clock against what else this node knows of time: the newest record of the audit
 * trail when hgsd started (it cannot have been later then), and the time that has run since (a
 * clock that was set). A cluster will compare the clocks of its nodes in their records
 * (STORE_NODE); of one node there is nothing else to compare with. Any thread.
 */

#include "base/clock.h"
#include "base/json.h"

struct node_clock;

/* record: the time of the newest record, in seconds since 1970; INT64_MIN: there is none. */
struct node_clock *node_clock_new(const struct clock *clock, int64_t record);
void node_clock_free(struct node_clock **clock);

/*
 * Looks. True when there is something to tell, once for each change: at the first look, a clock
 * that began more than bound seconds behind (hgsd.clock-back); later, one that was set by more than
 * that, all at once or little by little (hgsd.clock-set). *seconds: how far.
 */
bool node_clock_look(struct node_clock *clock, int64_t bound, int64_t *seconds, struct error *what);
/* By how many seconds the clock is ahead of what it should be by all of that: 0, mostly; negative:
 * behind. */
int64_t node_clock_offset(struct node_clock *clock);
/* Milliseconds since the start or since it was last set by more than the bound. */
int64_t node_clock_steady_ms(struct node_clock *clock);
/* The object name: offset, bound, tolerance (seconds) and, once something was told, problem: an
 * error, and at, when. */
void node_clock_write(struct node_clock *clock, struct json_writer *writer, const char *name,
                      int64_t bound, int64_t tolerance);
