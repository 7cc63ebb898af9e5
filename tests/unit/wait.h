/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Waiting for what another thread or process brings about, for the tests of all rooms. */

#include <time.h>

#include "base/clock.h"
#include "testing.h"

#define WAIT_MAX_MS 60000

/* Until the condition holds, which is looked at every few milliseconds; a test fails that waits in
 * vain for a minute. */
#define WAIT_UNTIL(condition)                                                \
    do {                                                                     \
        int64_t end_ = clock_monotonic_ms() + WAIT_MAX_MS;                   \
        while (!(condition)) {                                               \
            assert_true(clock_monotonic_ms() < end_);                        \
            nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL); \
        }                                                                    \
    } while (0)
