/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A secret owns bytes that nobody else may see: they live in locked memory that no core dump
 * contains, are wiped when the secret dies, and are compared in constant time. Small secrets (keys)
 * are cheap: they come from a pool.
 */

#include "base/slice.h"

struct secret {
    uint8_t *data; /* NULL when empty */
    size_t size;
};

#define SECRET_EMPTY ((struct secret){NULL, 0})

/* size bytes (zeroed) to fill in; whatever *secret held before must have been freed. Aborts without
 * memory. */
void secret_init(struct secret *secret, size_t size);
/* A copy of bytes. */
void secret_copy(struct secret *secret, struct slice bytes);
/* Wipes and frees; leaves it empty. NULL is allowed. */
void secret_done(struct secret *secret);
/* Wipes the bytes behind size and shortens it. */
void secret_shrink(struct secret *secret, size_t size);
/* Constant time in the contents (not in the sizes). */
bool secret_equal(struct slice a, struct slice b);

static inline struct slice secret_slice(const struct secret *secret)
{
    return (struct slice){secret->data, secret->size};
}

#define _cleanup_secret_ __attribute__((cleanup(secret_done)))
