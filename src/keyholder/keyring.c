/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/memory.h"
#include "crypto/certificate_request.h"
#include "keyholder/errors.h"
#include "keyholder/purpose.h"

struct entry {
    atomic_uint references;
    uint8_t id[KEY_ID_SIZE];
    enum key_purpose purpose;
    const struct key_operations *operations;
    void *key;
};

struct keyring {
    pthread_rwlock_t lock; /* entries and count; entries themselves never change */
    size_t count;
    struct entry *entries[KEYRING_KEYS_MAX];
};

static void entry_release(struct entry **entry)
{
    if (*entry == NULL || atomic_fetch_sub(&(*entry)->references, 1) > 1)
        return;
    (*entry)->operations->done((*entry)->key);
    free(*entry);
}
#define _cleanup_entry_ __attribute__((cleanup(entry_release)))

struct keyring *keyring_new(void)
{
    struct keyring *keyring = memory_allocate_zero(1, sizeof *keyring);
    pthread_rwlock_init(&keyring->lock, NULL);
    return keyring;
}

void keyring_free(struct keyring **keyring)
{
    if (*keyring == NULL)
        return;
    for (size_t i = 0; i < (*keyring)->count; i++)
        entry_release(&(*keyring)->entries[i]);
    pthread_rwlock_destroy(&(*keyring)->lock);
    free(*keyring);
    *keyring = NULL;
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
    return a->purpose == b->purpose && memcmp(a->id, b->id, KEY_ID_SIZE) == 0;
}

/* Under the write lock. *taken: the entry is the keyring's now. */
static bool insert(struct keyring *keyring, struct entry *entry, bool *taken, struct error *err)
{
    for (size_t i = 0; i < keyring->count; i++)
        if (same_entry(keyring->entries[i], entry))
            return true;
    if (keyring->count == KEYRING_KEYS_MAX)
        return error_set(err, &keyholder_limit, NULL, NULL, "%d keys are loaded", KEYRING_KEYS_MAX);
    keyring->entries[keyring->count++] = entry;
    *taken = true;
    return true;
}

bool keyring_add(struct keyring *keyring, enum key_purpose purpose,
                 const struct public_key *public_key, const struct key_operations *operations,
                 void *key, struct error *err)
{
    _cleanup_entry_ struct entry *entry = memory_allocate_zero(1, sizeof *entry);
    atomic_init(&entry->references, 1);
    memcpy(entry->id, public_key_digest(public_key), KEY_ID_SIZE);
    entry->purpose = purpose;
    entry->operations = operations;
    entry->key = key;

    bool taken = false;
    pthread_rwlock_wrlock(&keyring->lock);
    bool ok = insert(keyring, entry, &taken, err);
    pthread_rwlock_unlock(&keyring->lock);
    if (taken)
        entry = NULL;
    return ok;
}

static bool unknown(const uint8_t key_id[KEY_ID_SIZE], struct error *err)
{
    char name[2 * KEY_ID_SIZE + 1];
    return error_set(err, &keyholder_key_unknown, NULL,
                     hex_format(slice_of(key_id, KEY_ID_SIZE), name), "the key is not loaded");
}

bool keyring_forget(struct keyring *keyring, const uint8_t key_id[KEY_ID_SIZE], struct error *err)
{
    struct entry *removed[KEYRING_KEYS_MAX];
    size_t removed_count = 0;
    pthread_rwlock_wrlock(&keyring->lock);
    for (size_t i = 0; i < keyring->count;) {
        if (memcmp(keyring->entries[i]->id, key_id, KEY_ID_SIZE) != 0) {
            i++;
            continue;
        }
        removed[removed_count++] = keyring->entries[i];
        keyring->entries[i] = keyring->entries[--keyring->count];
    }
    pthread_rwlock_unlock(&keyring->lock);
    for (size_t i = 0; i < removed_count; i++)
        entry_release(&removed[i]);
    return removed_count > 0 || unknown(key_id, err);
}

/* What is wanted of a key; exactly one of them. */
struct wish {
    enum signature_algorithm signature;
    enum encryption_algorithm encryption;
    bool checkpoint;
    bool request;
};

static bool grants(enum key_purpose purpose, struct wish wish)
{
    if (wish.checkpoint)
        return purpose_allows_checkpoint(purpose);
    if (wish.request)
        return purpose_allows_request(purpose);
    if (wish.signature != 0)
        return purpose_allows_signature(purpose, wish.signature);
    return purpose_allows_decryption(purpose, wish.encryption);
}

/* Under the read lock: an entry that grants the wish, or else one of another purpose, or NULL. */
static struct entry *search(struct keyring *keyring, const uint8_t key_id[KEY_ID_SIZE],
                            struct wish wish, bool *granted)
{
    struct entry *other = NULL;
    *granted = false;
    for (size_t i = 0; i < keyring->count && !*granted; i++) {
        if (memcmp(keyring->entries[i]->id, key_id, KEY_ID_SIZE) != 0)
            continue;
        other = keyring->entries[i];
        *granted = grants(other->purpose, wish);
    }
    return other;
}

/* A reference to the key, when it may do what is wished. */
static bool take(struct entry **out, struct keyring *keyring, const uint8_t key_id[KEY_ID_SIZE],
                 struct wish wish, struct error *err)
{
    bool granted;
    pthread_rwlock_rdlock(&keyring->lock);
    struct entry *entry = search(keyring, key_id, wish, &granted);
    enum key_purpose purpose = entry != NULL ? entry->purpose : 0;
    if (granted)
        atomic_fetch_add(&entry->references, 1);
    pthread_rwlock_unlock(&keyring->lock);

    if (granted) {
        *out = entry;
        return true;
    }
    if (purpose == 0)
        return unknown(key_id, err);
    char name[2 * KEY_ID_SIZE + 1];
    return error_set(err, &keyholder_purpose, NULL, hex_format(slice_of(key_id, KEY_ID_SIZE), name),
                     "a key for %s may not do %s", purpose_name(purpose),
                     wish.checkpoint       ? "an audit checkpoint"
                     : wish.request        ? "certificate requests"
                     : wish.signature != 0 ? "this kind of signature"
                                           : "decryption");
}

bool keyring_sign(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                  enum signature_algorithm algorithm, struct slice digest, struct buf *out,
                  struct error *err)
{
    _cleanup_entry_ struct entry *entry = NULL;
    if (!take(&entry, keyring, key_id, (struct wish){.signature = algorithm}, err))
        return false;
    return entry->operations->sign(entry->key, worker, algorithm, digest, out, err);
}

bool keyring_decrypt(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                     enum encryption_algorithm algorithm, struct slice ciphertext,
                     struct secret *out, struct error *err)
{
    _cleanup_entry_ struct entry *entry = NULL;
    if (!take(&entry, keyring, key_id, (struct wish){.encryption = algorithm}, err))
        return false;
    return entry->operations->decrypt(entry->key, worker, algorithm, ciphertext, out, err);
}

bool keyring_roll(struct keyring *keyring, unsigned worker, const struct keyring_roll *roll,
                  struct secret *plaintext, bool *opened, struct buf *signature, struct error *err)
{
    struct error cause = {0};
    *opened = keyring_decrypt(keyring, worker, roll->decrypting_key_id, roll->encryption,
                              roll->ciphertext, plaintext, &cause);
    if (!*opened && error_kind(&cause) != ERROR_CRYPTO) {
        *err = cause;
        return false;
    }
    return keyring_sign(keyring, worker, roll->signing_key_id, roll->signature, roll->digest,
                        signature, err);
}

bool keyring_request(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                     struct slice info, struct buf *out, struct error *err)
{
    uint8_t digest[DIGEST_SHA256_SIZE];
    _cleanup_entry_ struct entry *entry = NULL;
    if (!certificate_request_check(info, key_id, err) ||
        !take(&entry, keyring, key_id, (struct wish){.request = true}, err))
        return false;
    digest_sha256(digest, info);
    return entry->operations->sign(entry->key, worker, SIGNATURE_RSA_PKCS1_SHA256,
                                   slice_of(digest, sizeof digest), out, err);
}

bool keyring_checkpoint(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                        uint64_t sequence, const uint8_t head[32], int64_t time, struct buf *out,
                        struct error *err)
{
    _cleanup_entry_ struct entry *entry = NULL;
    if (!take(&entry, keyring, key_id, (struct wish){.checkpoint = true}, err))
        return false;
    _cleanup_buf_ struct buf message;
    buf_init(&message, 128);
    buf_append_text(&message, "HGS-AUDIT-CHECKPOINT-1");
    buf_append_u64_le(&message, sequence);
    buf_append_bytes(&message, head, 32);
    buf_append_u64_le(&message, (uint64_t)time);
    uint8_t digest[DIGEST_SHA256_SIZE];
    digest_sha256(digest, buf_slice(&message));
    return entry->operations->sign(entry->key, worker, SIGNATURE_ECDSA_SHA256,
                                   slice_of(digest, sizeof digest), out, err);
}
