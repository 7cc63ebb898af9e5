/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Random bytes from OpenSSL's generator; aborts when it cannot give any: nothing safe can be done
 * without. Each thread draws some ahead, into locked memory; they are wiped there when they are
 * given out, and forgotten by a process that was forked.
 */

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t size);
/* Uniform in 0 … bound-1. */
uint32_t random_below(uint32_t bound);
