/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A hash map from byte strings to pointers. Keys are hashed with SipHash-2-4 under a random key,
 * because they come from outside. Not thread-safe. Open addressing; grows by doubling; iteration in
 * no particular order.
 */

#include "base/slice.h"

struct map;

/* value_free (may be NULL) is called for each value that is replaced, removed, or left at map_free.
 */
struct map *map_new(void (*value_free)(void *value));
void map_free(struct map *map);
/* Copies the key; takes the value. Replaces (and frees) a value under the same key. */
void map_put(struct map *map, struct slice key, void *value);
/* Borrowed; NULL when there is none. */
void *map_get(const struct map *map, struct slice key);
/* Removes and frees the value; false when there was none. */
bool map_remove(struct map *map, struct slice key);
size_t map_count(const struct map *map);
/* *position starts at 0; false at the end. The map must not change meanwhile. */
bool map_next(const struct map *map, size_t *position, struct slice *key, void **value);

/* The hash itself, for tables of another shape. key: of map_hash_key, which makes a random one. */
void map_hash_key(uint8_t key[16]);
uint64_t map_siphash(const uint8_t key[16], struct slice bytes);
