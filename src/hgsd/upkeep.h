/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A thread for what the service does from time to time and what may wait for a keyholder: loading
 * its keys, making attestation signers, looking whether it answers. The main thread does none of
 * that, so that it always hears of new channels, of signals and of a clock that was set, and tells
 * the supervisor in time that the service gets on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct upkeep;

/* What is done; gives the milliseconds until it should be done again. */
typedef int64_t upkeep_work(void *context);

/*
 * Does it once at once, and whenever it is due or somebody wakes it. limit_ms: every wait inside it
 * has a deadline of its own, and all of them together are shorter than this. hgsd.child.
 */
bool upkeep_start(struct upkeep **out, upkeep_work *work, int64_t limit_ms, void *context,
                  struct error *err);
/* From any thread: something is due. */
void upkeep_wake(struct upkeep *upkeep);
/* False: it has been at it for longer than the limit. */
bool upkeep_moves(struct upkeep *upkeep);
/* No more work is begun; whether none is under way any more within milliseconds. */
bool upkeep_close(struct upkeep *upkeep, int64_t milliseconds);
/* Waits for the work under way, without end. */
void upkeep_free(struct upkeep **upkeep);
