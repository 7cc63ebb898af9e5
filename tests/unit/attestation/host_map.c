/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/host_map.h"

#include <pthread.h>
#include <stdatomic.h>

/* An identity that is different for each number. */
static void make_id(uint8_t id[ATTESTATION_HOST_ID_SIZE], unsigned number)
{
    memset(id, 0, ATTESTATION_HOST_ID_SIZE);
    memcpy(id + 28, &number, sizeof number);
}

static void put(struct attestation_host_map *map, unsigned name, unsigned id_number)
{
    char text[32];
    struct attestation_host_identity identity = {.mode = ATTESTATION_MODE_HOST_KEY};
    snprintf(text, sizeof text, "host%u", name);
    make_id(identity.id, id_number);
    attestation_host_map_put(map, text, &identity);
}

/* The name of that identity, or "". */
static const char *find(struct attestation_host_map *map, unsigned id_number)
{
    static char name[ATTESTATION_NAME_SIZE];
    uint8_t id[ATTESTATION_HOST_ID_SIZE];
    make_id(id, id_number);
    return attestation_host_map_find(map, ATTESTATION_MODE_HOST_KEY, id, name, NULL) ? name : "";
}

static void test_change(void **state)
{
    (void)state;
    struct attestation_host_map *map = attestation_host_map_new();
    assert_string_equal(find(map, 1), "");
    assert_false(attestation_host_map_remove(map, "host1"));
    put(map, 1, 1);
    put(map, 1, 1); /* again */
    assert_int_equal(attestation_host_map_count(map), 1);
    assert_string_equal(find(map, 1), "host1");
    put(map, 1, 2); /* another key */
    assert_string_equal(find(map, 1), "");
    assert_string_equal(find(map, 2), "host1");
    assert_true(attestation_host_map_remove(map, "host1"));
    assert_string_equal(find(map, 2), "");
    assert_int_equal(attestation_host_map_count(map), 0);
    attestation_host_map_free(&map);
    assert_null(map);
    attestation_host_map_free(&map);
}

static void test_two_hosts_of_one_key(void **state)
{
    (void)state;
    struct attestation_host_map *map = attestation_host_map_new();
    put(map, 1, 7);
    put(map, 2, 7);
    assert_string_not_equal(find(map, 7), "");
    attestation_host_map_remove(map, "host2");
    assert_string_equal(find(map, 7), "host1");
    put(map, 3, 7);
    attestation_host_map_remove(map, "host1");
    assert_string_equal(find(map, 7), "host3");
    attestation_host_map_free(&map);
}

static void test_sweep(void **state)
{
    (void)state;
    struct attestation_host_map *map = attestation_host_map_new();
    for (unsigned i = 0; i < 1000; i++)
        put(map, i, i);
    attestation_host_map_begin(map);
    for (unsigned i = 0; i < 1000; i += 2)
        put(map, i, i);
    assert_string_equal(find(map, 1), "host1"); /* not yet */
    attestation_host_map_sweep(map);
    assert_int_equal(attestation_host_map_count(map), 500);
    assert_string_equal(find(map, 1), "");
    assert_string_equal(find(map, 998), "host998");
    attestation_host_map_free(&map);
}

/* Against a plain array: adds, removes and changes in a fixed pseudo-random order. */
static void test_many(void **state)
{
    (void)state;
    enum { NAMES = 500, STEPS = 50000 };
    static unsigned model[NAMES]; /* identity number, 0: not there */
    struct attestation_host_map *map = attestation_host_map_new();
    unsigned random = 1, next_id = 1, count = 0;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        unsigned name = random / 65536 % NAMES;
        if (random >> 31) {
            count += model[name] == 0;
            model[name] = next_id++;
            put(map, name, model[name]);
        } else {
            char text[32];
            snprintf(text, sizeof text, "host%u", name);
            assert_int_equal(attestation_host_map_remove(map, text), model[name] != 0);
            if (model[name] != 0) {
                assert_string_equal(find(map, model[name]), "");
                count--;
            }
            model[name] = 0;
        }
    }
    assert_int_equal(attestation_host_map_count(map), count);
    for (unsigned name = 0; name < NAMES; name++) {
        char text[32];
        snprintf(text, sizeof text, "host%u", name);
        if (model[name] != 0)
            assert_string_equal(find(map, model[name]), text);
    }
    attestation_host_map_free(&map);
}

/* A key is another host's in another mode; a staged host is found by those who ask for it. */
static void test_modes_and_stages(void **state)
{
    (void)state;
    struct attestation_host_map *map = attestation_host_map_new();
    struct attestation_host_identity identity = {.mode = ATTESTATION_MODE_TPM, .staged = true};
    char name[ATTESTATION_NAME_SIZE];
    bool staged = false;
    make_id(identity.id, 7);
    put(map, 1, 7);
    attestation_host_map_put(map, "tpm", &identity);
    assert_string_equal(find(map, 7), "host1");
    assert_false(attestation_host_map_find(map, ATTESTATION_MODE_TPM, identity.id, name, NULL));
    assert_true(attestation_host_map_find(map, ATTESTATION_MODE_TPM, identity.id, name, &staged));
    assert_string_equal(name, "tpm");
    assert_true(staged);
    /* another name of the same key that is not staged is found beside it */
    identity.staged = false;
    attestation_host_map_put(map, "active", &identity);
    assert_true(attestation_host_map_find(map, ATTESTATION_MODE_TPM, identity.id, name, NULL));
    assert_string_equal(name, "active");
    assert_true(attestation_host_map_remove(map, "active"));
    attestation_host_map_put(map, "tpm", &identity); /* activated */
    assert_true(attestation_host_map_find(map, ATTESTATION_MODE_TPM, identity.id, name, NULL));
    assert_string_equal(name, "tpm");
    assert_int_equal(attestation_host_map_count(map), 2);
    attestation_host_map_free(&map);
}

struct reading {
    struct attestation_host_map *map;
    atomic_bool stop;
    atomic_bool missed;
};

static void *read_all(void *context)
{
    struct reading *reading = context;
    while (!atomic_load(&reading->stop)) {
        char name[ATTESTATION_NAME_SIZE];
        uint8_t id[ATTESTATION_HOST_ID_SIZE];
        for (unsigned i = 0; i < 100; i++) {
            make_id(id, i);
            if (!attestation_host_map_find(reading->map, ATTESTATION_MODE_HOST_KEY, id, name, NULL))
                atomic_store(&reading->missed, true);
        }
    }
    return NULL;
}

/* A host that stays is found at every moment, however many others come and go. */
static void test_readers(void **state)
{
    (void)state;
    struct reading reading = {.map = attestation_host_map_new()};
    pthread_t threads[2];
    for (unsigned i = 0; i < 100; i++)
        put(reading.map, i, i);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &reading), 0);
    for (unsigned round = 0; round < 3; round++) {
        attestation_host_map_begin(reading.map);
        for (unsigned i = 0; i < 100; i++)
            put(reading.map, i, i);
        for (unsigned i = 100; i < 5000; i++)
            put(reading.map, i, i + 5000 * round);
        attestation_host_map_sweep(reading.map);
    }
    atomic_store(&reading.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_false(atomic_load(&reading.missed));
    attestation_host_map_free(&reading.map);
}

static void test_memory(void **state)
{
    (void)state;
    enum { HOSTS = 100000 };
    struct attestation_host_map *map = attestation_host_map_new();
    for (unsigned i = 0; i < HOSTS; i++)
        put(map, i, i);
    size_t memory = attestation_host_map_memory(map);
    print_message("%d hosts: %zu bytes, %.1f a host\n", HOSTS, memory, (double)memory / HOSTS);
    assert_true(memory < 120ul * HOSTS);
    attestation_host_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_two_hosts_of_one_key),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_modes_and_stages),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
