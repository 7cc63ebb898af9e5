/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The seam between the service and its modes of attestation: one table, a file each mode. A mode
 * reads the body of its own door and decides whether the host passes; what follows (the
 * certificate, the audit trail, the reply) is the same for all.
 */

#include "attestation/host_cache.h"
#include "attestation/host_map.h"
#include "attestation/log_names.h"
#include "attestation/pending.h"
#include "attestation/policies.h"
#include "attestation/sealing_key.h"
#include "attestation/settings.h"
#include "crypto/public_key.h"
#include "policy/verdict.h"

enum attestation_door {
    ATTESTATION_DOOR_TPM,
    ATTESTATION_DOOR_AD,
    ATTESTATION_DOOR_HOST_KEY,
};

/* What TPM mode looks at besides; all borrowed. */
struct attestation_tpm_parts {
    struct attestation_policies *policies;
    struct tpm_trust *trust;
    struct attestation_host_cache *known_hosts;
    struct attestation_sealing_keys *sealing_keys;
    struct attestation_pending *pending;     /* NULL: boots are not remembered */
    struct cache *judged;                    /* of judged.h; NULL: each boot is judged anew */
    struct attestation_log_names *log_names; /* NULL: each log is hashed */
};

/* What a mode looks at. */
struct attestation_mode_input {
    unsigned version; /* of the route: 1 or 2 */
    struct slice body;
    struct attestation_host_map *hosts;
    struct cache *host_keys; /* of public_key_cache_new; registered ones only */
    const struct attestation_settings *settings;
    const struct attestation_tpm_parts *tpm; /* for TPM mode */
    bool what_if;                            /* evaluate only (TPM mode): nothing is issued */
    int64_t now;                             /* seconds since 1970 */
};

/* What it found out; filled as far as it came, so that a refusal's audit record names the host. */
struct attestation_evidence {
    char host[ATTESTATION_NAME_SIZE]; /* empty: not known */
    bool has_host_id;
    uint8_t host_id[ATTESTATION_HOST_ID_SIZE];
    uint8_t requested[ATTESTATION_RESULT_MAX];
    size_t requested_count;
    /* References: what the certificate for each of requested is for. */
    struct public_key *identity_keys[ATTESTATION_RESULT_MAX];
    /* A signing certificate is for a key that the hypervisor protects (protocol.md 2.4). */
    bool signing_key_protected;
    /* TPM mode: the exchange goes on with this context (RtpmActiveContext), and nothing is decided
     * yet. Empty: it has ended. */
    struct buf context;
    bool has_boot;
    uint8_t boot[DIGEST_SHA256_SIZE]; /* SHA-256 of the event log */
    bool has_verdict;
    struct verdict verdict; /* of the policies; also when they refuse */
    int64_t until;    /* the verdict stands until then, when a policy ends; 0: longer than what is
                         issued for it */
    bool uncertified; /* the host was registered without a good endorsement certificate */
};

void attestation_evidence_done(struct attestation_evidence *evidence);
#define _cleanup_attestation_evidence_ __attribute__((cleanup(attestation_evidence_done)))

/* The same key for every certificate asked for; a reference is taken for each. */
void attestation_evidence_set_key(struct attestation_evidence *evidence, struct public_key *key);

struct attestation_mode_operations {
    enum attestation_mode mode;
    enum attestation_door door;
    /* True when the host passes: evidence is then whole; or when evidence->context says that the
     * exchange goes on. NULL: the mode is not supported by this version. */
    bool (*attest)(struct attestation_evidence *evidence,
                   const struct attestation_mode_input *input, struct error *err);
};

/* NULL for the unknown mode. */
const struct attestation_mode_operations *attestation_mode_operations(enum attestation_mode mode);
