/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <assert.h>
#include <limits.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/secret_pool.h"
#include "crypto/openssl.h"

/* Drawn at once by each thread. A call of the generator costs more than a microsecond, however few
 * bytes it gives, and a request wants half a dozen keys, nonces and serial numbers. With its
 * struct it fits a slot of the pool. */
#define STOCK_SIZE 1000
/* What is larger is drawn for itself. */
#define STOCKED_MAX 64

struct stock {
    size_t used;
    uint8_t bytes[STOCK_SIZE];
};

static _Thread_local struct stock *stock;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void draw(void *out, size_t size)
{
    /* The generator for what stays private: most of what is drawn here becomes a key. */
    if (RAND_priv_bytes(out, (int)size) != 1)
        openssl_abort("random bytes");
}

/* A child would draw the same bytes as its parent. Only the thread that forked lives on in it. */
static void forget(void)
{
    if (stock == NULL)
        return;
    explicit_bzero(stock->bytes, STOCK_SIZE);
    stock->used = STOCK_SIZE;
}

/* What draws while its thread ends gets a new stock, and this is called again. */
static void drop(void *ended)
{
    stock = NULL;
    secret_pool_give(ended);
}

static void prepare(void)
{
    if (pthread_key_create(&at_thread_end, drop) != 0 || pthread_atfork(NULL, NULL, forget) != 0)
        openssl_abort("random bytes");
}

static struct stock *stock_of_thread(void)
{
    if (stock == NULL) {
        pthread_once(&once, prepare);
        stock = secret_pool_take(sizeof *stock);
        stock->used = STOCK_SIZE;
        if (pthread_setspecific(at_thread_end, stock) != 0)
            openssl_abort("random bytes");
    }
    return stock;
}

void random_bytes(void *out, size_t size)
{
    assert(size <= INT_MAX);
    if (size > STOCKED_MAX) {
        draw(out, size);
        return;
    }
    struct stock *from = stock_of_thread();
    if (size > STOCK_SIZE - from->used) {
        draw(from->bytes, STOCK_SIZE);
        from->used = 0;
    }
    memcpy(out, from->bytes + from->used, size);
    explicit_bzero(from->bytes + from->used, size); /* nobody can find out later what it was */
    from->used += size;
}

uint32_t random_below(uint32_t bound)
{
    assert(bound > 0);
    /* Values from the incomplete last run of 0 … bound-1 would make the small ones likelier. */
    uint32_t surplus = (uint32_t)(UINT64_C(0x100000000) % bound);
    uint32_t value;
    do
        random_bytes(&value, sizeof value);
    while (value > UINT32_MAX - surplus);
    return value % bound;
}
