/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pool_memory.h"

#include <sys/mman.h>

#include "fixture.h"

#define MANY 300

/* What this process has in memory, in bytes. */
static size_t resident(void)
{
    unsigned long total = 0;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &total, &pages), 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void known_sizes(void **state)
{
    (void)state;
    bool known = strcmp(MHD_get_version(), POOL_MEMORY_VERSION) == 0;
    assert_int_equal(pool_memory_size(32768), 0);
    assert_int_equal(pool_memory_size(73728), known ? 73728 : 0);
    assert_int_equal(pool_memory_size(73729), known ? 77824 : 0);
}

/* Connections that were used and then are idle give back most of what they had, and can be used
 * again. */
static void idle_connections_are_small(void **state)
{
    (void)state;
    if (strcmp(MHD_get_version(), POOL_MEMORY_VERSION) != 0)
        skip();
    struct fixture fixture;
    static int fds[MANY];
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = fixture_connect(&fixture, 0);
        fixture_expect(fds[i], "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    }
    size_t full = resident();
    size_t rested = full;
    for (int i = 0; i < FIXTURE_WAIT_MS / 20 && rested > full - MANY * 32768UL; i++) {
        poll(NULL, 0, 20);
        rested = resident();
    }
    assert_true(rested <= full - MANY * 32768UL);
    for (size_t i = 0; i < MANY; i++) {
        fixture_expect(fds[i], "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nagain",
                       200, "again");
        close(fds[i]);
    }
    fixture_stop(&fixture);
}

/* A client that puts a page of empty lines before its request, so that the request stands where the
 * front of the pool might be, costs nobody else a byte. */
static void shifted_requests_harm_nobody(void **state)
{
    (void)state;
    struct fixture fixture;
    int shifted[50];
    int others[50];
    char lines[4097];
    for (size_t i = 0; i < 4096; i += 2)
        memcpy(lines + i, "\r\n", 3);
    char *half = memory_format("GET /peer HTTP/1.1\r\nHost: h\r\nX-Long: %040000d\r\nX-Te", 7);
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 800});
    for (size_t i = 0; i < 50; i++) {
        others[i] = fixture_connect(&fixture, 0);
        fixture_send(others[i], half);
        shifted[i] = fixture_connect(&fixture, 0);
        fixture_send(shifted[i], lines);
        fixture_expect(shifted[i], "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    }
    /* By the time that they are cut they have rested. */
    for (size_t i = 0; i < 50; i++)
        assert_true(fixture_is_cut(shifted[i]));
    for (size_t i = 0; i < 50; i++) {
        fixture_expect(others[i], "st: whole\r\n\r\n", 200, "127.0.0.1 /peer whole plain");
        close(others[i]);
        close(shifted[i]);
    }
    free(half);
    fixture_stop(&fixture);
}

/* What has come of the next request stands on the first page, which stays. */
static void the_first_page_stays(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = 4 * page;
    char *pool = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pool, MAP_FAILED);
    memset(pool, 'x', size);
    struct connection connection = {.pool_size = size};
    pool_memory_release(&connection);
    assert_int_equal(pool[size - 1], 'x'); /* its place is not known */
    connection.pool = pool;
    pool_memory_release(&connection);
    assert_int_equal(pool[0], 'x');
    assert_int_equal(pool[page - 1], 'x');
    assert_int_equal(pool[page], '\0');
    assert_int_equal(pool[size - 1], '\0');
    munmap(pool, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sizes),
        cmocka_unit_test(idle_connections_are_small),
        cmocka_unit_test(shifted_requests_harm_nobody),
        cmocka_unit_test(the_first_page_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
