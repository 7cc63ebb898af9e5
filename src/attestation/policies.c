/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/policies.h"

#include "base/map.h"
#include "base/memory.h"

#include <stdlib.h>

/* One record, read once. */
struct record {
    uint8_t digest[DIGEST_SHA256_SIZE]; /* of its key and value */
    struct policy_shared *policy;       /* NULL: it is damaged, */
    struct error problem;               /* and how */
};

struct attestation_policy_records {
    struct map *records; /* store key -> struct record */
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

static void free_record(void *value)
{
    struct record *record = value;
    policy_shared_release(&record->policy);
    free(record);
}

struct attestation_policy_records *attestation_policy_records_new(void)
{
    struct attestation_policy_records *records = memory_allocate_zero(1, sizeof *records);
    records->records = map_new(free_record);
    return records;
}

void attestation_policy_records_free(struct attestation_policy_records **records)
{
    struct attestation_policy_records *gone = memory_steal(records);
    if (gone == NULL)
        return;
    map_free(gone->records);
    free(gone);
}

static void digest_record(uint8_t out[DIGEST_SHA256_SIZE], struct slice key, struct slice value)
{
    uint8_t size[4] = {(uint8_t)key.size, (uint8_t)(key.size >> 8), (uint8_t)(key.size >> 16),
                       (uint8_t)(key.size >> 24)};
    struct slice parts[] = {slice_of(size, sizeof size), key, value};
    struct digest digest;
    digest_compute_parts(&digest, DIGEST_SHA256, parts, 3);
    memcpy(out, digest.value, DIGEST_SHA256_SIZE);
}

void attestation_policy_records_put(struct attestation_policy_records *records, const char *key,
                                    struct slice value)
{
    struct policy policy;
    struct record *record = memory_allocate_zero(1, sizeof *record);
    digest_record(record->digest, slice_from_text(key), value);
    if (policy_parse(&policy, value, &record->problem))
        record->policy = policy_shared_new(&policy);
    map_put(records->records, slice_from_text(key), record);
}

void attestation_policy_records_remove(struct attestation_policy_records *records, const char *key)
{
    map_remove(records->records, slice_from_text(key));
}

static void add(struct policy_set *set, const struct record *record, struct error *problem)
{
    if (record->policy == NULL)
        *problem = record->problem;
    else
        policy_set_add_shared(set, record->policy, problem);
}

/* The sum over the records does not depend on their order. */
static void add_digest(uint8_t sum[DIGEST_SHA256_SIZE], const uint8_t digest[DIGEST_SHA256_SIZE])
{
    unsigned carry = 0;
    for (size_t i = 0; i < DIGEST_SHA256_SIZE; i++) {
        carry += (unsigned)sum[i] + digest[i];
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
    while (map_next(records->records, &position, &key, &value)) {
        const struct record *record = value;
        add(policies->set, record, problem);
        add_digest(policies->digest, record->digest);
    }
    return policies;
}
