/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/memory.h"

struct entry {
    uint64_t hash;
    uint8_t *key; /* NULL: the entry is free; never NULL for an empty key */
    size_t key_size;
    void *value;
};

struct map {
    void (*value_free)(void *value);
    struct entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint8_t hash_key[16];
};

static uint64_t load_le(const uint8_t *from, size_t size)
{
    uint64_t word = 0;
    if (size > 0)
        memcpy(&word, from, size);
    return le64toh(word);
}

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t map_siphash(const uint8_t key[16], struct slice bytes)
{
    uint64_t k0 = load_le(key, 8), k1 = load_le(key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    size_t whole = bytes.size / 8 * 8;
    for (size_t i = 0; i < whole; i += 8)
        sip_word(v, load_le(bytes.data + i, 8));
    uint64_t last = bytes.size > whole ? load_le(bytes.data + whole, bytes.size - whole) : 0;
    sip_word(v, last | (uint64_t)bytes.size << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_hash_key(uint8_t key[16])
{
    if (getrandom(key, 16, 0) != 16) {
        fputs("hgs: the kernel gives no random bytes\n", stderr);
        abort();
    }
}

struct map *map_new(void (*value_free)(void *value))
{
    struct map *map = memory_allocate_zero(1, sizeof *map);
    map->value_free = value_free;
    map_hash_key(map->hash_key);
    return map;
}

static void release_value(const struct map *map, struct entry *entry)
{
    if (map->value_free != NULL && entry->value != NULL)
        map->value_free(entry->value);
}

static void release(const struct map *map, struct entry *entry)
{
    free(entry->key);
    release_value(map, entry);
    *entry = (struct entry){0};
}

void map_free(struct map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key != NULL)
            release(map, &map->entries[i]);
    }
    free(map->entries);
    free(map);
}

/* Where key is, or the free place where it belongs. There is always a free place. */
static struct entry *find(const struct map *map, uint64_t hash, struct slice key)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct entry *entry = &map->entries[i];
        if (entry->key == NULL)
            return entry;
        if (entry->hash == hash && slice_equal(slice_of(entry->key, entry->key_size), key))
            return entry;
    }
}

/* Keeps at least a quarter free. */
static void make_room(struct map *map)
{
    if ((map->count + 1) * 4 <= map->capacity * 3)
        return;
    struct entry *old = map->entries;
    size_t old_capacity = map->capacity;
    map->capacity = old_capacity > 0 ? old_capacity * 2 : 16;
    map->entries = memory_allocate_zero(map->capacity, sizeof *map->entries);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != NULL)
            *find(map, old[i].hash, slice_of(old[i].key, old[i].key_size)) = old[i];
    }
    free(old);
}

void map_put(struct map *map, struct slice key, void *value)
{
    make_room(map);
    uint64_t hash = map_siphash(map->hash_key, key);
    struct entry *entry = find(map, hash, key);
    if (entry->key != NULL) {
        release_value(map, entry);
        entry->value = value;
        return;
    }
    uint8_t *copy = memory_allocate(key.size);
    if (key.size > 0)
        memcpy(copy, key.data, key.size);
    *entry = (struct entry){hash, copy, key.size, value};
    map->count++;
}

void *map_get(const struct map *map, struct slice key)
{
    if (map->count == 0)
        return NULL;
    struct entry *entry = find(map, map_siphash(map->hash_key, key), key);
    return entry->key != NULL ? entry->value : NULL;
}

/* Moves the entries behind a freed place forward, so that a search never stops short at the hole.
 */
static void close_hole(struct map *map, size_t hole)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (hole + 1) & mask; map->entries[i].key != NULL; i = (i + 1) & mask) {
        size_t home = map->entries[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue; /* its home lies behind the hole */
        map->entries[hole] = map->entries[i];
        map->entries[i] = (struct entry){0};
        hole = i;
    }
}

bool map_remove(struct map *map, struct slice key)
{
    if (map->count == 0)
        return false;
    struct entry *entry = find(map, map_siphash(map->hash_key, key), key);
    if (entry->key == NULL)
        return false;
    release(map, entry);
    map->count--;
    close_hole(map, (size_t)(entry - map->entries));
    return true;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

bool map_next(const struct map *map, size_t *position, struct slice *key, void **value)
{
    for (; *position < map->capacity; (*position)++) {
        const struct entry *entry = &map->entries[*position];
        if (entry->key == NULL)
            continue;
        *key = slice_of(entry->key, entry->key_size);
        *value = entry->value;
        (*position)++;
        return true;
    }
    return false;
}
