/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/sealing_key.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

/* How the epochs of a set differ from the present one. */
static const int offsets[ATTESTATION_SEALING_KEYS] = {0, -1, 1};

struct attestation_sealing_keys {
    struct keyholder *keyholder;
    pthread_mutex_t lock; /* over what follows; also held while they are fetched, which only the
                           * first request of an epoch waits for */
    bool fetched;
    int64_t epoch;
    struct attestation_sealing_set set;
};

struct attestation_sealing_keys *attestation_sealing_keys_new(struct keyholder *keyholder)
{
    struct attestation_sealing_keys *keys = memory_allocate_zero(1, sizeof *keys);
    keys->keyholder = keyholder;
    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

void attestation_sealing_set_done(struct attestation_sealing_set *set)
{
    for (size_t i = 0; i < ATTESTATION_SEALING_KEYS; i++)
        secret_done(&set->keys[i]);
}

void attestation_sealing_keys_free(struct attestation_sealing_keys **keys)
{
    struct attestation_sealing_keys *gone = memory_steal(keys);
    if (gone == NULL)
        return;
    attestation_sealing_set_done(&gone->set);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}

/* With the lock held. */
static bool fetch(struct attestation_sealing_keys *keys, int64_t epoch, struct error *err)
{
    struct attestation_sealing_set set = {0};
    for (size_t i = 0; i < ATTESTATION_SEALING_KEYS; i++) {
        if (keyholder_derive(keys->keyholder, KEYHOLDER_LABEL_RTPM, (uint64_t)(epoch + offsets[i]),
                             &set.keys[i], err))
            continue;
        attestation_sealing_set_done(&set);
        return false;
    }
    attestation_sealing_set_done(&keys->set);
    keys->set = set;
    keys->epoch = epoch;
    keys->fetched = true;
    return true;
}

bool attestation_sealing_keys_get(struct attestation_sealing_set *out,
                                  struct attestation_sealing_keys *keys, int64_t now,
                                  struct error *err)
{
    int64_t epoch = now / ATTESTATION_SEALING_EPOCH_SECONDS;
    pthread_mutex_lock(&keys->lock);
    bool good = (keys->fetched && keys->epoch == epoch) || fetch(keys, epoch, err);
    for (size_t i = 0; good && i < ATTESTATION_SEALING_KEYS; i++) {
        out->keys[i] = SECRET_EMPTY;
        secret_copy(&out->keys[i], secret_slice(&keys->set.keys[i]));
    }
    pthread_mutex_unlock(&keys->lock);
    return good;
}
