/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A bounded cache of immutable objects that count their references, each found by bytes that it
 * holds itself (a certificate by its DER). What was not asked for the longest goes first. Threads
 * share it: it is in shards, each with a lock of its own that is held for a lookup only.
 */

#include "base/slice.h"

struct cache;

/* What the cache must know of its objects. */
struct cache_kind {
    struct slice (*bytes)(const void *object); /* by which it is found; they live as long as it */
    void (*hold)(void *object);                /* one more reference */
    void (*release)(void *object);             /* one less */
};

/* entries: at least 1. kind lives as long as the cache. */
struct cache *cache_new(size_t entries, const struct cache_kind *kind);
/* Objects that others hold live on. NULL is allowed. */
void cache_free(struct cache **cache);

/* A reference of the caller's own to the object with these bytes, or NULL. */
void *cache_find(struct cache *cache, struct slice bytes);
/*
 * Adds the object, unless one with its bytes is there already. Takes the caller's reference, and
 * returns one to whichever of the two the cache has now.
 */
void *cache_keep(struct cache *cache, void *object);
