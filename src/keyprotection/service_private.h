/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the Key Protection Service (service.h) share: service.c keeps its state,
 * service_roll.c releases keys, service_metadata.c signs the metadata document. */

#include "base/cache.h"
#include "keyprotection/service.h"
#include "keyprotection/snapshot.h"
#include "protector/verification_cache.h"

#include <pthread.h>

#define KEYPROTECTION_REPLY_MAX (2 * 1024 * 1024)

struct keyprotection_service {
    struct keyprotection_options options;
    struct cache *certificates;
    struct verification_cache *verifications;
    struct usage *usage;  /* NULL: nobody counts */
    pthread_mutex_t lock; /* of the pointer, for as long as it takes to count a reference */
    struct keyprotection_snapshot *current;
};

/* The snapshot of now, which the caller releases. */
struct keyprotection_snapshot *keyprotection_service_acquire(struct keyprotection_service *service);
/* Replies with the error's document and status. */
void keyprotection_service_reply_error(keyprotection_reply *reply, void *context,
                                       const struct error *err);
/* keyprotection.busy. */
void keyprotection_service_busy(struct error *err);
