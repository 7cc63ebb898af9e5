/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The store's contract (src/store/store.h), held against every backend. A further backend is one
 * more row in `backends`.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../folder.h"
#include "base/memory.h"
#include "store/errors.h"
#include "store/store.h"

struct backend {
    const char *name;
    bool (*open)(struct store **out, const char *folder, struct error *err);
};

static inline bool open_sqlite(struct store **out, const char *folder, struct error *err)
{
    _cleanup_free_ char *path = memory_format("%s/hgs.db", folder);
    return store_open_sqlite(out, path, err);
}

static const struct backend backends[] = {
    {"sqlite", open_sqlite},
};

struct fixture {
    const struct backend *backend;
    char folder[FOLDER_SIZE];
    struct store *store;
};

static inline struct store *open_store(const struct fixture *fixture)
{
    struct error err = {0};
    struct store *store = NULL;
    if (!fixture->backend->open(&store, fixture->folder, &err))
        fail_msg("%s: %s", fixture->backend->name, err.message);
    return store;
}

static inline int set_up(void **state)
{
    struct fixture *fixture = memory_allocate_zero(1, sizeof *fixture);
    fixture->backend = *state;
    folder_make(fixture->folder);
    fixture->store = open_store(fixture);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_close(&fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static inline struct store_change put(enum store_kind kind, const char *key, const char *value,
                                      int64_t expected)
{
    return (struct store_change){
        .kind = kind, .key = key, .value = slice_from_text(value), .expected = expected};
}

static inline struct store_change removal(enum store_kind kind, const char *key, int64_t expected)
{
    return (struct store_change){.kind = kind, .key = key, .remove = true, .expected = expected};
}

static inline int64_t commit_one(struct store *store, struct store_change change)
{
    struct error err = {0};
    int64_t revision = 0;
    if (!store_commit(store, &change, 1, &revision, &err))
        fail_msg("%s: %s", err.object, err.message);
    return revision;
}

static inline void assert_commit_refused(struct store *store, const struct store_change *changes,
                                         size_t count, const struct error_code *code,
                                         const char *object)
{
    struct error err = {0};
    int64_t before = 0, after = 0, untouched = -7;
    assert_true(store_revision(store, &before, &err));
    assert_false(store_commit(store, changes, count, &untouched, &err));
    assert_ptr_equal(err.code, code);
    if (object != NULL)
        assert_string_equal(err.object, object);
    assert_int_equal(untouched, -7);
    assert_true(store_revision(store, &after, &err));
    assert_int_equal(before, after);
}

static inline void assert_value(struct store *store, enum store_kind kind, const char *key,
                                const char *expected, int64_t expected_revision)
{
    struct error err = {0};
    struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    int64_t revision = 0;
    if (!store_get(store, kind, key, &value, &revision, &err))
        fail_msg("%s: %s", err.object, err.message);
    assert_string_equal(buf_text(&value), expected);
    assert_int_equal(revision, expected_revision);
    buf_done(&value);
}

static inline void assert_absent(struct store *store, enum store_kind kind, const char *key)
{
    struct error err = {0};
    struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    assert_false(store_get(store, kind, key, &value, NULL, &err));
    assert_ptr_equal(err.code, &store_not_found);
    assert_string_equal(err.object, key);
    assert_int_equal(value.size, 0);
}

static inline int64_t count_of(struct store *store, enum store_kind kind)
{
    struct error err = {0};
    int64_t count = -1;
    assert_true(store_count(store, kind, &count, &err));
    return count;
}

#define CONTRACT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* The program that runs these tests for each backend. */
#define CONTRACT_MAIN(...)                                                              \
    int main(void)                                                                      \
    {                                                                                   \
        struct CMUnitTest tests[] = {__VA_ARGS__};                                      \
        int failed = 0;                                                                 \
        for (size_t b = 0; b < sizeof backends / sizeof backends[0]; b++) {             \
            for (size_t t = 0; t < sizeof tests / sizeof tests[0]; t++)                 \
                tests[t].initial_state = (void *)&backends[b];                          \
            failed += cmocka_run_group_tests_name(backends[b].name, tests, NULL, NULL); \
        }                                                                               \
        return failed;                                                                  \
    }
