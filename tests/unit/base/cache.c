/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../testing.h"
#include "base/memory.h"

#define THREADS 4

struct word {
    atomic_int references;
    char text[16];
};

static atomic_int alive;

static struct word *word_new(const char *text)
{
    struct word *word = memory_allocate_zero(1, sizeof *word);
    atomic_init(&word->references, 1);
    strcpy(word->text, text);
    atomic_fetch_add(&alive, 1);
    return word;
}

static struct slice word_bytes(const void *word)
{
    return slice_from_text(((const struct word *)word)->text);
}

static void word_hold(void *word)
{
    atomic_fetch_add(&((struct word *)word)->references, 1);
}

static void word_release(void *object)
{
    struct word *word = object;
    if (atomic_fetch_sub(&word->references, 1) != 1)
        return;
    free(word);
    atomic_fetch_sub(&alive, 1);
}

static const struct cache_kind words = {word_bytes, word_hold, word_release};

/* Whether it is there; the reference is given back. */
static bool has(struct cache *cache, const char *text)
{
    struct word *found = cache_find(cache, slice_from_text(text));
    if (found == NULL)
        return false;
    assert_string_equal(found->text, text);
    word_release(found);
    return true;
}

static void put(struct cache *cache, const char *text)
{
    word_release(cache_keep(cache, word_new(text)));
}

static void test_finds_what_it_keeps(void **state)
{
    (void)state;
    struct cache *cache = cache_new(100, &words);
    assert_null(cache_find(cache, slice_from_text("one")));
    struct word *one = word_new("one");
    assert_ptr_equal(cache_keep(cache, one), one);
    assert_int_equal(one->references, 2);
    assert_ptr_equal(cache_find(cache, slice_from_text("one")), one);
    assert_int_equal(one->references, 3);
    assert_false(has(cache, "on"));
    assert_false(has(cache, ""));
    word_release(one);
    cache_free(&cache);
    assert_null(cache);
    assert_int_equal(one->references, 1); /* what is held lives on */
    word_release(one);
    assert_int_equal(alive, 0);
    cache_free(&cache);
    cache_free(NULL);
}

static void test_the_first_stays(void **state)
{
    (void)state;
    struct cache *cache = cache_new(100, &words);
    struct word *first = cache_keep(cache, word_new("same"));
    struct word *second = cache_keep(cache, word_new("same"));
    assert_ptr_equal(first, second);
    assert_int_equal(alive, 1);
    assert_int_equal(first->references, 3);
    word_release(first);
    word_release(second);
    cache_free(&cache);
    assert_int_equal(alive, 0);
}

static void test_the_longest_unused_goes(void **state)
{
    (void)state;
    struct cache *cache = cache_new(3, &words);
    put(cache, "a");
    put(cache, "b");
    put(cache, "c");
    assert_true(has(cache, "a")); /* now b is the oldest */
    put(cache, "d");
    assert_false(has(cache, "b"));
    assert_true(has(cache, "c") && has(cache, "a") && has(cache, "d"));
    put(cache, "d"); /* adds nothing */
    assert_true(has(cache, "c"));
    assert_int_equal(alive, 3);
    cache_free(&cache);
    assert_int_equal(alive, 0);
}

static void test_bounded(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct cache *cache = cache_new(sizes[s], &words);
        for (int i = 0; i < 3000; i++) {
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            put(cache, text);
            assert_true(has(cache, text));
        }
        assert_true(alive > 0 && (size_t)alive <= sizes[s]);
        cache_free(&cache);
        assert_int_equal(alive, 0);
    }
}

static void *use_often(void *cache)
{
    for (int i = 0; i < 5000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i * 7 % 50);
        struct word *word = cache_find(cache, slice_from_text(text));
        if (word == NULL)
            word = cache_keep(cache, word_new(text));
        bool same = strcmp(word->text, text) == 0;
        word_release(word);
        if (!same)
            return NULL;
    }
    return cache;
}

static void test_threads(void **state)
{
    (void)state;
    struct cache *cache = cache_new(40, &words);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_often, cache), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, cache);
    }
    cache_free(&cache);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_it_keeps),
        cmocka_unit_test(test_the_first_stays),
        cmocka_unit_test(test_the_longest_unused_goes),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
