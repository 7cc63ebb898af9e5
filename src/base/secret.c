/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/secret_pool.h"

/* A sanitizer sees an overflow only in memory of its own; there, secrets are plain heap blocks. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SECRET_ON_HEAP 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SECRET_ON_HEAP 1
#endif

#ifdef SECRET_ON_HEAP
#include <malloc.h>

static void *take(size_t size)
{
    return memory_allocate_zero(1, size);
}

static void give(void *memory)
{
    explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}
#else
static void *take(size_t size)
{
    return secret_pool_take(size);
}

static void give(void *memory)
{
    secret_pool_give(memory);
}
#endif

void secret_init(struct secret *secret, size_t size)
{
    *secret = (struct secret){size > 0 ? take(size) : NULL, size};
}

void secret_copy(struct secret *secret, struct slice bytes)
{
    secret_init(secret, bytes.size);
    if (bytes.size > 0)
        memcpy(secret->data, bytes.data, bytes.size);
}

void secret_done(struct secret *secret)
{
    if (secret == NULL)
        return;
    if (secret->data != NULL)
        give(secret->data);
    *secret = SECRET_EMPTY;
}

void secret_shrink(struct secret *secret, size_t size)
{
    assert(size <= secret->size);
    if (size == 0) {
        secret_done(secret);
        return;
    }
    explicit_bzero(secret->data + size, secret->size - size);
    secret->size = size;
}

bool secret_equal(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    uint8_t difference = 0;
    for (size_t i = 0; i < a.size; i++) {
        difference |= a.data[i] ^ b.data[i];
        /* Hides the value from the optimiser, which could otherwise stop at the first difference.
         */
        __asm__ volatile("" : "+r"(difference));
    }
    return difference == 0;
}
