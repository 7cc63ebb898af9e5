/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/public_key.h"

static struct slice bytes_of(const void *key)
{
    return public_key_spki(key);
}

static void hold(void *key)
{
    public_key_ref(key);
}

static void release(void *key)
{
    public_key_free(&(struct public_key *){key});
}

struct cache *public_key_cache_new(size_t entries)
{
    static const struct cache_kind kind = {bytes_of, hold, release};
    return cache_new(entries, &kind);
}
