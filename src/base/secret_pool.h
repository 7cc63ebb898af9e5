/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The memory behind secrets: pages that are locked (never swapped), left out of core dumps and
 * split into slots of a few sizes. A page locked for each key would exhaust RLIMIT_MEMLOCK after
 * two thousand keys; hundreds of small ones share a page here.
 */

#include <stdbool.h>
#include <stddef.h>

/* At least size bytes, cleared and aligned to 16; aborts without memory. Thread-safe. */
void *secret_pool_take(size_t size);
/* Wipes what secret_pool_take gave and takes it back. NULL is allowed. */
void secret_pool_give(void *memory);
/* False once the kernel has refused to lock a page (RLIMIT_MEMLOCK): such pages are still used. */
bool secret_pool_locked(void);
