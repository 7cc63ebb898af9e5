/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "store/backend.h"
#include "store/errors.h"
#include "store/key.h"

struct store {
    const struct store_backend *backend;
    void *state;
};

struct store_watch {
    const struct store_backend *backend;
    void *watch;
};

struct store *store_new(const struct store_backend *backend, void *state)
{
    struct store *store = memory_allocate_zero(1, sizeof *store);
    store->backend = backend;
    store->state = state;
    return store;
}

void store_close(struct store **store)
{
    if (store == NULL || *store == NULL)
        return;
    (*store)->backend->close((*store)->state);
    free(*store);
    *store = NULL;
}

bool store_check_expected(const struct store_change *change, int64_t present, struct error *err)
{
    if (change->expected == STORE_ANY || change->expected == present)
        return true;
    if (present == STORE_ABSENT)
        return error_set(err, &store_conflict, NULL, change->key,
                         "is not there (any more); revision %" PRId64 " was expected",
                         change->expected);
    if (change->expected == STORE_ABSENT)
        return error_set(err, &store_conflict, NULL, change->key,
                         "exists already, since revision %" PRId64, present);
    return error_set(err, &store_conflict, NULL, change->key,
                     "was changed in the meantime: it is at revision %" PRId64 ", not %" PRId64,
                     present, change->expected);
}

static bool check_kind(enum store_kind kind, struct error *err)
{
    if ((int)kind >= 1 && (int)kind <= STORE_KIND_MAX)
        return true;
    return error_set(err, &store_limit, NULL, "record", "kind %d is not in 1 to %d", (int)kind,
                     STORE_KIND_MAX);
}

static bool check_change(const struct store_change *change, struct error *err)
{
    if (!check_kind(change->kind, err) || !store_key_check(change->key, err))
        return false;
    if (!change->remove && change->value.size > STORE_VALUE_MAX)
        return error_set(err, &store_limit, NULL, change->key, "its %zu bytes are more than %d",
                         change->value.size, STORE_VALUE_MAX);
    assert(change->expected >= STORE_ANY);
    return true;
}

static int compare_changes(const void *left, const void *right)
{
    const struct store_change *a = *(const struct store_change *const *)left;
    const struct store_change *b = *(const struct store_change *const *)right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return strcmp(a->key, b->key);
}

/* What the second change of a record in one transaction would mean differs between backends (etcd
 * refuses it), so none gets to see one. */
static bool check_distinct(const struct store_change *changes, size_t count, struct error *err)
{
    const struct store_change *sorted[STORE_CHANGES_MAX] = {NULL};
    for (size_t i = 0; i < count; i++)
        sorted[i] = &changes[i];
    qsort(sorted, count, sizeof sorted[0], compare_changes);
    for (size_t i = 1; i < count; i++)
        if (compare_changes(&sorted[i - 1], &sorted[i]) == 0)
            return error_set(err, &store_key_invalid, NULL, sorted[i]->key,
                             "stands twice in one commit");
    return true;
}

static bool check_commit(const struct store_change *changes, size_t count, struct error *err)
{
    if (count == 0 || count > STORE_CHANGES_MAX)
        return error_set(err, &store_limit, NULL, "commit", "%zu changes; 1 to %d are taken", count,
                         STORE_CHANGES_MAX);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!check_change(&changes[i], err))
            return false;
        size += changes[i].remove ? 0 : changes[i].value.size;
    }
    if (size > STORE_COMMIT_MAX)
        return error_set(err, &store_limit, NULL, "commit",
                         "values of %zu bytes together; at most %d are taken", size,
                         STORE_COMMIT_MAX);
    return check_distinct(changes, count, err);
}

bool store_get(struct store *store, enum store_kind kind, const char *key, struct buf *value,
               int64_t *revision, struct error *err)
{
    if (!check_kind(kind, err) || !store_key_check(key, err))
        return false;
    return store->backend->get(store->state, kind, key, value, revision, err);
}

/* A callback that stops without an error is content; one that stops with an error fails the list.
 * The error goes to a place of our own, because the caller's may be NULL or hold an old one. */
struct listing {
    store_each *each;
    void *context;
    struct error failure;
};

static bool list_one(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    struct listing *listing = context;
    return listing->each(listing->context, record, &listing->failure);
}

bool store_list(struct store *store, enum store_kind kind, const char *after, size_t limit,
                store_each *each, void *context, int64_t *revision, struct error *err)
{
    if (!check_kind(kind, err) || (after != NULL && !store_key_check(after, err)))
        return false;
    struct listing listing = {.each = each, .context = context};
    int64_t at = 0;
    if (!store->backend->list(store->state, kind, after != NULL ? after : "", limit, list_one,
                              &listing, &at, err))
        return false;
    if (listing.failure.code != NULL) {
        if (err != NULL)
            *err = listing.failure;
        return false;
    }
    if (revision != NULL)
        *revision = at;
    return true;
}

bool store_count(struct store *store, enum store_kind kind, int64_t *count, struct error *err)
{
    return check_kind(kind, err) && store->backend->count(store->state, kind, count, err);
}

bool store_commit(struct store *store, const struct store_change *changes, size_t count,
                  int64_t *revision, struct error *err)
{
    int64_t at = 0;
    if (!check_commit(changes, count, err) ||
        !store->backend->commit(store->state, changes, count, &at, err))
        return false;
    if (revision != NULL)
        *revision = at;
    return true;
}

bool store_revision(struct store *store, int64_t *revision, struct error *err)
{
    return store->backend->revision(store->state, revision, err);
}

bool store_watch_start(struct store_watch **out, struct store *store, int64_t since,
                       store_changed *changed, void *context, struct error *err)
{
    assert(since >= 0);
    void *watch = NULL;
    if (!store->backend->watch_start(&watch, store->state, since, changed, context, err))
        return false;
    *out = memory_allocate_zero(1, sizeof **out);
    (*out)->backend = store->backend;
    (*out)->watch = watch;
    return true;
}

void store_watch_stop(struct store_watch **watch)
{
    if (watch == NULL || *watch == NULL)
        return;
    (*watch)->backend->watch_stop((*watch)->watch);
    free(*watch);
    *watch = NULL;
}
