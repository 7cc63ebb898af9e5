/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Everything small that a request reads, as of one moment: immutable, counted by references,
 * replaced as a whole. The replies that do not depend on the request are built once for each.
 *
 * A worker takes the current one under a mutex that is held for a pointer and a count (some 20 ns,
 * beside a signature of 300 µs), and keeps it for its request.
 */

#include "attestation/policies.h"
#include "attestation/signer.h"
#include "tpm/trust.h"

#include <pthread.h>
#include <stdatomic.h>

struct attestation_snapshot {
    atomic_uint references;
    struct attestation_settings settings;
    struct attestation_signer_list signers;
    struct attestation_policies *policies;
    struct tpm_trust *trust;
    struct buf info;                 /* ServiceInfoReply */
    struct buf signing_certificates; /* "[48,130,…]", or an UnavailableErrorReply without signers */
};

/* One reference, of the caller. Copies settings and signers; takes references to policies and trust
 * of its own. */
struct attestation_snapshot *attestation_snapshot_new(const struct attestation_settings *settings,
                                                      const struct attestation_signer_list *signers,
                                                      struct attestation_policies *policies,
                                                      struct tpm_trust *trust, const char *node,
                                                      int64_t now);
void attestation_snapshot_release(struct attestation_snapshot **snapshot);
#define _cleanup_attestation_snapshot_ __attribute__((cleanup(attestation_snapshot_release)))

/* Where the current one is. */
struct attestation_snapshot_slot {
    pthread_mutex_t lock;
    struct attestation_snapshot *current; /* NULL before the first */
};

void attestation_snapshot_slot_init(struct attestation_snapshot_slot *slot);
void attestation_snapshot_slot_done(struct attestation_snapshot_slot *slot);
/* Takes the caller's reference. */
void attestation_snapshot_publish(struct attestation_snapshot_slot *slot,
                                  struct attestation_snapshot *snapshot);
/* A reference to the current one. */
struct attestation_snapshot *attestation_snapshot_take(struct attestation_snapshot_slot *slot);
