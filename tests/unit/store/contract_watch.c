/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of watches: every change once and in order, also of many writers and late. */

#include "contract.h"

#include <pthread.h>

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
    assert_commit_refused(f->store, &conflict, 1, &store_conflict, "n1");
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

CONTRACT_MAIN(CONTRACT_TEST(test_watch_from_revision),
              CONTRACT_TEST(test_watch_from_unknown_revision),
              CONTRACT_TEST(test_watch_many_writers), CONTRACT_TEST(test_slow_watch_loses_nothing))
