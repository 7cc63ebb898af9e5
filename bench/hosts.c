/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench-hosts: registers many hosts in the store of a service that is not running, so that a
 * million of them take a minute. Their keys are random numbers of the right form, which nobody has
 * the private half of.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attestation/host.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/private_key.h"
#include "crypto/random.h"
#include "store/store.h"

#define VALUE_MAX 8192
#define MODULUS_SIZE 256

struct batch {
    struct store_change changes[STORE_CHANGES_MAX];
    char names[STORE_CHANGES_MAX][32];
    struct buf values[STORE_CHANGES_MAX];
    size_t count;
};

static void check(bool good, const struct error *err)
{
    if (good)
        return;
    fprintf(stderr, "bench-hosts: %s: %s (%s)\n", err->object, err->message, err->code->name);
    exit(1);
}

/* A real key, whose modulus is then replaced: where it begins in the SubjectPublicKeyInfo, which
 * ends with the exponent 65537 (5 bytes). */
static size_t make_host(struct attestation_host *out)
{
    struct error err = {0};
    _cleanup_private_key_ struct private_key *key = NULL;
    check(private_key_generate(&key, PRIVATE_KEY_RSA_2048, &err), &err);
    struct slice spki = public_key_spki(private_key_public(key));
    check(attestation_host_init(out, "many", spki, 0, "bench", &err), &err);
    struct clock clock;
    clock_init(&clock);
    out->added = clock_now(&clock);
    return spki.size - 5 - MODULUS_SIZE;
}

static void add(struct batch *batch, struct attestation_host *host, size_t modulus, size_t number)
{
    size_t i = batch->count++;
    random_bytes(host->key.data + modulus, MODULUS_SIZE);
    host->key.data[modulus] |= 0x80;
    host->key.data[modulus + MODULUS_SIZE - 1] |= 1;
    digest_sha256(host->key_id, buf_slice(&host->key));
    snprintf(batch->names[i], sizeof batch->names[i], "many-%08zu", number);
    snprintf(host->name, sizeof host->name, "%s", batch->names[i]);
    buf_reset(&batch->values[i]);
    attestation_host_format(&batch->values[i], host);
    batch->changes[i] = (struct store_change){.kind = STORE_HOST,
                                              .key = batch->names[i],
                                              .value = buf_slice(&batch->values[i]),
                                              .expected = STORE_ABSENT};
}

static void commit(struct batch *batch, struct store *store)
{
    struct error err = {0};
    check(store_commit(store, batch->changes, batch->count, NULL, &err), &err);
    batch->count = 0;
}

static void fill(struct store *store, size_t first, size_t end)
{
    static struct batch batch;
    struct attestation_host host;
    size_t modulus = make_host(&host);
    for (size_t i = 0; i < STORE_CHANGES_MAX; i++)
        buf_init(&batch.values[i], VALUE_MAX);
    for (size_t number = first; number < end; number++) {
        add(&batch, &host, modulus, number);
        if (batch.count == STORE_CHANGES_MAX || number + 1 == end)
            commit(&batch, store);
    }
    for (size_t i = 0; i < STORE_CHANGES_MAX; i++)
        buf_done(&batch.values[i]);
    attestation_host_done(&host);
}

/* usage: bench-hosts DATABASE FIRST END: hosts many-FIRST to many-(END - 1). */
int main(int count, char **words)
{
    struct error err = {0};
    struct store *store = NULL;
    if (count != 4) {
        fputs("usage: bench-hosts DATABASE FIRST END\n", stderr);
        return 2;
    }
    check(store_open_sqlite(&store, words[1], &err), &err);
    fill(store, strtoul(words[2], NULL, 10), strtoul(words[3], NULL, 10));
    store_close(&store);
    return 0;
}
