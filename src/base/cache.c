/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"

/* Small caches are kept whole, so that their bound is exact. */
#define SHARDS_MAX 16
#define SHARD_ENTRIES_MIN 16

struct entry {
    void *object;
    uint64_t hash;
    struct entry *next;          /* in the bucket */
    struct entry *newer, *older; /* in the order of use */
};

struct shard {
    pthread_mutex_t mutex;
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, limit;
    struct entry *newest, *oldest;
};

struct cache {
    const struct cache_kind *kind;
    uint8_t hash_key[16];
    size_t shard_count; /* a power of two */
    struct shard shards[];
};

struct cache *cache_new(size_t entries, const struct cache_kind *kind)
{
    assert(entries > 0);
    size_t shards = 1;
    while (shards < SHARDS_MAX && entries / (2 * shards) >= SHARD_ENTRIES_MIN)
        shards *= 2;
    struct cache *cache = memory_allocate_zero(1, sizeof *cache + shards * sizeof cache->shards[0]);
    cache->kind = kind;
    map_hash_key(cache->hash_key);
    cache->shard_count = shards;
    for (size_t i = 0; i < shards; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_init(&shard->mutex, NULL);
        shard->limit = entries / shards;
        shard->bucket_count = 1;
        while (shard->bucket_count < shard->limit)
            shard->bucket_count *= 2;
        shard->buckets = memory_allocate_zero(shard->bucket_count, sizeof shard->buckets[0]);
    }
    return cache;
}

static void unlink_by_age(struct shard *shard, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &shard->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &shard->oldest) = entry->newer;
}

static void link_as_newest(struct shard *shard, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = shard->newest;
    *(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = entry;
    shard->newest = entry;
}

/* The bucket's upper hash bits: the lower ones chose the shard. */
static struct entry **bucket_of(struct shard *shard, uint64_t hash)
{
    return &shard->buckets[(hash >> 32) & (shard->bucket_count - 1)];
}

/* The object, whose reference is the caller's now. */
static void *remove_oldest(struct shard *shard)
{
    struct entry *entry = shard->oldest;
    struct entry **link = bucket_of(shard, entry->hash);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    unlink_by_age(shard, entry);
    shard->count--;
    void *object = entry->object;
    free(entry);
    return object;
}

void cache_free(struct cache **cache_pointer)
{
    struct cache *cache = cache_pointer == NULL ? NULL : memory_steal(cache_pointer);
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        while (shard->oldest != NULL)
            cache->kind->release(remove_oldest(shard));
        free(shard->buckets);
        pthread_mutex_destroy(&shard->mutex);
    }
    free(cache);
}

/* Under the mutex. A reference for the caller, or NULL. */
static void *find(const struct cache_kind *kind, struct shard *shard, uint64_t hash,
                  struct slice bytes)
{
    for (struct entry *entry = *bucket_of(shard, hash); entry != NULL; entry = entry->next) {
        if (entry->hash != hash || !slice_equal(kind->bytes(entry->object), bytes))
            continue;
        unlink_by_age(shard, entry);
        link_as_newest(shard, entry);
        kind->hold(entry->object);
        return entry->object;
    }
    return NULL;
}

/* Under the mutex. What had to make room, for the caller to release, or NULL. */
static void *add(const struct cache_kind *kind, struct shard *shard, uint64_t hash, void *object)
{
    void *gone = shard->count == shard->limit ? remove_oldest(shard) : NULL;
    struct entry *entry = memory_allocate_zero(1, sizeof *entry);
    struct entry **bucket = bucket_of(shard, hash);
    kind->hold(object);
    entry->object = object;
    entry->hash = hash;
    entry->next = *bucket;
    *bucket = entry;
    link_as_newest(shard, entry);
    shard->count++;
    return gone;
}

static struct shard *shard_of(struct cache *cache, uint64_t hash)
{
    return &cache->shards[hash & (cache->shard_count - 1)];
}

void *cache_find(struct cache *cache, struct slice bytes)
{
    uint64_t hash = map_siphash(cache->hash_key, bytes);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->mutex);
    void *found = find(cache->kind, shard, hash, bytes);
    pthread_mutex_unlock(&shard->mutex);
    return found;
}

void *cache_keep(struct cache *cache, void *object)
{
    struct slice bytes = cache->kind->bytes(object);
    uint64_t hash = map_siphash(cache->hash_key, bytes);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->mutex);
    void *found = find(cache->kind, shard, hash, bytes);
    void *gone = found == NULL ? add(cache->kind, shard, hash, object) : object;
    pthread_mutex_unlock(&shard->mutex);
    if (gone != NULL)
        cache->kind->release(gone);
    return found != NULL ? found : object;
}
