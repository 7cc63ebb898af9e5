/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/log_names.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/memory.h"
#include "crypto/aead.h"
#include "crypto/random.h"

/* Immutable, counted by references. */
struct entry {
    atomic_uint references;
    uint8_t mark[ATTESTATION_LOG_MARK_SIZE];
    uint8_t digest[DIGEST_SHA256_SIZE];
};

struct attestation_log_names {
    struct cache *entries;
    struct secret key;
};

static struct slice bytes_of(const void *object)
{
    const struct entry *entry = object;
    return slice_of(entry->mark, sizeof entry->mark);
}

static void hold(void *object)
{
    struct entry *entry = object;
    atomic_fetch_add(&entry->references, 1);
}

static void release(void *object)
{
    struct entry *entry = object;
    if (atomic_fetch_sub(&entry->references, 1) == 1)
        free(entry);
}

struct attestation_log_names *attestation_log_names_new(size_t entries)
{
    static const struct cache_kind kind = {bytes_of, hold, release};
    struct attestation_log_names *names = memory_allocate_zero(1, sizeof *names);
    names->entries = cache_new(entries, &kind);
    secret_init(&names->key, AEAD_KEY_SIZE);
    random_bytes(names->key.data, AEAD_KEY_SIZE);
    return names;
}

void attestation_log_names_free(struct attestation_log_names **names)
{
    struct attestation_log_names *gone = memory_steal(names);
    if (gone == NULL)
        return;
    cache_free(&gone->entries);
    secret_done(&gone->key);
    free(gone);
}

/* GCM of nothing is GMAC. The same nonce for every log leaves its part of the tag, E(K, nonce), the
 * same: what is compared is GHASH, whose key nobody knows as long as no tag is shown. */
static void make_mark(uint8_t mark[ATTESTATION_LOG_MARK_SIZE],
                      const struct attestation_log_names *names, struct slice log)
{
    static const uint8_t nonce[AEAD_NONCE_SIZE] = {0};
    uint64_t size = log.size;
    _Static_assert(AEAD_TAG_SIZE + sizeof size == ATTESTATION_LOG_MARK_SIZE, "tag and size");
    aead_encrypt(NULL, mark, secret_slice(&names->key), nonce, log, (struct slice){0});
    memcpy(mark + AEAD_TAG_SIZE, &size, sizeof size);
}

void attestation_log_names_find(struct attestation_log_name *name,
                                struct attestation_log_names *names, struct slice log)
{
    *name = (struct attestation_log_name){0};
    struct entry *entry = NULL;
    if (names != NULL) {
        make_mark(name->mark, names, log);
        entry = cache_find(names->entries, slice_of(name->mark, sizeof name->mark));
    }
    name->remembered = entry != NULL;
    if (entry == NULL) {
        digest_sha256(name->digest, log);
        return;
    }
    memcpy(name->digest, entry->digest, sizeof name->digest);
    release(entry);
}

void attestation_log_names_keep(struct attestation_log_names *names,
                                const struct attestation_log_name *name)
{
    if (names == NULL || name->remembered)
        return;
    struct entry *entry = memory_allocate_zero(1, sizeof *entry);
    atomic_init(&entry->references, 1);
    memcpy(entry->mark, name->mark, sizeof entry->mark);
    memcpy(entry->digest, name->digest, sizeof entry->digest);
    release(cache_keep(names->entries, entry));
}
