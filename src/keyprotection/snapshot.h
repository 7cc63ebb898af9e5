/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a release is decided by, in memory: guardian certificates, attestation signers, limits. A
 * snapshot is immutable once it is published; a release keeps the one it began with. The next one
 * is made from the last and the store's changes, without reading the store, so that a distrusted
 * signer is gone even while the store is away. Only the signed metadata document is added later,
 * when it is first asked for.
 *
 * A record that cannot be read counts as absent and is remembered as a problem; an unreadable
 * "deny before, for all" denies everything.
 */

#include "keyprotection/certificate.h"
#include "keyprotection/health.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

/* The setting's key in STORE_SETTING: {"max_offline_unwraps": 0}. */
#define KEYPROTECTION_SETTING "keyprotection"
/* The key in STORE_TRUSTED_SIGNER of what holds for every signer: {"deny_before": …}. */
#define KEYPROTECTION_ALL_SIGNERS "all"

struct snapshot_certificate {
    char *record_key;
    struct keyprotection_certificate it;
};

struct snapshot_signer_name {
    enum store_kind kind;
    char *record_key;
};

struct keyprotection_snapshot {
    atomic_uint references;
    struct snapshot_certificate *certificates;
    size_t certificate_count;
    struct health_signer *signers;
    struct snapshot_signer_name *signer_names; /* of the signers, in the same order */
    size_t signer_count;
    int64_t deny_all_before;
    uint32_t max_offline_unwraps;
    struct error problem; /* of a record that could not be read; code NULL: none */
    pthread_mutex_t metadata_lock;
    struct buf metadata; /* empty until it was asked for */
};

/* Whether a change of this record concerns key protection. */
bool keyprotection_snapshot_concerns(enum store_kind kind, const char *key);
/* From all that the store holds. */
bool keyprotection_snapshot_load(struct keyprotection_snapshot **out, struct store *store,
                                 struct error *err);
/* A new one: what `from` says, changed by count changes in their order; with the signed metadata
 * document unless certificates changed. */
struct keyprotection_snapshot *keyprotection_snapshot_next(struct keyprotection_snapshot *from,
                                                           const struct store_change *changes,
                                                           size_t count);
struct keyprotection_snapshot *keyprotection_snapshot_ref(struct keyprotection_snapshot *snapshot);
void keyprotection_snapshot_release(struct keyprotection_snapshot **snapshot);
#define _cleanup_keyprotection_snapshot_ __attribute__((cleanup(keyprotection_snapshot_release)))

/* The enabled primary certificate of a type; NULL when there is none. */
const struct keyprotection_certificate *keyprotection_snapshot_primary(
    const struct keyprotection_snapshot *snapshot, enum keyprotection_certificate_type type);
/* The index-th enabled certificate of a type, the primary one first; NULL at the end. */
const struct keyprotection_certificate *keyprotection_snapshot_certificate(
    const struct keyprotection_snapshot *snapshot, enum keyprotection_certificate_type type,
    size_t index);
