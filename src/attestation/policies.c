/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/policies.h"

#include "base/map.h"
#include "base/memory.h"

#include <stdlib.h>

struct attestation_policy_records {
    struct map *values; /* store key -> struct buf */
};

struct attestation_policies *attestation_policies_ref(struct attestation_policies *policies)
{
    atomic_fetch_add(&policies->references, 1);
    return policies;
}

void attestation_policies_release(struct attestation_policies **policies)
{
    struct attestation_policies *last = memory_steal(policies);
    if (last == NULL || atomic_fetch_sub(&last->references, 1) != 1)
        return;
    policy_set_free(last->set);
    free(last);
}

static void append_name(struct buf *out, const char *name)
{
    buf_append_bytes(out, name, strlen(name) + 1);
}

void attestation_policies_digest(uint8_t out[DIGEST_SHA256_SIZE],
                                 const struct attestation_policies *policies,
                                 const struct policy_subject *subject)
{
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, SIZE_MAX);
    buf_append_bytes(&bytes, policies->digest, sizeof policies->digest);
    buf_append_u8(&bytes, (uint8_t)subject->profile);
    buf_append_u8(&bytes, (uint8_t)subject->version);
    append_name(&bytes, subject->host);
    for (size_t i = 0; i < subject->set_count; i++)
        append_name(&bytes, subject->sets[i]);
    digest_sha256(out, buf_slice(&bytes));
}

static void free_value(void *value)
{
    buf_done(value);
    free(value);
}

struct attestation_policy_records *attestation_policy_records_new(void)
{
    struct attestation_policy_records *records = memory_allocate_zero(1, sizeof *records);
    records->values = map_new(free_value);
    return records;
}

void attestation_policy_records_free(struct attestation_policy_records **records)
{
    struct attestation_policy_records *gone = memory_steal(records);
    if (gone == NULL)
        return;
    map_free(gone->values);
    free(gone);
}

void attestation_policy_records_put(struct attestation_policy_records *records, const char *key,
                                    struct slice value)
{
    struct buf *copy = memory_allocate(sizeof *copy);
    buf_init(copy, value.size);
    buf_append(copy, value);
    map_put(records->values, slice_from_text(key), copy);
}

void attestation_policy_records_remove(struct attestation_policy_records *records, const char *key)
{
    map_remove(records->values, slice_from_text(key));
}

static void add(struct policy_set *set, struct slice value, struct error *problem)
{
    struct policy policy;
    if (policy_parse(&policy, value, problem) && !policy_set_add(set, &policy, problem))
        policy_done(&policy);
}

/* The sum over the records does not depend on their order. */
static void add_digest(uint8_t sum[DIGEST_SHA256_SIZE], struct slice key, struct slice value)
{
    uint8_t size[4] = {(uint8_t)key.size, (uint8_t)(key.size >> 8), (uint8_t)(key.size >> 16),
                       (uint8_t)(key.size >> 24)};
    struct slice parts[] = {slice_of(size, sizeof size), key, value};
    struct digest digest;
    digest_compute_parts(&digest, DIGEST_SHA256, parts, 3);
    unsigned carry = 0;
    for (size_t i = 0; i < DIGEST_SHA256_SIZE; i++) {
        carry += (unsigned)sum[i] + digest.value[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

struct attestation_policies *attestation_policy_records_build(
    const struct attestation_policy_records *records, uint32_t functional_level,
    struct error *problem)
{
    struct attestation_policies *policies = memory_allocate_zero(1, sizeof *policies);
    atomic_init(&policies->references, 1);
    policies->set = policy_set_new(functional_level);
    policies->digest[0] = (uint8_t)functional_level;
    size_t position = 0;
    struct slice key;
    void *value;
    while (map_next(records->values, &position, &key, &value)) {
        add(policies->set, buf_slice(value), problem);
        add_digest(policies->digest, key, buf_slice(value));
    }
    return policies;
}
