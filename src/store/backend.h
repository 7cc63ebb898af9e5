/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a backend of the store does: one struct of functions, one file (or a few) a backend. store.c
 * has checked every argument against the contract's bounds before it calls one of these, so that
 * all backends refuse the same things with the same words.
 *
 * The contract asks of a backend: compare-and-swap on a record's revision, all changes of a commit
 * in one transaction, a revision of the whole, listing by pages at one revision, and watching from
 * a revision. etcd has them as txn with mod_revision compares, range at a revision, and watch with
 * start_revision.
 */

#include "store/store.h"

struct store_backend {
    const char *name;
    void (*close)(void *state);
    /* value and revision may be NULL. */
    bool (*get)(void *state, enum store_kind kind, const char *key, struct buf *value,
                int64_t *revision, struct error *err);
    /* after is never NULL ("" from the first). each returning false ends the list; that is no
     * failure here. */
    bool (*list)(void *state, enum store_kind kind, const char *after, size_t limit,
                 store_each *each, void *context, int64_t *revision, struct error *err);
    bool (*count)(void *state, enum store_kind kind, int64_t *count, struct error *err);
    bool (*commit)(void *state, const struct store_change *changes, size_t count, int64_t *revision,
                   struct error *err);
    bool (*revision)(void *state, int64_t *revision, struct error *err);
    bool (*watch_start)(void **watch, void *state, int64_t since, store_changed *changed,
                        void *context, struct error *err);
    void (*watch_stop)(void *watch);
};

/* A store over state, which store_close gives to the backend's close. */
struct store *store_new(const struct store_backend *backend, void *state);

/* Refuses a record whose revision (STORE_ABSENT: there is none) is not what change expects:
 * store.conflict, in the same words from every backend. */
bool store_check_expected(const struct store_change *change, int64_t present, struct error *err);
