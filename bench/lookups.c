/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench-lookups: what finding a host takes among so many, in nanoseconds of CPU, and the memory of
 * one. Hosts are asked for in no order, as they come; half of those asked for are not registered.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attestation/host_map.h"
#include "crypto/digest.h"

#define LOOKUPS 2000000

static void make_id(uint8_t id[ATTESTATION_HOST_ID_SIZE], uint64_t number)
{
    digest_sha256(id, slice_of(&number, sizeof number));
}

static double read_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Identities are made before the clock runs: making one takes longer than finding it. */
static uint8_t *make_questions(uint64_t hosts)
{
    uint8_t *questions = malloc((size_t)LOOKUPS * ATTESTATION_HOST_ID_SIZE);
    if (questions == NULL)
        abort();
    uint64_t state = 1;
    for (size_t i = 0; i < LOOKUPS; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        make_id(questions + i * ATTESTATION_HOST_ID_SIZE, (state >> 20) % (2 * hosts));
    }
    return questions;
}

/* usage: bench-lookups HOSTS */
int main(int count, char **words)
{
    uint64_t hosts = count == 2 ? strtoull(words[1], NULL, 10) : 0;
    if (hosts == 0) {
        fputs("usage: bench-lookups HOSTS\n", stderr);
        return 2;
    }
    struct attestation_host_map *map = attestation_host_map_new();
    char name[ATTESTATION_NAME_SIZE];
    for (uint64_t i = 0; i < hosts; i++) {
        struct attestation_host_identity identity = {.mode = ATTESTATION_MODE_HOST_KEY};
        snprintf(name, sizeof name, "many-%08llu", (unsigned long long)i);
        make_id(identity.id, i);
        attestation_host_map_put(map, name, &identity);
    }
    uint8_t *questions = make_questions(hosts);
    size_t found = 0;
    double begun = read_clock();
    for (size_t i = 0; i < LOOKUPS; i++)
        found += attestation_host_map_find(map, ATTESTATION_MODE_HOST_KEY,
                                           questions + i * ATTESTATION_HOST_ID_SIZE, name, NULL);
    double took = read_clock() - begun;
    printf("{\"hosts\": %llu, \"lookup_ns\": %.1f, \"found\": %.2f, \"bytes_per_host\": %.1f}\n",
           (unsigned long long)hosts, took / LOOKUPS * 1e9, (double)found / LOOKUPS,
           (double)attestation_host_map_memory(map) / (double)hosts);
    free(questions);
    attestation_host_map_free(&map);
    return 0;
}
