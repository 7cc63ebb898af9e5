/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of records: what is read and committed, conflicts, limits of keys and sizes. */

#include "contract.h"

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
    assert_commit_refused(f->store, &exists, 1, &store_conflict, "n1");
    struct store_change older = put(STORE_HOST, "n1", "x", first + 1);
    assert_commit_refused(f->store, &older, 1, &store_conflict, "n1");
    struct store_change gone = put(STORE_HOST, "n2", "x", first);
    assert_commit_refused(f->store, &gone, 1, &store_conflict, "n2");
    struct store_change remove_gone = removal(STORE_HOST, "n2", first);
    assert_commit_refused(f->store, &remove_gone, 1, &store_conflict, "n2");
    struct store_change remove_other = removal(STORE_HOST, "n1", first + 1);
    assert_commit_refused(f->store, &remove_other, 1, &store_conflict, "n1");
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
    assert_commit_refused(f->store, changes, 5, &store_conflict, "n3");
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
    assert_commit_refused(f->store, broken, 2, &store_conflict, "n1");
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
        assert_commit_refused(f->store, &change, 1, &store_key_invalid, NULL);
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
    assert_commit_refused(f->store, twice, 3, &store_key_invalid, "n1");
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
    assert_commit_refused(f->store, &change, 1, &store_limit, NULL);
}

static void test_sizes(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *large = memory_allocate_zero(1, STORE_VALUE_MAX + 1);
    struct store_change change = put(STORE_POLICY, "p", "", STORE_ANY);
    change.value = slice_of(large, STORE_VALUE_MAX + 1);
    assert_commit_refused(f->store, &change, 1, &store_limit, "p");
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
    assert_commit_refused(f->store, two, 2, &store_limit, "commit");
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
    assert_commit_refused(f->store, changes, STORE_CHANGES_MAX + 1, &store_limit, "commit");
    assert_commit_refused(f->store, changes, 0, &store_limit, "commit");
    struct error err = {0};
    assert_true(store_commit(f->store, changes, STORE_CHANGES_MAX, NULL, &err));
    assert_int_equal(count_of(f->store, STORE_HOST), STORE_CHANGES_MAX);
    commit_one(f->store, removal(STORE_HOST, keys[3], STORE_ANY));
    commit_one(f->store, removal(STORE_HOST, keys[3], STORE_ANY));
    commit_one(f->store, put(STORE_HOST, keys[4], "again", STORE_ANY));
    assert_int_equal(count_of(f->store, STORE_HOST), STORE_CHANGES_MAX - 1);
    assert_int_equal(count_of(f->store, STORE_GROUP), 0);
    struct store_change odd = put((enum store_kind)0, "x", "x", STORE_ANY);
    assert_commit_refused(f->store, &odd, 1, &store_limit, NULL);
    odd.kind = (enum store_kind)(STORE_KIND_MAX + 1);
    assert_commit_refused(f->store, &odd, 1, &store_limit, NULL);
    odd.kind = (enum store_kind)STORE_KIND_MAX;
    commit_one(f->store, odd);
}

CONTRACT_MAIN(CONTRACT_TEST(test_get_and_commit), CONTRACT_TEST(test_values_are_bytes),
              CONTRACT_TEST(test_conflicts_name_the_key),
              CONTRACT_TEST(test_failing_commit_changes_nothing),
              CONTRACT_TEST(test_conditions_without_change), CONTRACT_TEST(test_keys),
              CONTRACT_TEST(test_key_size), CONTRACT_TEST(test_sizes),
              CONTRACT_TEST(test_counts_and_kinds))
