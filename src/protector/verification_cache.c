/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/verification_cache.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define WAYS 8

/* Names are digests, so the first bytes of one choose its set evenly. */
struct cache_set {
    pthread_mutex_t lock;
    unsigned next; /* the way that is overwritten next */
    unsigned used;
    uint8_t names[WAYS][DIGEST_SHA256_SIZE];
};

struct verification_cache {
    size_t mask;
    struct cache_set *sets;
};

struct verification_cache *verification_cache_new(size_t entries)
{
    size_t count = 1;
    while (count * WAYS < entries)
        count *= 2;
    struct verification_cache *cache = memory_allocate_zero(1, sizeof *cache);
    cache->mask = count - 1;
    cache->sets = memory_allocate_zero(count, sizeof *cache->sets);
    for (size_t i = 0; i < count; i++)
        pthread_mutex_init(&cache->sets[i].lock, NULL);
    return cache;
}

void verification_cache_free(struct verification_cache **cache)
{
    if (!*cache)
        return;
    for (size_t i = 0; i <= (*cache)->mask; i++)
        pthread_mutex_destroy(&(*cache)->sets[i].lock);
    free((*cache)->sets);
    free(*cache);
    *cache = NULL;
}

static struct cache_set *set_of(struct verification_cache *cache, const uint8_t name[32])
{
    uint64_t index;
    memcpy(&index, name, sizeof index);
    return &cache->sets[index & cache->mask];
}

static bool set_has(const struct cache_set *set, const uint8_t name[32])
{
    for (unsigned i = 0; i < set->used; i++) {
        if (memcmp(set->names[i], name, DIGEST_SHA256_SIZE) == 0)
            return true;
    }
    return false;
}

bool verification_cache_has(struct verification_cache *cache, const uint8_t name[32])
{
    struct cache_set *set = set_of(cache, name);
    pthread_mutex_lock(&set->lock);
    bool found = set_has(set, name);
    pthread_mutex_unlock(&set->lock);
    return found;
}

void verification_cache_add(struct verification_cache *cache, const uint8_t name[32])
{
    struct cache_set *set = set_of(cache, name);
    pthread_mutex_lock(&set->lock);
    if (!set_has(set, name)) {
        memcpy(set->names[set->next], name, DIGEST_SHA256_SIZE);
        set->next = (set->next + 1) % WAYS;
        if (set->used < WAYS)
            set->used++;
    }
    pthread_mutex_unlock(&set->lock);
}

static void name_verification(uint8_t name[32], const struct public_key *key,
                              enum signature_algorithm algorithm, struct slice message,
                              struct slice signature)
{
    /* Of fixed size, or its size stands before it: no two verifications have one name. */
    uint64_t head[3] = {(uint64_t)algorithm, message.size, signature.size};
    struct slice parts[] = {slice_of(head, sizeof head),
                            slice_of(public_key_digest(key), DIGEST_SHA256_SIZE), message,
                            signature};
    struct digest digest;
    digest_compute_parts(&digest, DIGEST_SHA256, parts, sizeof parts / sizeof parts[0]);
    memcpy(name, digest.value, DIGEST_SHA256_SIZE);
}

bool verification_cache_verify(struct verification_cache *cache, const struct public_key *key,
                               enum signature_algorithm algorithm, struct slice message,
                               struct slice signature, struct error *err)
{
    if (!cache)
        return public_key_verify(key, algorithm, message, signature, err);
    uint8_t name[DIGEST_SHA256_SIZE];
    name_verification(name, key, algorithm, message, signature);
    if (verification_cache_has(cache, name))
        return true;
    if (!public_key_verify(key, algorithm, message, signature, err))
        return false;
    verification_cache_add(cache, name);
    return true;
}
