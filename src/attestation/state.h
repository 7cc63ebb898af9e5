/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the store says about attestation, kept up by its changes: hosts, settings, signers, policies
 * and TPM roots. Damaged
 * records never stop the service: a damaged host is not registered, a damaged setting leaves what
 * was before (the mode: unknown), a damaged signer is unknown; the latest is told.
 */

#include "attestation/host_map.h"
#include "attestation/policies.h"
#include "attestation/signer.h"
#include "attestation/tpm_root.h"

struct attestation_state {
    struct attestation_host_map *hosts; /* has its own locks */
    /* All else belongs to whoever holds the service's lock. */
    struct attestation_settings settings;
    struct attestation_signer_list signers;
    struct attestation_policy_records *policy_records;
    struct attestation_tpm_roots *roots;
    /* Built of the two above by attestation_state_build. */
    struct attestation_policies *policies;
    struct tpm_trust *trust;
    bool policies_changed, roots_changed;
    struct error problem;           /* the latest damaged record; code NULL: none */
    int64_t loaded[STORE_KIND_MAX]; /* the revision at which a kind was read whole */
    bool stale;                     /* must be read whole again, and could not be yet */
};

void attestation_state_init(struct attestation_state *state);
void attestation_state_done(struct attestation_state *state);
/* Reads all of it, also once more over what was there. *revision: changes behind it must be
 * applied. When it fails it is stale. Errors of store/. */
bool attestation_state_load(struct attestation_state *state, struct store *store, int64_t *revision,
                            struct error *err);
/*
 * One change as the store's watch gives it: `expected` is the revision of its commit, and one that
 * was there already when its kind was read is passed over. True when anything but hosts may have
 * changed.
 */
bool attestation_state_apply(struct attestation_state *state, const struct store_change *change);
/* Builds policies and trust anew where their records changed. Before they are looked at. */
void attestation_state_build(struct attestation_state *state);
