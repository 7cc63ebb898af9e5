/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The seam between the service and its modes of attestation: one table, a file each mode. A mode
 * reads the body of its own door and decides whether the host passes; what follows (the
 * certificate, the audit trail, the reply) is the same for all.
 */

#include "attestation/host_map.h"
#include "attestation/settings.h"
#include "crypto/public_key.h"

enum attestation_door {
    ATTESTATION_DOOR_TPM,
    ATTESTATION_DOOR_AD,
    ATTESTATION_DOOR_HOST_KEY,
};

/* What a mode looks at. */
struct attestation_mode_input {
    unsigned version; /* of the route: 1 or 2 */
    struct slice body;
    struct attestation_host_map *hosts;
    struct cache *host_keys; /* of public_key_cache_new; registered ones only */
    const struct attestation_settings *settings;
};

/* What it found out; filled as far as it came, so that a refusal's audit record names the host. */
struct attestation_evidence {
    char host[ATTESTATION_NAME_SIZE]; /* empty: not known */
    bool has_host_id;
    uint8_t host_id[ATTESTATION_HOST_ID_SIZE];
    struct public_key *identity_key; /* a reference: what the certificates are for */
    uint8_t requested[ATTESTATION_RESULT_MAX];
    size_t requested_count;
};

void attestation_evidence_done(struct attestation_evidence *evidence);
#define _cleanup_attestation_evidence_ __attribute__((cleanup(attestation_evidence_done)))

struct attestation_mode_operations {
    enum attestation_mode mode;
    enum attestation_door door;
    /* True when the host passes: evidence is then whole. NULL: the mode is not supported by this
     * version. */
    bool (*attest)(struct attestation_evidence *evidence,
                   const struct attestation_mode_input *input, struct error *err);
};

/* NULL for the unknown mode. */
const struct attestation_mode_operations *attestation_mode_operations(enum attestation_mode mode);
