/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

static void test_bytes_differ(void **state)
{
    (void)state;
    uint8_t first[32] = {0}, second[32] = {0}, zero[32] = {0};
    random_bytes(first, sizeof first);
    random_bytes(second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(first, zero, sizeof first);
    random_bytes(first, 0);
}

/* Small draws come from a stock; none of them comes twice, within a stock or from one to the next.
 */
static void test_no_draw_comes_twice(void **state)
{
    (void)state;
    enum { DRAWS = 500, SIZE = 16 };
    static uint8_t drawn[DRAWS][SIZE];
    uint8_t large[65];
    for (size_t i = 0; i < DRAWS; i++) {
        random_bytes(drawn[i], SIZE);
        random_bytes(large, i % 2 == 0 ? sizeof large : 1);
    }
    for (size_t i = 0; i < DRAWS; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(drawn[i], drawn[k], SIZE);
}

static void *draw(void *out)
{
    random_bytes(out, 32);
    return NULL;
}

static void test_threads_differ(void **state)
{
    (void)state;
    uint8_t ours[32], theirs[2][32];
    random_bytes(ours, sizeof ours);
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, draw, theirs[i]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_memory_not_equal(ours, theirs[i], sizeof ours);
    }
    assert_memory_not_equal(theirs[0], theirs[1], sizeof ours);
}

static uint8_t last_drawn[2][32];

/* Called again until nothing is left to be done: once with the stock, once without it, whichever of
 * the two is called first. */
static void draw_at_end(void *key)
{
    static size_t calls;
    random_bytes(last_drawn[calls++], sizeof last_drawn[0]);
    if (calls < 2)
        assert_int_equal(pthread_setspecific(*(pthread_key_t *)key, key), 0);
}

static void *draw_and_end(void *key)
{
    uint8_t bytes[32];
    random_bytes(bytes, sizeof bytes);
    assert_int_equal(pthread_setspecific(*(pthread_key_t *)key, key), 0);
    return NULL;
}

/* What is called when a thread ends draws no wiped memory, nor what another thread has by then. */
static void test_draws_while_a_thread_ends(void **state)
{
    (void)state;
    uint8_t zero[32] = {0};
    pthread_key_t key;
    pthread_t thread;
    assert_int_equal(pthread_key_create(&key, draw_at_end), 0);
    assert_int_equal(pthread_create(&thread, NULL, draw_and_end, &key), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_memory_not_equal(last_drawn[i], zero, sizeof zero);
    assert_memory_not_equal(last_drawn[0], last_drawn[1], sizeof zero);
    assert_int_equal(pthread_key_delete(key), 0);
}

/* What a thread has in stock is not drawn by both when it forks. */
static void test_child_differs(void **state)
{
    (void)state;
    uint8_t ours[32], theirs[32];
    int ends[2];
    random_bytes(ours, sizeof ours);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        random_bytes(theirs, sizeof theirs);
        _exit(write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
    }
    random_bytes(ours, sizeof ours);
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_not_equal(ours, theirs, sizeof ours);
    close(ends[0]);
    close(ends[1]);
}

static void test_below(void **state)
{
    (void)state;
    bool seen[5] = {false};
    for (int i = 0; i < 1000; i++) {
        uint32_t value = random_below(5);
        assert_in_range(value, 0, 4);
        seen[value] = true;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i]);
    assert_int_equal(random_below(1), 0);
    /* With a bound just over half the range, every second draw has to be thrown away. */
    for (int i = 0; i < 100; i++)
        assert_true(random_below(UINT32_C(0x80000001)) <= UINT32_C(0x80000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_differ),   cmocka_unit_test(test_no_draw_comes_twice),
        cmocka_unit_test(test_threads_differ), cmocka_unit_test(test_child_differs),
        cmocka_unit_test(test_below),          cmocka_unit_test(test_draws_while_a_thread_ends),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
