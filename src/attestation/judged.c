/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/judged.h"

#include "base/memory.h"

#include <stdlib.h>

struct attestation_judged *attestation_judged_new(void)
{
    struct attestation_judged *judged = memory_allocate_zero(1, sizeof *judged);
    atomic_init(&judged->references, 1);
    return judged;
}

void attestation_judged_release(struct attestation_judged **judged)
{
    struct attestation_judged *last = memory_steal(judged);
    if (last == NULL || atomic_fetch_sub(&last->references, 1) != 1)
        return;
    for (size_t i = 0; i < last->key_count; i++)
        public_key_free(&last->keys[i]);
    free(last);
}

static struct slice bytes_of(const void *object)
{
    const struct attestation_judged *judged = object;
    return slice_of(judged->key, sizeof judged->key);
}

static void hold(void *object)
{
    struct attestation_judged *judged = object;
    atomic_fetch_add(&judged->references, 1);
}

static void release(void *object)
{
    struct attestation_judged *judged = object;
    attestation_judged_release(&judged);
}

struct cache *attestation_judged_cache_new(size_t entries)
{
    static const struct cache_kind kind = {bytes_of, hold, release};
    return cache_new(entries, &kind);
}
