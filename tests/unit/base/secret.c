/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../testing.h"
#include "base/secret_pool.h"

static void test_life(void **state)
{
    (void)state;
    for (size_t size = 0; size < 10000; size = size * 2 + 1) {
        struct secret secret;
        secret_init(&secret, size);
        assert_int_equal(secret.size, size);
        assert_true((secret.data != NULL) == (size > 0));
        for (size_t i = 0; i < size; i++)
            assert_int_equal(secret.data[i], 0);
        if (size > 0)
            memset(secret.data, 0xaa, size);
        secret_done(&secret);
        assert_null(secret.data);
        assert_int_equal(secret.size, 0);
        secret_done(&secret);
    }
    secret_done(NULL);
}

static void test_copy_and_shrink(void **state)
{
    (void)state;
    struct secret secret;
    secret_copy(&secret, slice_from_text("correct horse battery staple"));
    assert_true(
        secret_equal(secret_slice(&secret), slice_from_text("correct horse battery staple")));
    uint8_t *data = secret.data;
    secret_shrink(&secret, 7);
    assert_true(secret_equal(secret_slice(&secret), slice_from_text("correct")));
    assert_int_equal(data[7], 0);
    secret_shrink(&secret, 0);
    assert_null(secret.data);
    secret_copy(&secret, SLICE_EMPTY);
    assert_null(secret.data);
}

static void test_equal(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(secret_equal(SLICE_EMPTY, SLICE_EMPTY));
    assert_true(secret_equal(slice_of(a, 32), slice_of(b, 32)));
    assert_false(secret_equal(slice_of(a, 32), slice_of(b, 31)));
    for (size_t i = 0; i < 256; i++) {
        b[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(secret_equal(slice_of(a, 32), slice_of(b, 32)));
        b[i / 8] = 0;
    }
}

/* What the kernel says of the pages at memory: its VmFlags line. */
static void flags_of(const void *memory, char *flags, size_t size)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    char line[1024];
    unsigned long from, to;
    bool inside = false;
    flags[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= (uintptr_t)memory && (uintptr_t)memory < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, size, "%s", line);
    }
    fclose(maps);
}

static void test_pages(void **state)
{
    (void)state;
    static const size_t sizes[] = {32, 3000, 20000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char flags[1024];
        void *memory = secret_pool_take(sizes[i]);
        assert_int_equal((uintptr_t)memory % 16, 0);
        flags_of(memory, flags, sizeof flags);
        assert_non_null(strstr(flags, " dd")); /* not in core dumps */
#ifndef __SANITIZE_ADDRESS__                   /* which turns mlock into nothing */
        if (secret_pool_locked())
            assert_non_null(strstr(flags, " lo"));
#endif
        secret_pool_give(memory);
    }
    secret_pool_give(NULL);
}

static void test_pool_wipes(void **state)
{
    (void)state;
    uint8_t *taken[3000];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3000; i++) {
            size_t size = 1 + i * 2;
            taken[i] = secret_pool_take(size);
            for (size_t n = 0; n < size; n++)
                assert_int_equal(taken[i][n], 0);
            memset(taken[i], (int)(i % 255 + 1), size);
        }
        for (size_t i = 0; i < 3000; i++) {
            assert_int_equal(taken[i][i * 2], i % 255 + 1); /* nobody else's slot overlaps */
            secret_pool_give(taken[i]);
        }
    }
}

static void *take_and_give(void *context)
{
    uint8_t mark = *(uint8_t *)context;
    for (int i = 0; i < 20000; i++) {
        uint8_t *memory = secret_pool_take(64);
        memset(memory, mark, 64);
        for (int n = 0; n < 64; n++) {
            if (memory[n] != mark)
                return memory;
        }
        secret_pool_give(memory);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint8_t marks[4] = {1, 2, 3, 4};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &marks[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *overwritten = NULL;
        pthread_join(threads[i], &overwritten);
        assert_null(overwritten);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),       cmocka_unit_test(test_copy_and_shrink),
        cmocka_unit_test(test_equal),      cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pool_wipes), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
