/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the store says about attestation, kept up by its changes: hosts, settings, signers. Damaged
 * records never stop the service: a damaged host is not registered, a damaged setting leaves what
 * was before (the mode: unknown), a damaged signer is unknown; the latest is told.
 */

#include "attestation/host_map.h"
#include "attestation/signer.h"

struct attestation_state {
    struct attestation_host_map *hosts; /* has its own locks */
    /* All else belongs to whoever holds the service's lock. */
    struct attestation_settings settings;
    struct attestation_signer_list signers;
    struct error problem; /* the latest damaged record; code NULL: none */
};

void attestation_state_init(struct attestation_state *state);
void attestation_state_done(struct attestation_state *state);
/* Reads all of it. *revision: changes behind it must be applied (again). Errors of store/. */
bool attestation_state_load(struct attestation_state *state, struct store *store, int64_t *revision,
                            struct error *err);
/* One change. True when settings or signers may have changed. */
bool attestation_state_apply(struct attestation_state *state, const struct store_change *change);
