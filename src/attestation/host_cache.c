/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host_cache.h"

#include "attestation/errors.h"
#include "base/map.h"
#include "base/memory.h"
#include "crypto/random.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Each host has one place, by the hash of its name; whoever comes later takes it over. */
struct attestation_host_cache {
    struct store *store;
    uint8_t hash_key[16];
    pthread_mutex_t lock; /* over the rest */
    uint64_t changes;     /* records forgotten so far: what was read before one is not kept */
    size_t entries;
    struct attestation_known_host **places;
};

void attestation_known_host_release(struct attestation_known_host **host)
{
    struct attestation_known_host *last = memory_steal(host);
    if (last == NULL || atomic_fetch_sub(&last->references, 1) != 1)
        return;
    attestation_host_done(&last->host);
    tpm_endorsement_key_done(&last->key);
    free(last);
}

struct attestation_host_cache *attestation_host_cache_new(struct store *store, size_t entries)
{
    assert(entries > 0 && (entries & (entries - 1)) == 0);
    struct attestation_host_cache *cache = memory_allocate_zero(1, sizeof *cache);
    cache->store = store;
    cache->entries = entries;
    cache->places = memory_allocate_zero(entries, sizeof(void *));
    random_bytes(cache->hash_key, sizeof cache->hash_key);
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void clear(struct attestation_host_cache *cache)
{
    for (size_t i = 0; i < cache->entries; i++)
        attestation_known_host_release(&cache->places[i]);
}

void attestation_host_cache_free(struct attestation_host_cache **cache)
{
    struct attestation_host_cache *gone = memory_steal(cache);
    if (gone == NULL)
        return;
    clear(gone);
    pthread_mutex_destroy(&gone->lock);
    free(gone->places);
    free(gone);
}

static size_t place_of(const struct attestation_host_cache *cache, const char *name)
{
    return (size_t)map_siphash(cache->hash_key, slice_from_text(name)) & (cache->entries - 1);
}

/* From the place, or NULL; *changes tells whether what is read now may be kept later. */
static struct attestation_known_host *look(struct attestation_host_cache *cache, const char *name,
                                           uint64_t *changes)
{
    pthread_mutex_lock(&cache->lock);
    struct attestation_known_host *host = cache->places[place_of(cache, name)];
    if (host != NULL && strcmp(host->host.name, name) != 0)
        host = NULL;
    if (host != NULL)
        atomic_fetch_add(&host->references, 1);
    *changes = cache->changes;
    pthread_mutex_unlock(&cache->lock);
    return host;
}

static void keep(struct attestation_host_cache *cache, struct attestation_known_host *host,
                 uint64_t changes)
{
    struct attestation_known_host *before = NULL;
    pthread_mutex_lock(&cache->lock);
    if (cache->changes == changes) {
        struct attestation_known_host **place = &cache->places[place_of(cache, host->host.name)];
        before = *place;
        atomic_fetch_add(&host->references, 1);
        *place = host;
    }
    pthread_mutex_unlock(&cache->lock);
    attestation_known_host_release(&before);
}

static bool parse_key(struct attestation_known_host *known, struct error *err)
{
    const struct attestation_host *host = &known->host;
    if (host->tpm.endorsement_key.size > 0)
        return tpm_endorsement_key_parse(&known->key, buf_slice(&host->tpm.endorsement_key), err);
    struct public_key *key = NULL;
    if (!public_key_parse(&key, buf_slice(&host->key), err))
        return false;
    tpm_endorsement_key_from_key(&known->key, key);
    public_key_free(&key);
    return true;
}

/* The two ways in which a record names its key agree. */
static bool check_key(const struct attestation_known_host *known, struct error *err)
{
    if (memcmp(tpm_endorsement_key_identity(&known->key), known->host.key_id,
               sizeof known->host.key_id) == 0)
        return true;
    return error_set(err, &attestation_host_malformed, NULL, known->host.name,
                     "its endorsement key is not the key that it is known by");
}

static bool load(struct attestation_known_host *known, struct store *store, const char *name,
                 struct error *err)
{
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!store_get(store, STORE_HOST, name, &value, NULL, err) ||
        !attestation_host_parse(&known->host, buf_slice(&value), err))
        return false;
    if (known->host.mode != ATTESTATION_MODE_TPM || strcmp(known->host.name, name) != 0)
        return error_set(err, &attestation_host_unknown, NULL, name,
                         "it is not registered in TPM mode (any more)");
    return parse_key(known, err) && check_key(known, err);
}

bool attestation_host_cache_get(struct attestation_known_host **out,
                                struct attestation_host_cache *cache, const char *name,
                                struct error *err)
{
    uint64_t changes;
    *out = look(cache, name, &changes);
    if (*out != NULL)
        return true;
    struct attestation_known_host *known = memory_allocate_zero(1, sizeof *known);
    atomic_init(&known->references, 1);
    if (!load(known, cache->store, name, err)) {
        attestation_known_host_release(&known);
        return false;
    }
    keep(cache, known, changes);
    *out = known;
    return true;
}

void attestation_host_cache_forget(struct attestation_host_cache *cache, const char *name)
{
    struct attestation_known_host *gone = NULL;
    pthread_mutex_lock(&cache->lock);
    cache->changes++;
    if (name == NULL) {
        clear(cache);
    } else {
        struct attestation_known_host **place = &cache->places[place_of(cache, name)];
        if (*place != NULL && strcmp((*place)->host.name, name) == 0)
            gone = memory_steal(place);
    }
    pthread_mutex_unlock(&cache->lock);
    attestation_known_host_release(&gone);
}
