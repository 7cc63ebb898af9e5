/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench-tpm: whole attestations in TPM mode by a population of simulated TPMs.
 *
 * Makes TPMS hosts for each size of log, registers them in the database of a service that is not
 * running, and says so by a line of its own ("ready"). Then, for each line
 *
 *     PORT LOG-BYTES CONNECTIONS SECONDS
 *
 * it attests to the service on that port of loopback and prints the result as a JSON object in one
 * line. A host's TPM is used by one connection at a time.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "population.h"

#define SIZES_MAX 8

struct population {
    size_t log_size;
    struct member *members;
};

/* One load. */
struct load {
    struct member *members;
    size_t count;
    unsigned connections;
    size_t *turns; /* of each connection: its conversations so far */
};

/* A connection goes through its own part of the hosts. */
static struct member *member_of(struct load *load, unsigned connection)
{
    size_t mine = (load->count - connection + load->connections - 1) / load->connections;
    return &load->members[connection + load->connections * (load->turns[connection] % mine)];
}

static struct load_request begin(void *context, unsigned connection)
{
    struct load *load = context;
    load->turns[connection]++;
    return member_begin(member_of(load, connection));
}

static enum load_turn follow(void *context, unsigned connection, struct slice reply,
                             struct load_request *next)
{
    return member_follow(member_of(context, connection), reply, next);
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static bool run(struct load *load, unsigned port, double seconds)
{
    struct load_result result;
    struct load_plan plan = {
        .address = {.sin_family = AF_INET,
                    .sin_port = htons((uint16_t)port),
                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .context = load,
        .begin = begin,
        .follow = follow,
        .connections = load->connections,
        .seconds = seconds,
    };
    double cpu = cpu_seconds();
    load->turns = memory_allocate_zero(load->connections, sizeof *load->turns);
    bool done = load_run(&result, &plan);
    if (done)
        printf("{\"requests\": %llu, \"errors\": %llu, \"seconds\": %.3f, "
               "\"requests_per_second\": %.1f, \"latency_us\": {\"p50\": %u, \"p99\": %u}, "
               "\"client_cpu_seconds\": %.3f}\n",
               (unsigned long long)result.requests, (unsigned long long)result.errors,
               result.seconds, (double)result.requests / result.seconds,
               load_percentile(&result, 0.5), load_percentile(&result, 0.99), cpu_seconds() - cpu);
    fflush(stdout);
    load_result_done(&result);
    free(load->turns);
    return done;
}

static void make(struct population *population, struct store *store, size_t log_size, size_t count)
{
    char prefix[32];
    population->log_size = log_size;
    population->members = memory_allocate_zero(count, sizeof *population->members);
    for (size_t i = 0; i < count; i++)
        member_init(&population->members[i], log_size);
    snprintf(prefix, sizeof prefix, "tpm-%zu", log_size);
    population_register(store, prefix, population->members, count);
}

static bool serve(const struct population *populations, size_t sizes, size_t count)
{
    unsigned port, connections;
    size_t log_size;
    double seconds;
    while (scanf("%u %zu %u %lf", &port, &log_size, &connections, &seconds) == 4) {
        struct load load = {.count = count, .connections = connections};
        for (size_t i = 0; i < sizes; i++)
            if (populations[i].log_size == log_size)
                load.members = populations[i].members;
        if (load.members == NULL || connections == 0 || connections > count ||
            !run(&load, port, seconds))
            return false;
    }
    return true;
}

/* usage: bench-tpm DATABASE TPMS LOG-BYTES… */
int main(int count, char **words)
{
    struct error err = {0};
    struct store *store = NULL;
    struct population populations[SIZES_MAX] = {{0}};
    size_t sizes = count > 3 ? (size_t)count - 3 : 0;
    size_t tpms = sizes > 0 ? strtoul(words[2], NULL, 10) : 0;
    if (sizes == 0 || sizes > SIZES_MAX || tpms == 0) {
        fputs("usage: bench-tpm DATABASE TPMS LOG-BYTES…\n", stderr);
        return 2;
    }
    if (!store_open_sqlite(&store, words[1], &err)) {
        fprintf(stderr, "bench-tpm: %s: %s\n", err.object, err.message);
        return 1;
    }
    for (size_t i = 0; i < sizes; i++)
        make(&populations[i], store, strtoul(words[3 + i], NULL, 10), tpms);
    store_close(&store);
    puts("ready");
    fflush(stdout);
    bool good = serve(populations, sizes, tpms);
    for (size_t i = 0; i < sizes; i++) {
        for (size_t m = 0; m < tpms; m++)
            member_done(&populations[i].members[m]);
        free(populations[i].members);
    }
    return good ? 0 : 1;
}
