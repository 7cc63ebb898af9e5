/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The word that was probably meant. */

#include <stddef.h>

/* The candidate nearest to word, borrowed; NULL when none is near. */
const char *option_nearest(const char *word, const char *const *candidates, size_t count);
