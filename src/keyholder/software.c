/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/software.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

/* Workers beyond that share copies. */
#define COPIES 16

struct software_key {
    struct private_key *key;
    _Atomic(struct private_key *) copies[COPIES]; /* NULL until a worker needs its own */
};

void *software_key_new(struct private_key **key)
{
    struct software_key *software = memory_allocate_zero(1, sizeof *software);
    software->key = memory_steal(key);
    return software;
}

static struct private_key *copy(const struct private_key *key)
{
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, key);
    struct private_key *made = NULL;
    return private_key_parse(&made, secret_slice(&pkcs8), NULL) ? made : NULL;
}

/* The worker's own copy. Should none be had, the shared key does as well. */
static const struct private_key *key_of(struct software_key *software, unsigned worker)
{
    _Atomic(struct private_key *) *slot = &software->copies[worker % COPIES];
    struct private_key *key = atomic_load(slot);
    if (key != NULL)
        return key;
    struct private_key *made = copy(software->key);
    if (made == NULL)
        return software->key;
    if (atomic_compare_exchange_strong(slot, &key, made))
        return made;
    private_key_free(&made);
    return key;
}

static bool software_sign(void *key, unsigned worker, enum signature_algorithm algorithm,
                          struct slice digest, struct buf *out, struct error *err)
{
    return private_key_sign_digest(out, key_of(key, worker), algorithm, digest, err);
}

static bool software_decrypt(void *key, unsigned worker, enum encryption_algorithm algorithm,
                             struct slice ciphertext, struct secret *out, struct error *err)
{
    return private_key_decrypt(out, key_of(key, worker), algorithm, ciphertext, err);
}

static void software_done(void *key)
{
    struct software_key *software = key;
    for (size_t i = 0; i < COPIES; i++) {
        struct private_key *made = atomic_load(&software->copies[i]);
        private_key_free(&made);
    }
    private_key_free(&software->key);
    free(software);
}

const struct key_operations software_operations = {software_sign, software_decrypt, software_done};
