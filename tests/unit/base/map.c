/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../testing.h"

/* The reference output of SipHash-2-4 for key 00…0f and inputs 00, 00 01, … (the paper's appendix A
 * has the 15-byte one; the first four are of the authors' vectors.h). */
static void test_siphash(void **state)
{
    (void)state;
    static const uint8_t first[][8] = {
        {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72},
        {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74},
        {0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d},
        {0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85},
    };
    uint8_t key[16], input[16];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = input[i] = i;
    for (size_t size = 0; size < 4; size++) {
        uint64_t hash = map_siphash(key, slice_of(input, size));
        for (int i = 0; i < 8; i++)
            assert_int_equal((uint8_t)(hash >> (8 * i)), first[size][i]);
    }
    assert_true(map_siphash(key, slice_of(input, 15)) == 0xa129ca6149be45e5);
}

static int freed;

static void count_freed(void *value)
{
    freed++;
    free(value);
}

static void *number(int value)
{
    int *copy = malloc(sizeof *copy);
    *copy = value;
    return copy;
}

static struct slice key_of(char *text, int i)
{
    return slice_of(text, (size_t)sprintf(text, "host-%d", i));
}

static void test_many_keys(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    char text[32];
    freed = 0;
    struct map *map = map_new(count_freed);
    for (int i = 0; i < COUNT; i++)
        map_put(map, key_of(text, i), number(i));
    assert_int_equal(map_count(map), COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(*(int *)map_get(map, key_of(text, i)), i);
    assert_null(map_get(map, key_of(text, COUNT)));
    for (int i = 0; i < COUNT; i += 3)
        assert_true(map_remove(map, key_of(text, i)));
    for (int i = 0; i < COUNT; i++) {
        int *value = map_get(map, key_of(text, i));
        assert_true(i % 3 == 0 ? value == NULL : *value == i);
    }
    assert_false(map_remove(map, key_of(text, 0)));
    assert_int_equal(freed, (COUNT + 2) / 3);
    size_t position = 0, seen = 0;
    int64_t sum = 0, expected = 0;
    struct slice key;
    void *value;
    for (; map_next(map, &position, &key, &value); seen++) {
        sum += *(int *)value;
        assert_true(slice_equal(key, key_of(text, *(int *)value)));
    }
    for (int i = 0; i < COUNT; i++)
        expected += i % 3 == 0 ? 0 : i;
    assert_int_equal(seen, map_count(map));
    assert_int_equal(sum, expected);
    map_free(map);
    assert_int_equal(freed, COUNT);
}

/* Puts and removals against a plain array. */
static void test_random_changes(void **state)
{
    (void)state;
    enum { KEYS = 64, STEPS = 20000 };
    int model[KEYS] = {0};
    char text[32];
    unsigned random = 12345;
    struct map *map = map_new(count_freed);
    for (int step = 1; step <= STEPS; step++) {
        random = random * 1103515245 + 12345;
        int i = (int)(random >> 16) % KEYS;
        if (random >> 30 == 0) {
            assert_int_equal(map_remove(map, key_of(text, i)), model[i] != 0);
            model[i] = 0;
        } else {
            map_put(map, key_of(text, i), number(step));
            model[i] = step;
        }
        int *value = map_get(map, key_of(text, (i + 1) % KEYS));
        assert_int_equal(value != NULL ? *value : 0, model[(i + 1) % KEYS]);
    }
    size_t count = 0;
    for (int i = 0; i < KEYS; i++)
        count += model[i] != 0;
    assert_int_equal(map_count(map), count);
    map_free(map);
}

static void test_replaces(void **state)
{
    (void)state;
    freed = 0;
    struct map *map = map_new(count_freed);
    map_put(map, slice_of("a\0b", 3), number(1));
    map_put(map, slice_of("a\0c", 3), number(2));
    map_put(map, slice_of("a\0b", 3), number(3));
    map_put(map, SLICE_EMPTY, number(4));
    assert_int_equal(freed, 1);
    assert_int_equal(map_count(map), 3);
    assert_int_equal(*(int *)map_get(map, slice_of("a\0b", 3)), 3);
    assert_int_equal(*(int *)map_get(map, slice_of("a\0c", 3)), 2);
    assert_int_equal(*(int *)map_get(map, SLICE_EMPTY), 4);
    assert_null(map_get(map, slice_of("a", 1)));
    map_free(map);
    assert_int_equal(freed, 4);
}

static void test_empty(void **state)
{
    (void)state;
    struct map *map = map_new(NULL);
    size_t position = 0;
    struct slice key;
    void *value;
    assert_null(map_get(map, slice_from_text("x")));
    assert_false(map_remove(map, slice_from_text("x")));
    assert_false(map_next(map, &position, &key, &value));
    map_free(map);
    map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_random_changes), cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
