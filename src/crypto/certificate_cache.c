/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "crypto/certificate.h"
#include "crypto/random.h"

/* Small caches are kept whole, so that their bound is exact. */
#define SHARDS_MAX 16
#define SHARD_ENTRIES_MIN 16

struct entry {
    struct certificate *certificate;
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

struct certificate_cache {
    uint8_t hash_key[16];
    size_t shard_count; /* a power of two */
    struct shard shards[];
};

struct certificate_cache *certificate_cache_new(size_t entries)
{
    assert(entries > 0);
    size_t shards = 1;
    while (shards < SHARDS_MAX && entries / (2 * shards) >= SHARD_ENTRIES_MIN)
        shards *= 2;
    struct certificate_cache *cache =
        memory_allocate_zero(1, sizeof *cache + shards * sizeof cache->shards[0]);
    random_bytes(cache->hash_key, sizeof cache->hash_key);
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

static void remove_oldest(struct shard *shard)
{
    struct entry *entry = shard->oldest;
    struct entry **link = bucket_of(shard, entry->hash);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    unlink_by_age(shard, entry);
    shard->count--;
    certificate_free(&entry->certificate);
    free(entry);
}

void certificate_cache_free(struct certificate_cache **cache)
{
    struct certificate_cache *dying = cache == NULL ? NULL : memory_steal(cache);
    if (dying == NULL)
        return;
    for (size_t i = 0; i < dying->shard_count; i++) {
        struct shard *shard = &dying->shards[i];
        while (shard->oldest != NULL)
            remove_oldest(shard);
        free(shard->buckets);
        pthread_mutex_destroy(&shard->mutex);
    }
    free(dying);
}

/* Under the mutex. A reference for the caller, or NULL. */
static struct certificate *find(struct shard *shard, uint64_t hash, struct slice der)
{
    for (struct entry *entry = *bucket_of(shard, hash); entry != NULL; entry = entry->next) {
        if (entry->hash != hash || !slice_equal(certificate_der(entry->certificate), der))
            continue;
        unlink_by_age(shard, entry);
        link_as_newest(shard, entry);
        return certificate_ref(entry->certificate);
    }
    return NULL;
}

/* Under the mutex. */
static void add(struct shard *shard, uint64_t hash, struct certificate *certificate)
{
    if (shard->count == shard->limit)
        remove_oldest(shard);
    struct entry *entry = memory_allocate_zero(1, sizeof *entry);
    struct entry **bucket = bucket_of(shard, hash);
    entry->certificate = certificate_ref(certificate);
    entry->hash = hash;
    entry->next = *bucket;
    *bucket = entry;
    link_as_newest(shard, entry);
    shard->count++;
}

bool certificate_cache_parse(struct certificate **out, struct certificate_cache *cache,
                             struct slice der, struct error *err)
{
    uint64_t hash = der.size <= CERTIFICATE_SIZE_MAX ? map_siphash(cache->hash_key, der) : 0;
    struct shard *shard = &cache->shards[hash & (cache->shard_count - 1)];
    pthread_mutex_lock(&shard->mutex);
    struct certificate *found = find(shard, hash, der);
    pthread_mutex_unlock(&shard->mutex);
    if (found != NULL) {
        *out = found;
        return true;
    }
    /* Parsed outside the lock: two threads may parse the same one, and the first to finish wins. */
    struct certificate *parsed = NULL;
    if (!certificate_parse(&parsed, der, err))
        return false;
    pthread_mutex_lock(&shard->mutex);
    found = find(shard, hash, der);
    if (found == NULL)
        add(shard, hash, parsed);
    pthread_mutex_unlock(&shard->mutex);
    if (found != NULL)
        certificate_free(&parsed);
    *out = found != NULL ? found : parsed;
    return true;
}
