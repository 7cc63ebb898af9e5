/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The policies in force: from the records of kind STORE_POLICY, kept as they came, to one immutable
 * set that all workers read. A damaged record is passed over and told; a host that needed it then
 * fails, as it should.
 */

#include "policy/set.h"

#include <stdatomic.h>

/* One set, counted by references. */
struct attestation_policies {
    atomic_uint references;
    struct policy_set *set;
    /* Of all records and the functional level, whatever their order: equal on every node that
     * enforces the same policies. */
    uint8_t digest[DIGEST_SHA256_SIZE];
};

/* What a host is judged by: all policies, and whom they see in it (its name, profile, version,
 * sets). Equal on every node, and for as long as none of it changes. */
void attestation_policies_digest(uint8_t out[DIGEST_SHA256_SIZE],
                                 const struct attestation_policies *policies,
                                 const struct policy_subject *subject);

struct attestation_policies *attestation_policies_ref(struct attestation_policies *policies);
void attestation_policies_release(struct attestation_policies **policies);

/* The records. Belongs to one thread at a time. */
struct attestation_policy_records;

struct attestation_policy_records *attestation_policy_records_new(void);
void attestation_policy_records_free(struct attestation_policy_records **records);
void attestation_policy_records_put(struct attestation_policy_records *records, const char *key,
                                    struct slice value);
void attestation_policy_records_remove(struct attestation_policy_records *records, const char *key);
/* One reference, of the caller. *problem is set for a record that was passed over. */
struct attestation_policies *attestation_policy_records_build(
    const struct attestation_policy_records *records, uint32_t functional_level,
    struct error *problem);
