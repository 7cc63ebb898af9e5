/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/places.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

struct entry {
    uint8_t id[KEY_ID_SIZE];
    unsigned place;
    struct error trouble; /* code NULL: none */
};

/* A handful: an HSM's keys are counted. */
struct places {
    pthread_rwlock_t lock;
    struct entry *entries;
    atomic_size_t count;
};

struct places *places_new(void)
{
    struct places *places = memory_allocate_zero(1, sizeof *places);
    pthread_rwlock_init(&places->lock, NULL);
    return places;
}

void places_free(struct places **places)
{
    if (*places == NULL)
        return;
    pthread_rwlock_destroy(&(*places)->lock);
    free((*places)->entries);
    free(*places);
    *places = NULL;
}

/* Under the lock. */
static struct entry *search(const struct places *places, const uint8_t key_id[KEY_ID_SIZE])
{
    size_t count = atomic_load((atomic_size_t *)&places->count);
    for (size_t i = 0; i < count; i++)
        if (memcmp(places->entries[i].id, key_id, KEY_ID_SIZE) == 0)
            return &places->entries[i];
    return NULL;
}

void places_put(struct places *places, const uint8_t key_id[KEY_ID_SIZE], unsigned place,
                const struct error *trouble)
{
    pthread_rwlock_wrlock(&places->lock);
    struct entry *entry = search(places, key_id);
    if (entry == NULL) {
        size_t count = atomic_load(&places->count);
        places->entries = memory_resize(places->entries, count + 1, sizeof *places->entries);
        entry = &places->entries[count];
        memcpy(entry->id, key_id, KEY_ID_SIZE);
        atomic_store(&places->count, count + 1);
    }
    entry->place = place;
    entry->trouble = trouble != NULL ? *trouble : (struct error){0};
    pthread_rwlock_unlock(&places->lock);
}

void places_remove(struct places *places, const uint8_t key_id[KEY_ID_SIZE])
{
    pthread_rwlock_wrlock(&places->lock);
    struct entry *entry = search(places, key_id);
    if (entry != NULL) {
        size_t last = atomic_load(&places->count) - 1;
        *entry = places->entries[last];
        atomic_store(&places->count, last);
    }
    pthread_rwlock_unlock(&places->lock);
}

void places_trouble(struct places *places, unsigned place, const struct error *trouble)
{
    pthread_rwlock_wrlock(&places->lock);
    size_t count = atomic_load(&places->count);
    for (size_t i = 0; i < count; i++)
        if (places->entries[i].place == place)
            places->entries[i].trouble = *trouble;
    pthread_rwlock_unlock(&places->lock);
}

bool places_find(struct places *places, const uint8_t key_id[KEY_ID_SIZE], unsigned *place,
                 struct error *err)
{
    *place = 0;
    if (atomic_load_explicit(&places->count, memory_order_acquire) == 0)
        return true;
    pthread_rwlock_rdlock(&places->lock);
    const struct entry *entry = search(places, key_id);
    bool ready = entry == NULL || entry->trouble.code == NULL;
    if (entry != NULL)
        *place = entry->place;
    if (!ready && err != NULL)
        *err = entry->trouble;
    pthread_rwlock_unlock(&places->lock);
    return ready;
}
