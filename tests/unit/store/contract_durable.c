/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of what was committed: it is there when the store is opened again or its process was
 * killed, and writers that swap one record build on each other. */

#include "contract.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

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

struct adder {
    pthread_t thread;
    struct store *store;
    int failed;
};

/* Of writers that swap the same record from what they read, each success builds on the one before.
 */
static void *add_one_often(void *argument)
{
    struct adder *adder = argument;
    for (int done = 0; done < 50;) {
        struct buf value;
        buf_init(&value, 32);
        int64_t revision = 0;
        if (!store_get(adder->store, STORE_SETTING, "sum", &value, &revision, NULL)) {
            adder->failed++;
            return NULL;
        }
        char text[32];
        snprintf(text, sizeof text, "%d", atoi(buf_text(&value)) + 1);
        buf_done(&value);
        struct error err = {0};
        struct store_change change = put(STORE_SETTING, "sum", text, revision);
        if (store_commit(adder->store, &change, 1, NULL, &err))
            done++;
        else if (err.code != &store_conflict)
            adder->failed++;
    }
    return NULL;
}

static void test_compare_and_swap(void **state)
{
    struct fixture *f = *state;
    commit_one(f->store, put(STORE_SETTING, "sum", "0", STORE_ABSENT));
    struct adder adders[4] = {0};
    for (int i = 0; i < 4; i++) {
        adders[i].store = f->store;
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add_one_often, &adders[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(adders[i].thread, NULL);
        assert_int_equal(adders[i].failed, 0);
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

CONTRACT_MAIN(CONTRACT_TEST(test_reopen), CONTRACT_TEST(test_compare_and_swap),
              CONTRACT_TEST(test_kill_during_commits))
