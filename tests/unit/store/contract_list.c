/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of lists: their order, their limits, and one state in each while commits go on. */

#include "contract.h"

/* Collects the keys of a list as "a=value@revision ". */
struct listing {
    struct buf text;
    size_t stop_after; /* 0: never */
    size_t seen;
    bool fail;
};

static bool collect(void *context, const struct store_record *record, struct error *err)
{
    struct listing *listing = context;
    if (listing->fail)
        return error_set(err, &store_conflict, NULL, record->key, "as asked");
    buf_append_format(&listing->text, "%d:%s=%.*s ", (int)record->kind, record->key,
                      (int)record->value.size, (const char *)record->value.data);
    return ++listing->seen != listing->stop_after;
}

static void assert_list(struct store *store, const char *after, size_t limit, size_t stop_after,
                        const char *expected)
{
    struct listing listing = {.stop_after = stop_after};
    buf_init(&listing.text, 100000);
    /* An old error in err is no failure of this list. */
    struct error err = {.code = &store_conflict};
    int64_t revision = 0, newest = 0;
    assert_true(store_list(store, STORE_HOST, after, limit, collect, &listing, &revision, &err));
    assert_string_equal(buf_text(&listing.text), expected);
    assert_true(store_revision(store, &newest, NULL));
    assert_int_equal(revision, newest);
    buf_done(&listing.text);
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    assert_list(f->store, NULL, 0, 0, "");
    const struct store_change changes[] = {
        put(STORE_HOST, "b", "2", STORE_ANY),  put(STORE_HOST, "a", "1", STORE_ANY),
        put(STORE_GROUP, "c", "9", STORE_ANY), put(STORE_HOST, "B", "0", STORE_ANY),
        put(STORE_HOST, "é", "3", STORE_ANY),
    };
    assert_true(store_commit(f->store, changes, 5, NULL, NULL));
    assert_list(f->store, NULL, 0, 0, "3:B=0 3:a=1 3:b=2 3:é=3 ");
    assert_list(f->store, NULL, 2, 0, "3:B=0 3:a=1 ");
    assert_list(f->store, "a", 0, 0, "3:b=2 3:é=3 ");
    assert_list(f->store, "aa", 1, 0, "3:b=2 ");
    assert_list(f->store, "é", 0, 0, "");
    assert_list(f->store, NULL, 0, 3, "3:B=0 3:a=1 3:b=2 ");
    struct listing failing = {.fail = true};
    struct error err = {0};
    int64_t revision = -7;
    assert_false(store_list(f->store, STORE_HOST, NULL, 0, collect, &failing, &revision, &err));
    assert_ptr_equal(err.code, &store_conflict);
    assert_string_equal(err.object, "B");
    assert_int_equal(revision, -7);
}

/* A list holds a state while commits go on, from within its callback and without waiting. */
struct slow_list {
    struct store *store;
    int seen;
};

static bool commit_meanwhile(void *context, const struct store_record *record, struct error *err)
{
    struct slow_list *slow = context;
    slow->seen++;
    char key[32];
    snprintf(key, sizeof key, "z%d", slow->seen);
    struct store_change changes[] = {put(STORE_HOST, key, "new", STORE_ABSENT),
                                     removal(STORE_HOST, "c", STORE_ANY)};
    assert_true(slice_equals_text(record->value, "1"));
    return store_commit(slow->store, changes, 2, NULL, err);
}

static void test_reader_while_writer(void **state)
{
    struct fixture *f = *state;
    const struct store_change changes[] = {put(STORE_HOST, "a", "1", STORE_ANY),
                                           put(STORE_HOST, "b", "1", STORE_ANY),
                                           put(STORE_HOST, "c", "1", STORE_ANY)};
    int64_t first = 0, at = 0;
    assert_true(store_commit(f->store, changes, 3, &first, NULL));
    struct slow_list slow = {.store = f->store};
    struct error err = {0};
    assert_true(store_list(f->store, STORE_HOST, NULL, 0, commit_meanwhile, &slow, &at, &err));
    assert_int_equal(slow.seen, 3); /* also "c", which is gone by now */
    assert_int_equal(at, first);
    assert_list(f->store, NULL, 0, 0, "3:a=1 3:b=1 3:z1=new 3:z2=new 3:z3=new ");
}

CONTRACT_MAIN(CONTRACT_TEST(test_list), CONTRACT_TEST(test_reader_while_writer))
