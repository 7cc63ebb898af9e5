/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store's contract (src/store/store.h), held against every backend. A further backend is one
 * more row in `backends`.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/errors.h"
#include "store/store.h"

struct backend {
    const char *name;
    bool (*open)(struct store **out, const char *folder, struct error *err);
};

static bool open_sqlite(struct store **out, const char *folder, struct error *err)
{
    _cleanup_free_ char *path = memory_format("%s/hgs.db", folder);
    return store_open_sqlite(out, path, err);
}

static const struct backend backends[] = {
    {"sqlite", open_sqlite},
};

struct fixture {
    const struct backend *backend;
    char folder[64];
    struct store *store;
};

static struct store *open_store(const struct fixture *fixture)
{
    struct error err = {0};
    struct store *store = NULL;
    if (!fixture->backend->open(&store, fixture->folder, &err))
        fail_msg("%s: %s", fixture->backend->name, err.message);
    return store;
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_allocate_zero(1, sizeof *fixture);
    fixture->backend = *state;
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/hgs-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->store = open_store(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_close(&fixture->store);
    _cleanup_free_ char *command = memory_format("rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static struct store_change put(enum store_kind kind, const char *key, const char *value,
                               int64_t expected)
{
    return (struct store_change){
        .kind = kind, .key = key, .value = slice_from_text(value), .expected = expected};
}

static struct store_change removal(enum store_kind kind, const char *key, int64_t expected)
{
    return (struct store_change){.kind = kind, .key = key, .remove = true, .expected = expected};
}

static int64_t commit_one(struct store *store, struct store_change change)
{
    struct error err = {0};
    int64_t revision = 0;
    if (!store_commit(store, &change, 1, &revision, &err))
        fail_msg("%s: %s", err.object, err.message);
    return revision;
}

static void assert_refused(struct store *store, const struct store_change *changes, size_t count,
                           const struct error_code *code, const char *object)
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

static void assert_value(struct store *store, enum store_kind kind, const char *key,
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

static void assert_absent(struct store *store, enum store_kind kind, const char *key)
{
    struct error err = {0};
    struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    assert_false(store_get(store, kind, key, &value, NULL, &err));
    assert_ptr_equal(err.code, &store_not_found);
    assert_string_equal(err.object, key);
    assert_int_equal(value.size, 0);
}

static int64_t count_of(struct store *store, enum store_kind kind)
{
    struct error err = {0};
    int64_t count = -1;
    assert_true(store_count(store, kind, &count, &err));
    return count;
}

static void test_get_and_commit(void **state)
{
    struct fixture *f = *state;
    assert_absent(f->store, STORE_HOST, "n1");
    int64_t first = commit_one(f->store, put(STORE_HOST, "n1", "one", STORE_ABSENT));
    assert_true(first > 0);
    assert_value(f->store, STORE_HOST, "n1", "one", first);
    assert_absent(f->store, STORE_GROUP, "n1"); /* another kind is another name space */
    int64_t second = commit_one(f->store, put(STORE_HOST, "n1", "two", first));
    assert_true(second > first);
    assert_value(f->store, STORE_HOST, "n1", "two", second);
    int64_t third = commit_one(f->store, put(STORE_HOST, "n1", "three", STORE_ANY));
    assert_value(f->store, STORE_HOST, "n1", "three", third);
    assert_true(store_get(f->store, STORE_HOST, "n1", NULL, NULL, NULL));
    commit_one(f->store, removal(STORE_HOST, "n1", third));
    assert_absent(f->store, STORE_HOST, "n1");
}

static void test_values_are_bytes(void **state)
{
    struct fixture *f = *state;
    static const uint8_t bytes[] = {0, 1, 0xff, 0, 0x80};
    struct store_change changes[2] = {put(STORE_KEY, "bytes", "", STORE_ABSENT),
                                      put(STORE_KEY, "empty", "", STORE_ABSENT)};
    changes[0].value = slice_of(bytes, sizeof bytes);
    changes[1].value = SLICE_EMPTY;
    assert_true(store_commit(f->store, changes, 2, NULL, NULL));
    struct buf value;
    buf_init(&value, 100);
    assert_true(store_get(f->store, STORE_KEY, "empty", &value, NULL, NULL));
    assert_int_equal(value.size, 0);
    assert_true(store_get(f->store, STORE_KEY, "bytes", &value, NULL, NULL));
    assert_true(slice_equal(buf_slice(&value), slice_of(bytes, sizeof bytes)));
    buf_done(&value);
}

static void test_conflicts_name_the_key(void **state)
{
    struct fixture *f = *state;
    int64_t first = commit_one(f->store, put(STORE_HOST, "n1", "one", STORE_ABSENT));
    struct store_change exists = put(STORE_HOST, "n1", "x", STORE_ABSENT);
    assert_refused(f->store, &exists, 1, &store_conflict, "n1");
    struct store_change older = put(STORE_HOST, "n1", "x", first + 1);
    assert_refused(f->store, &older, 1, &store_conflict, "n1");
    struct store_change gone = put(STORE_HOST, "n2", "x", first);
    assert_refused(f->store, &gone, 1, &store_conflict, "n2");
    struct store_change remove_gone = removal(STORE_HOST, "n2", first);
    assert_refused(f->store, &remove_gone, 1, &store_conflict, "n2");
    struct store_change remove_other = removal(STORE_HOST, "n1", first + 1);
    assert_refused(f->store, &remove_other, 1, &store_conflict, "n1");
    assert_value(f->store, STORE_HOST, "n1", "one", first);
}

static void test_failing_commit_changes_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t first = commit_one(f->store, put(STORE_HOST, "n1", "one", STORE_ABSENT));
    const struct store_change changes[] = {
        put(STORE_HOST, "n0", "new", STORE_ABSENT),
        removal(STORE_HOST, "n1", first),
        put(STORE_GROUP, "g", "new", STORE_ABSENT),
        put(STORE_HOST, "n3", "x", first), /* the first conflict: this one is named */
        put(STORE_HOST, "n4", "x", first),
    };
    assert_refused(f->store, changes, 5, &store_conflict, "n3");
    assert_absent(f->store, STORE_HOST, "n0");
    assert_absent(f->store, STORE_GROUP, "g");
    assert_value(f->store, STORE_HOST, "n1", "one", first);
    assert_int_equal(count_of(f->store, STORE_HOST), 1);
    assert_int_equal(count_of(f->store, STORE_GROUP), 0);
}

static void test_conditions_without_change(void **state)
{
    struct fixture *f = *state;
    int64_t first = commit_one(f->store, put(STORE_HOST, "n1", "one", STORE_ABSENT));
    /* Removing what is not there is no change, and takes no revision. */
    assert_int_equal(commit_one(f->store, removal(STORE_HOST, "n2", STORE_ANY)), first);
    /* With STORE_ABSENT it is a condition. */
    const struct store_change held[] = {removal(STORE_HOST, "n2", STORE_ABSENT),
                                        put(STORE_HOST, "n3", "three", STORE_ABSENT)};
    assert_true(store_commit(f->store, held, 2, NULL, NULL));
    const struct store_change broken[] = {put(STORE_HOST, "n4", "four", STORE_ABSENT),
                                          removal(STORE_HOST, "n1", STORE_ABSENT)};
    assert_refused(f->store, broken, 2, &store_conflict, "n1");
    assert_absent(f->store, STORE_HOST, "n4");
}

static void test_keys(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",
                                      "a\nb",
                                      "a\x7f",
                                      "\xc2\x85",         /* U+0085 */
                                      "\xe2\x80\xa8",     /* U+2028 */
                                      "\xe2\x80\xae",     /* U+202E */
                                      "\xc0\x80",         /* overlong NUL */
                                      "\xed\xa0\x80",     /* surrogate */
                                      "\xf4\x90\x80\x80", /* U+110000 */
                                      "a\xff",
                                      "a\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_change change = put(STORE_HOST, bad[i], "x", STORE_ANY);
        assert_refused(f->store, &change, 1, &store_key_invalid, NULL);
        struct error err = {0};
        assert_false(store_get(f->store, STORE_HOST, bad[i], NULL, NULL, &err));
        assert_ptr_equal(err.code, &store_key_invalid);
    }
    static const char *const good[] = {
        "a", "a b", "Größe", "\xe6\x97\xa5", "\xf0\x9f\x94\x91", "signing/00ff"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_value(f->store, STORE_HOST, good[i], "x",
                     commit_one(f->store, put(STORE_HOST, good[i], "x", STORE_ABSENT)));
    const struct store_change twice[] = {put(STORE_HOST, "n1", "x", STORE_ANY),
                                         put(STORE_GROUP, "n1", "x", STORE_ANY),
                                         removal(STORE_HOST, "n1", STORE_ANY)};
    assert_refused(f->store, twice, 3, &store_key_invalid, "n1");
}

static void test_key_size(void **state)
{
    struct fixture *f = *state;
    char key[STORE_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[STORE_KEY_MAX] = '\0';
    commit_one(f->store, put(STORE_HOST, key, "x", STORE_ABSENT));
    key[STORE_KEY_MAX] = 'k';
    key[STORE_KEY_MAX + 1] = '\0';
    struct store_change change = put(STORE_HOST, key, "x", STORE_ABSENT);
    assert_refused(f->store, &change, 1, &store_limit, NULL);
}

static void test_sizes(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *large = memory_allocate_zero(1, STORE_VALUE_MAX + 1);
    struct store_change change = put(STORE_POLICY, "p", "", STORE_ANY);
    change.value = slice_of(large, STORE_VALUE_MAX + 1);
    assert_refused(f->store, &change, 1, &store_limit, "p");
    change.value.size = STORE_VALUE_MAX;
    int64_t revision = commit_one(f->store, change);
    struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    int64_t at = 0;
    assert_true(store_get(f->store, STORE_POLICY, "p", &value, &at, NULL));
    assert_int_equal(value.size, STORE_VALUE_MAX);
    assert_int_equal(at, revision);
    buf_done(&value);
    struct store_change two[2] = {change, put(STORE_POLICY, "q", "", STORE_ANY)};
    two[1].value = slice_of(large, STORE_COMMIT_MAX - STORE_VALUE_MAX);
    assert_true(store_commit(f->store, two, 2, NULL, NULL));
    two[1].value.size++;
    assert_refused(f->store, two, 2, &store_limit, "commit");
    struct error err = {0};
    struct buf small;
    buf_init(&small, 10);
    assert_false(store_get(f->store, STORE_POLICY, "p", &small, NULL, &err));
    assert_string_equal(err.code->name, "base.buffer-full");
    buf_done(&small);
}

static void test_counts_and_kinds(void **state)
{
    struct fixture *f = *state;
    static char keys[STORE_CHANGES_MAX + 1][16];
    struct store_change changes[STORE_CHANGES_MAX + 1];
    for (int i = 0; i <= STORE_CHANGES_MAX; i++) {
        snprintf(keys[i], sizeof keys[i], "host-%04d", i);
        changes[i] = put(STORE_HOST, keys[i], "x", STORE_ABSENT);
    }
    assert_refused(f->store, changes, STORE_CHANGES_MAX + 1, &store_limit, "commit");
    assert_refused(f->store, changes, 0, &store_limit, "commit");
    struct error err = {0};
    assert_true(store_commit(f->store, changes, STORE_CHANGES_MAX, NULL, &err));
    assert_int_equal(count_of(f->store, STORE_HOST), STORE_CHANGES_MAX);
    commit_one(f->store, removal(STORE_HOST, keys[3], STORE_ANY));
    commit_one(f->store, removal(STORE_HOST, keys[3], STORE_ANY));
    commit_one(f->store, put(STORE_HOST, keys[4], "again", STORE_ANY));
    assert_int_equal(count_of(f->store, STORE_HOST), STORE_CHANGES_MAX - 1);
    assert_int_equal(count_of(f->store, STORE_GROUP), 0);
    struct store_change odd = put((enum store_kind)0, "x", "x", STORE_ANY);
    assert_refused(f->store, &odd, 1, &store_limit, NULL);
    odd.kind = (enum store_kind)(STORE_KIND_MAX + 1);
    assert_refused(f->store, &odd, 1, &store_limit, NULL);
    odd.kind = (enum store_kind)STORE_KIND_MAX;
    commit_one(f->store, odd);
}

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

static void test_reopen(void **state)
{
    struct fixture *f = *state;
    int64_t last = 0;
    for (int i = 0; i < 5; i++) {
        int64_t revision = commit_one(f->store, put(STORE_HOST, "n1", "x", STORE_ANY));
        assert_true(revision > last);
        last = revision;
        store_close(&f->store);
        f->store = open_store(f);
        int64_t newest = 0;
        assert_true(store_revision(f->store, &newest, NULL));
        assert_int_equal(newest, last);
        assert_value(f->store, STORE_HOST, "n1", "x", last);
    }
    /* A record that is removed and made again is never at an earlier revision. */
    commit_one(f->store, removal(STORE_HOST, "n1", last));
    store_close(&f->store);
    f->store = open_store(f);
    assert_true(commit_one(f->store, put(STORE_HOST, "n1", "x", STORE_ABSENT)) > last + 1);
    assert_int_equal(count_of(f->store, STORE_HOST), 1);
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

/* What a watch saw, one line a change. */
struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct buf text;
    size_t changes;
    size_t most; /* in one call */
    int64_t revision;
    bool ordered;
    bool hold; /* the watch is to wait in its callback */
};

static void seen_init(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    pthread_mutex_init(&seen->mutex, NULL);
    pthread_cond_init(&seen->changed, NULL);
    buf_init(&seen->text, 8 << 20);
    seen->ordered = true;
}

static void see(void *context, const struct store_change *changes, size_t count, int64_t revision)
{
    struct seen *seen = context;
    pthread_mutex_lock(&seen->mutex);
    while (seen->hold)
        pthread_cond_wait(&seen->changed, &seen->mutex);
    int64_t last = seen->revision;
    for (size_t i = 0; i < count; i++) {
        seen->ordered &= changes[i].expected >= last && changes[i].expected > seen->revision;
        last = changes[i].expected;
        buf_append_format(&seen->text, "%d:%s%s%.*s ", (int)changes[i].kind, changes[i].key,
                          changes[i].remove ? "-" : "=", (int)changes[i].value.size,
                          (const char *)changes[i].value.data);
    }
    if (changes == NULL)
        buf_append_text(&seen->text, "lost ");
    seen->ordered &= count == 0 || last == revision;
    seen->changes += count;
    seen->most = count > seen->most ? count : seen->most;
    seen->revision = revision;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->mutex);
}

static void wait_for(struct seen *seen, int64_t revision)
{
    pthread_mutex_lock(&seen->mutex);
    while (seen->revision < revision)
        pthread_cond_wait(&seen->changed, &seen->mutex);
    pthread_mutex_unlock(&seen->mutex);
}

static void hold(struct seen *seen, bool on)
{
    pthread_mutex_lock(&seen->mutex);
    seen->hold = on;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->mutex);
}

static struct store_watch *watch(struct store *store, int64_t since, struct seen *seen)
{
    struct error err = {0};
    struct store_watch *started = NULL;
    if (!store_watch_start(&started, store, since, see, seen, &err))
        fail_msg("%s", err.message);
    return started;
}

static void assert_seen(struct store *store, int64_t since, int64_t newest, const char *expected)
{
    struct seen seen;
    seen_init(&seen);
    struct store_watch *started = watch(store, since, &seen);
    wait_for(&seen, newest);
    store_watch_stop(&started);
    assert_null(started);
    assert_string_equal(buf_text(&seen.text), expected);
    assert_true(seen.ordered);
    buf_done(&seen.text);
}

static void test_watch_from_revision(void **state)
{
    struct fixture *f = *state;
    int64_t first = commit_one(f->store, put(STORE_HOST, "n1", "one", STORE_ANY));
    const struct store_change both[] = {put(STORE_HOST, "n1", "two", STORE_ANY),
                                        put(STORE_SETTING, "mode", "", STORE_ANY)};
    int64_t second = 0;
    assert_true(store_commit(f->store, both, 2, &second, NULL));
    struct store_change conflict = put(STORE_HOST, "n1", "never", STORE_ABSENT);
    assert_refused(f->store, &conflict, 1, &store_conflict, "n1");
    int64_t third = commit_one(f->store, removal(STORE_HOST, "n1", STORE_ANY));
    commit_one(f->store, removal(STORE_HOST, "n1", STORE_ANY)); /* no change */
    assert_seen(f->store, 0, third, "3:n1=one 3:n1=two 1:mode= 3:n1- ");
    assert_seen(f->store, first, third, "3:n1=two 1:mode= 3:n1- ");
    assert_seen(f->store, second, third, "3:n1- ");
    store_close(&f->store);
    f->store = open_store(f);
    assert_seen(f->store, 0, third, "3:n1=one 3:n1=two 1:mode= 3:n1- ");

    /* From the newest: only what comes. */
    struct seen seen;
    seen_init(&seen);
    struct store_watch *started = watch(f->store, third, &seen);
    wait_for(&seen, commit_one(f->store, put(STORE_HOST, "n2", "x", STORE_ANY)));
    int64_t last = commit_one(f->store, put(STORE_HOST, "n3", "y", STORE_ANY));
    wait_for(&seen, last);
    store_watch_stop(&started);
    commit_one(f->store, put(STORE_HOST, "n4", "unseen", STORE_ANY));
    assert_string_equal(buf_text(&seen.text), "3:n2=x 3:n3=y ");
    buf_done(&seen.text);
}

static void test_watch_from_unknown_revision(void **state)
{
    struct fixture *f = *state;
    int64_t newest = commit_one(f->store, put(STORE_HOST, "n1", "one", STORE_ANY));
    struct seen seen;
    seen_init(&seen);
    struct error err = {0};
    struct store_watch *started = NULL;
    assert_false(store_watch_start(&started, f->store, newest + 1, see, &seen, &err));
    assert_ptr_equal(err.code, &store_compacted);
    assert_null(started);
    buf_done(&seen.text);
}

#define WRITERS 8
#define COMMITS 200

struct committer {
    pthread_t thread;
    struct store *store;
    int number;
    int failed;
    int64_t last;
};

static void *commit_many(void *argument)
{
    struct committer *committer = argument;
    for (int i = 0; i < COMMITS; i++) {
        char key[32], other[32], value[32];
        snprintf(key, sizeof key, "w%d", committer->number);
        snprintf(other, sizeof other, "w%d-%d", committer->number, i);
        snprintf(value, sizeof value, "%d", i);
        struct store_change changes[2] = {put(STORE_HOST, key, value, STORE_ANY),
                                          put(STORE_GROUP, other, value, STORE_ABSENT)};
        int64_t revision = 0;
        committer->failed += !store_commit(committer->store, changes, 2, &revision, NULL);
        committer->failed += revision <= committer->last;
        committer->last = revision;
    }
    return NULL;
}

/* Every commit of every writer stands once, the writer's earlier ones before. */
static void assert_all_seen(const char *text)
{
    int next[WRITERS] = {0};
    int kind = 0, writer = 0, value = 0, length = 0;
    while (sscanf(text, "%d:w%d=%d %n", &kind, &writer, &value, &length) == 3) {
        int writer_again = 0, index = 0, value_again = 0;
        text += length;
        assert_int_equal(
            sscanf(text, "%d:w%d-%d=%d %n", &kind, &writer_again, &index, &value_again, &length),
            4);
        text += length;
        assert_true(writer == writer_again && value == index && value == value_again);
        assert_true(writer >= 0 && writer < WRITERS);
        assert_int_equal(next[writer]++, value);
    }
    assert_string_equal(text, "");
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(next[i], COMMITS);
}

static void test_watch_many_writers(void **state)
{
    struct fixture *f = *state;
    struct seen early, late;
    seen_init(&early);
    seen_init(&late);
    struct store_watch *early_watch = watch(f->store, 0, &early);
    struct committer committers[WRITERS] = {0};
    for (int i = 0; i < WRITERS; i++) {
        committers[i].store = f->store;
        committers[i].number = i;
        assert_int_equal(pthread_create(&committers[i].thread, NULL, commit_many, &committers[i]),
                         0);
    }
    wait_for(&early, 1);
    struct store_watch *late_watch = watch(f->store, 0, &late);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(committers[i].thread, NULL);
        assert_int_equal(committers[i].failed, 0);
    }
    int64_t newest = 0;
    assert_true(store_revision(f->store, &newest, NULL));
    wait_for(&early, newest);
    wait_for(&late, newest);
    store_watch_stop(&early_watch);
    store_watch_stop(&late_watch);
    struct seen *both[] = {&early, &late};
    for (int i = 0; i < 2; i++) {
        assert_true(both[i]->ordered);
        assert_int_equal(both[i]->changes, 2 * WRITERS * COMMITS);
        assert_true(both[i]->most <= STORE_CHANGES_MAX);
        assert_all_seen(buf_text(&both[i]->text));
        buf_done(&both[i]->text);
    }
}

/* Of writers that swap the same record from what they read, each success builds on the one before.
 */
static void *add_one_often(void *argument)
{
    struct committer *committer = argument;
    for (int done = 0; done < 50;) {
        struct buf value;
        buf_init(&value, 32);
        int64_t revision = 0;
        if (!store_get(committer->store, STORE_SETTING, "sum", &value, &revision, NULL)) {
            committer->failed++;
            return NULL;
        }
        char text[32];
        snprintf(text, sizeof text, "%d", atoi(buf_text(&value)) + 1);
        buf_done(&value);
        struct error err = {0};
        struct store_change change = put(STORE_SETTING, "sum", text, revision);
        if (store_commit(committer->store, &change, 1, NULL, &err))
            done++;
        else if (err.code != &store_conflict)
            committer->failed++;
    }
    return NULL;
}

static void test_compare_and_swap(void **state)
{
    struct fixture *f = *state;
    commit_one(f->store, put(STORE_SETTING, "sum", "0", STORE_ABSENT));
    struct committer committers[4] = {0};
    for (int i = 0; i < 4; i++) {
        committers[i].store = f->store;
        assert_int_equal(pthread_create(&committers[i].thread, NULL, add_one_often, &committers[i]),
                         0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(committers[i].thread, NULL);
        assert_int_equal(committers[i].failed, 0);
    }
    int64_t newest = 0;
    assert_true(store_revision(f->store, &newest, NULL));
    assert_value(f->store, STORE_SETTING, "sum", "200", newest);
}

/* Commits until it is killed; tells each revision once it is durable. */
static void commit_until_killed(const struct fixture *fixture, int to)
{
    struct store *store = open_store(fixture);
    for (int64_t i = 0;; i++) {
        char key[32];
        snprintf(key, sizeof key, "k%ld", (long)i);
        struct store_change changes[] = {put(STORE_HOST, key, key, STORE_ABSENT),
                                         put(STORE_SETTING, "newest", key, STORE_ANY)};
        int64_t revision = 0;
        if (!store_commit(store, changes, 2, &revision, NULL) ||
            write(to, &revision, sizeof revision) != sizeof revision)
            _exit(1);
    }
}

static void assert_durable(const struct fixture *f, int64_t reported)
{
    int64_t newest = 0;
    assert_true(store_revision(f->store, &newest, NULL));
    /* The last commit may have become durable without its report. */
    assert_true(newest == reported || newest == reported + 1);
    assert_int_equal(count_of(f->store, STORE_HOST), newest);
    char key[32];
    for (int64_t i = 0; i < newest; i++) {
        snprintf(key, sizeof key, "k%ld", (long)i);
        assert_value(f->store, STORE_HOST, key, key, i + 1);
    }
    assert_value(f->store, STORE_SETTING, "newest", key, newest);
}

static void test_kill_during_commits(void **state)
{
    struct fixture *f = *state;
    store_close(&f->store);
    for (unsigned round = 0; round < 5; round++) {
        char folder[sizeof f->folder];
        memcpy(folder, f->folder, sizeof folder);
        strncat(f->folder, "/round", sizeof f->folder - strlen(f->folder) - 1);
        f->folder[strlen(f->folder) - 1] = (char)('0' + round);
        _cleanup_free_ char *command = memory_format("mkdir %s", f->folder);
        assert_int_equal(system(command), 0);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            commit_until_killed(f, ends[1]);
        close(ends[1]);
        /* The moment is another one each time: after some reports, anywhere in the next commit. */
        int64_t reported = 0, revision = 0;
        for (unsigned wanted = 3 + (unsigned)(getpid() + (int)round * 37) % 90; wanted > 0;
             wanted--)
            if (read(ends[0], &revision, sizeof revision) == sizeof revision)
                reported = revision;
        kill(child, SIGKILL);
        while (read(ends[0], &revision, sizeof revision) == sizeof revision)
            reported = revision;
        close(ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        f->store = open_store(f);
        assert_durable(f, reported);
        store_close(&f->store);
        memcpy(f->folder, folder, sizeof folder);
    }
}

/* While a watch is held up in its callback, much more is committed than the store remembers. */
static int64_t commit_many_large(struct store *store, int commits)
{
    static char keys[STORE_CHANGES_MAX][16];
    struct store_change changes[STORE_CHANGES_MAX];
    int64_t revision = 0;
    for (int i = 0; i < commits; i++) {
        for (int n = 0; n < STORE_CHANGES_MAX; n++) {
            snprintf(keys[n], sizeof keys[n], "k%d", n);
            changes[n] = put(STORE_GROUP, keys[n], "v", STORE_ANY);
        }
        struct error err = {0};
        if (!store_commit(store, changes, STORE_CHANGES_MAX, &revision, &err))
            fail_msg("%s", err.message);
    }
    return revision;
}

static void test_slow_watch_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    seen_init(&seen);
    hold(&seen, true);
    struct store_watch *started = watch(f->store, 0, &seen);
    int commits = 180;
    int64_t newest = commit_many_large(f->store, commits);
    hold(&seen, false);
    wait_for(&seen, newest);
    assert_int_equal(seen.changes, commits * STORE_CHANGES_MAX);
    /* The watch is served: from now on the oldest changes go. */
    newest = commit_many_large(f->store, 150);
    wait_for(&seen, newest);
    store_watch_stop(&started);
    assert_null(strstr(buf_text(&seen.text), "lost"));
    struct error err = {0};
    assert_false(store_watch_start(&started, f->store, 0, see, &seen, &err));
    assert_ptr_equal(err.code, &store_compacted);
    /* What is recent is still there. */
    started = watch(f->store, newest - 100, &seen);
    store_watch_stop(&started);
    buf_done(&seen.text);
}

#define CONTRACT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    struct CMUnitTest tests[] = {
        CONTRACT_TEST(test_get_and_commit),
        CONTRACT_TEST(test_values_are_bytes),
        CONTRACT_TEST(test_conflicts_name_the_key),
        CONTRACT_TEST(test_failing_commit_changes_nothing),
        CONTRACT_TEST(test_conditions_without_change),
        CONTRACT_TEST(test_keys),
        CONTRACT_TEST(test_key_size),
        CONTRACT_TEST(test_sizes),
        CONTRACT_TEST(test_counts_and_kinds),
        CONTRACT_TEST(test_list),
        CONTRACT_TEST(test_reopen),
        CONTRACT_TEST(test_reader_while_writer),
        CONTRACT_TEST(test_watch_from_revision),
        CONTRACT_TEST(test_watch_from_unknown_revision),
        CONTRACT_TEST(test_watch_many_writers),
        CONTRACT_TEST(test_compare_and_swap),
        CONTRACT_TEST(test_kill_during_commits),
        CONTRACT_TEST(test_slow_watch_loses_nothing),
    };
    int failed = 0;
    for (size_t b = 0; b < sizeof backends / sizeof backends[0]; b++) {
        for (size_t t = 0; t < sizeof tests / sizeof tests[0]; t++)
            tests[t].initial_state = (void *)&backends[b];
        failed += cmocka_run_group_tests_name(backends[b].name, tests, NULL, NULL);
    }
    return failed;
}
