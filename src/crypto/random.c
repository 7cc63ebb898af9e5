/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <assert.h>
#include <limits.h>
#include <openssl/rand.h>

#include "crypto/openssl.h"

void random_bytes(void *out, size_t size)
{
    assert(size <= INT_MAX);
    /* The generator for what stays private: most of what is drawn here becomes a key. */
    if (RAND_priv_bytes(out, (int)size) != 1)
        openssl_abort("random bytes");
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
