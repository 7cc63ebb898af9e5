/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench-rsa: how many RSA-2048 private operations a second this machine does (R), and what one
 * costs (T). Each thread has a key and a context of its own and signs one digest over and over
 * through EVP, which is as fast as a program can be that does nothing else.
 */

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BATCH 16 /* signatures between two looks at the clock */

struct worker {
    pthread_t thread;
    EVP_PKEY_CTX *context;
    double seconds;    /* how long to work */
    double cpu;        /* seconds of CPU that it took */
    double took;       /* seconds */
    unsigned long did; /* signatures */
};

static void fail(const char *what)
{
    fprintf(stderr, "bench-rsa: %s fails\n", what);
    exit(1);
}

static double read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static EVP_PKEY_CTX *new_context(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    if (key == NULL)
        fail("making a key");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    EVP_PKEY_free(key);
    if (context == NULL || EVP_PKEY_sign_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1)
        fail("preparing a signature");
    return context;
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    unsigned char digest[32] = {1}, signature[256];
    double begun = read_clock(CLOCK_MONOTONIC), cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    do {
        for (int i = 0; i < BATCH; i++) {
            size_t size = sizeof signature;
            if (EVP_PKEY_sign(worker->context, signature, &size, digest, sizeof digest) != 1)
                fail("a signature");
        }
        worker->did += BATCH;
        worker->took = read_clock(CLOCK_MONOTONIC) - begun;
    } while (worker->took < worker->seconds);
    worker->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
    return NULL;
}

/* usage: bench-rsa SECONDS [THREADS], by default one a core. */
int main(int count, char **words)
{
    double seconds = count > 1 ? atof(words[1]) : 0;
    long threads = count > 2 ? atol(words[2]) : sysconf(_SC_NPROCESSORS_ONLN);
    if (count > 3 || seconds <= 0 || threads < 1) {
        fputs("usage: bench-rsa SECONDS [THREADS]\n", stderr);
        return 2;
    }
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    if (workers == NULL)
        fail("allocating");
    for (long i = 0; i < threads; i++)
        workers[i] = (struct worker){.context = new_context(), .seconds = seconds};
    for (long i = 0; i < threads; i++)
        if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0)
            fail("starting a thread");
    double rate = 0, cpu = 0, did = 0;
    for (long i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        rate += (double)workers[i].did / workers[i].took;
        cpu += workers[i].cpu;
        did += (double)workers[i].did;
        EVP_PKEY_CTX_free(workers[i].context);
    }
    free(workers);
    printf("{\"threads\": %ld, \"per_second\": %.1f, \"cpu_us\": %.2f}\n", threads, rate,
           cpu / did * 1e6);
    return 0;
}
