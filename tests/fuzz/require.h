/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What every target has: the entry that libFuzzer calls, and a check that stays in every build
 * (assert goes with -DNDEBUG).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, with the input kept, unless condition holds. */
static inline void require(bool condition)
{
    if (!condition)
        abort();
}
