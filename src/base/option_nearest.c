/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option_nearest.h"

#include <stdbool.h>
#include <string.h>

#define DISTANCE_MAX 63

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static size_t distance(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > DISTANCE_MAX || b_size > DISTANCE_MAX)
        return DISTANCE_MAX;
    size_t rows[3][DISTANCE_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            now[j] =
                smallest(before[j] + 1, now[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && earlier[j - 2] + 1 < now[j])
                now[j] = earlier[j - 2] + 1;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *option_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t size = strlen(word);
    size_t best = size / 3 + 2; /* farther ones are no misspellings */
    for (size_t i = 0; i < count; i++) {
        /* The beginning of exactly what was meant, as in "cert" for "certificate". */
        size_t far = size >= 2 && strncmp(candidates[i], word, size) == 0
                         ? 1
                         : distance(word, candidates[i]);
        if (far < best && far < strlen(candidates[i])) {
            best = far;
            nearest = candidates[i];
        }
    }
    return nearest;
}
