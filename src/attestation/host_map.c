/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host_map.h"

#include "base/map.h"
#include "base/memory.h"
#include "crypto/random.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SHARD_COUNT 64
#define STAGED 0x80u

/* Stands in one table by its identity and in one by its name. */
struct entry {
    uint8_t id[ATTESTATION_HOST_ID_SIZE];
    uint8_t generation; /* of the map, when it was put */
    uint8_t mode;       /* enum attestation_mode, and STAGED */
    char name[];
};

/* Open addressing with linear probing, at most three quarters full; deletion moves entries up, so
 * there are no graves. */
struct table {
    struct entry **slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

struct shard {
    pthread_rwlock_t lock;
    struct table by_id;
} __attribute__((aligned(64)));

struct attestation_host_map {
    struct shard shards[SHARD_COUNT];
    pthread_mutex_t change; /* guards by_name and generation, which only changes look at */
    struct table by_name;
    uint8_t generation;
    uint8_t hash_key[16];
};

/* The hash of an entry, as one or the other kind of table sees it. */
typedef uint64_t hash_of_entry(const struct attestation_host_map *map, const struct entry *entry);

static uint64_t hash_id(const struct attestation_host_map *map, const uint8_t *id)
{
    return map_siphash(map->hash_key, slice_of(id, ATTESTATION_HOST_ID_SIZE));
}

static uint64_t hash_by_id(const struct attestation_host_map *map, const struct entry *entry)
{
    return hash_id(map, entry->id);
}

static uint64_t hash_by_name(const struct attestation_host_map *map, const struct entry *entry)
{
    return map_siphash(map->hash_key, slice_from_text(entry->name));
}

/* The low bits choose the shard, the others the slot. */
static size_t home(const struct table *table, uint64_t hash)
{
    return (size_t)(hash / SHARD_COUNT) & (table->capacity - 1);
}

static void insert(struct table *table, uint64_t hash, struct entry *entry)
{
    size_t slot = home(table, hash);
    while (table->slots[slot] != NULL)
        slot = (slot + 1) & (table->capacity - 1);
    table->slots[slot] = entry;
    table->count++;
}

static void grow(struct table *table, const struct attestation_host_map *map, hash_of_entry *hash)
{
    struct table larger = {.capacity = table->capacity == 0 ? 16 : 2 * table->capacity};
    larger.slots = memory_allocate_zero(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i] != NULL)
            insert(&larger, hash(map, table->slots[i]), table->slots[i]);
    }
    free(table->slots);
    *table = larger;
}

static void table_add(struct table *table, const struct attestation_host_map *map,
                      hash_of_entry *hash, struct entry *entry)
{
    if (4 * (table->count + 1) > 3 * table->capacity)
        grow(table, map, hash);
    insert(table, hash(map, entry), entry);
}

static void table_remove(struct table *table, const struct attestation_host_map *map,
                         hash_of_entry *hash, const struct entry *entry)
{
    size_t mask = table->capacity - 1;
    size_t hole = home(table, hash(map, entry));
    while (table->slots[hole] != entry)
        hole = (hole + 1) & mask;
    table->count--;
    for (size_t next = (hole + 1) & mask; table->slots[next] != NULL; next = (next + 1) & mask) {
        /* An entry may move to the hole unless its home lies behind the hole. */
        size_t from_home = (next - home(table, hash(map, table->slots[next]))) & mask;
        if (from_home >= ((next - hole) & mask)) {
            table->slots[hole] = table->slots[next];
            hole = next;
        }
    }
    table->slots[hole] = NULL;
}

static struct entry *find_name(const struct attestation_host_map *map, const char *name)
{
    const struct table *table = &map->by_name;
    if (table->capacity == 0)
        return NULL;
    size_t slot = home(table, map_siphash(map->hash_key, slice_from_text(name)));
    while (table->slots[slot] != NULL && strcmp(table->slots[slot]->name, name) != 0)
        slot = (slot + 1) & (table->capacity - 1);
    return table->slots[slot];
}

static bool is_host(const struct entry *entry, enum attestation_mode mode, bool staged_too,
                    const uint8_t *id)
{
    return (entry->mode & ~STAGED) == (unsigned)mode &&
           (staged_too || (entry->mode & STAGED) == 0) &&
           memcmp(entry->id, id, ATTESTATION_HOST_ID_SIZE) == 0;
}

static const struct entry *find_id(const struct table *table, uint64_t hash,
                                   enum attestation_mode mode, bool staged_too, const uint8_t *id)
{
    if (table->capacity == 0)
        return NULL;
    size_t slot = home(table, hash);
    while (table->slots[slot] != NULL && !is_host(table->slots[slot], mode, staged_too, id))
        slot = (slot + 1) & (table->capacity - 1);
    return table->slots[slot];
}

static struct shard *shard_of(struct attestation_host_map *map, const uint8_t *id)
{
    return &map->shards[hash_id(map, id) % SHARD_COUNT];
}

struct attestation_host_map *attestation_host_map_new(void)
{
    struct attestation_host_map *map = aligned_alloc(64, sizeof *map);
    if (map == NULL)
        abort();
    memset(map, 0, sizeof *map);
    for (size_t i = 0; i < SHARD_COUNT; i++)
        pthread_rwlock_init(&map->shards[i].lock, NULL);
    pthread_mutex_init(&map->change, NULL);
    random_bytes(map->hash_key, sizeof map->hash_key);
    return map;
}

void attestation_host_map_free(struct attestation_host_map **map)
{
    if (*map == NULL)
        return;
    for (size_t i = 0; i < (*map)->by_name.capacity; i++)
        free((*map)->by_name.slots[i]);
    free((*map)->by_name.slots);
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        free((*map)->shards[i].by_id.slots);
        pthread_rwlock_destroy(&(*map)->shards[i].lock);
    }
    pthread_mutex_destroy(&(*map)->change);
    free(*map);
    *map = NULL;
}

static void remove_entry(struct attestation_host_map *map, struct entry *entry)
{
    struct shard *shard = shard_of(map, entry->id);
    pthread_rwlock_wrlock(&shard->lock);
    table_remove(&shard->by_id, map, hash_by_id, entry);
    pthread_rwlock_unlock(&shard->lock);
    table_remove(&map->by_name, map, hash_by_name, entry);
    free(entry); /* no reader keeps one beyond its lock */
}

static uint8_t mode_of(const struct attestation_host_identity *identity)
{
    return (uint8_t)((unsigned)identity->mode | (identity->staged ? STAGED : 0));
}

static void add_entry(struct attestation_host_map *map, const char *name,
                      const struct attestation_host_identity *identity)
{
    size_t size = strlen(name) + 1;
    struct entry *entry = memory_allocate(offsetof(struct entry, name) + size);
    memcpy(entry->id, identity->id, sizeof entry->id);
    entry->generation = map->generation;
    entry->mode = mode_of(identity);
    memcpy(entry->name, name, size);
    table_add(&map->by_name, map, hash_by_name, entry);
    struct shard *shard = shard_of(map, entry->id);
    pthread_rwlock_wrlock(&shard->lock);
    table_add(&shard->by_id, map, hash_by_id, entry);
    pthread_rwlock_unlock(&shard->lock);
}

void attestation_host_map_put(struct attestation_host_map *map, const char *name,
                              const struct attestation_host_identity *identity)
{
    pthread_mutex_lock(&map->change);
    struct entry *entry = find_name(map, name);
    bool same = entry != NULL && entry->mode == mode_of(identity) &&
                memcmp(entry->id, identity->id, sizeof entry->id) == 0;
    if (entry != NULL && !same)
        remove_entry(map, entry);
    if (same) /* stays found throughout */
        entry->generation = map->generation;
    else
        add_entry(map, name, identity);
    pthread_mutex_unlock(&map->change);
}

bool attestation_host_map_remove(struct attestation_host_map *map, const char *name)
{
    pthread_mutex_lock(&map->change);
    struct entry *entry = find_name(map, name);
    if (entry != NULL)
        remove_entry(map, entry);
    pthread_mutex_unlock(&map->change);
    return entry != NULL;
}

void attestation_host_map_begin(struct attestation_host_map *map)
{
    pthread_mutex_lock(&map->change);
    map->generation++;
    pthread_mutex_unlock(&map->change);
}

void attestation_host_map_sweep(struct attestation_host_map *map)
{
    pthread_mutex_lock(&map->change);
    size_t slot = 0;
    while (slot < map->by_name.capacity) {
        struct entry *entry = map->by_name.slots[slot];
        if (entry == NULL || entry->generation == map->generation)
            slot++;
        else
            remove_entry(map, entry); /* another may have moved into its slot */
    }
    pthread_mutex_unlock(&map->change);
}

bool attestation_host_map_find(struct attestation_host_map *map, enum attestation_mode mode,
                               const uint8_t id[ATTESTATION_HOST_ID_SIZE],
                               char name[ATTESTATION_NAME_SIZE], bool *staged)
{
    uint64_t hash = hash_id(map, id);
    struct shard *shard = &map->shards[hash % SHARD_COUNT];
    pthread_rwlock_rdlock(&shard->lock);
    const struct entry *entry = find_id(&shard->by_id, hash, mode, staged != NULL, id);
    if (entry != NULL)
        snprintf(name, ATTESTATION_NAME_SIZE, "%s", entry->name);
    if (entry != NULL && staged != NULL)
        *staged = (entry->mode & STAGED) != 0;
    pthread_rwlock_unlock(&shard->lock);
    return entry != NULL;
}

size_t attestation_host_map_count(struct attestation_host_map *map)
{
    pthread_mutex_lock(&map->change);
    size_t count = map->by_name.count;
    pthread_mutex_unlock(&map->change);
    return count;
}

/* What malloc took for a block: its usable size and the word before it. */
static size_t block_size(void *block)
{
    return block == NULL ? 0 : malloc_usable_size(block) + sizeof(size_t);
}

size_t attestation_host_map_memory(struct attestation_host_map *map)
{
    pthread_mutex_lock(&map->change);
    size_t size = block_size(map) + block_size(map->by_name.slots);
    for (size_t i = 0; i < SHARD_COUNT; i++)
        size += block_size(map->shards[i].by_id.slots);
    for (size_t i = 0; i < map->by_name.capacity; i++)
        size += block_size(map->by_name.slots[i]);
    pthread_mutex_unlock(&map->change);
    return size;
}
