/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Remembering boots (boot.h) while hosts attest, and making policies of those that failed
 * (`pending list`, `show`, `approve`). A host that passes has nothing pending any more.
 *
 * Attestations never wait for the store: boots are handed to a thread with a bounded queue, and a
 * boot that is remembered already costs no write. A boot that a client only claims (boot.h,
 * `proven`) never takes the place of one that a TPM has proven, and is written at most every
 * ATTESTATION_PENDING_CLAIM_SECONDS for a host.
 */

#include "attestation/boot.h"
#include "policy/policy.h"

#define ATTESTATION_PENDING_CLAIM_SECONDS 10
#define ATTESTATION_PENDING_TELL_SECONDS 60

/*
 * A baseline policy, for this host alone, that trusts the boot's events of these PCRs.
 * until: its end (0: none). The caller commits it (policy_key, policy_format), together with the
 * removal of the pending record. attestation.boot-log-missing; policy.name; the errors of
 * eventlog_parse and baseline_take.
 */
bool attestation_pending_policy(struct policy *out, const struct attestation_boot *boot,
                                uint32_t pcrs, const char *name, int64_t until, int64_t now,
                                const char *added_by, struct error *err);

/* What attestations give to be remembered. */
struct attestation_pending;

/* Starts its thread; NULL when that cannot be. */
struct attestation_pending *attestation_pending_new(struct store *store);
/* Writes what waits, then ends. */
void attestation_pending_free(struct attestation_pending **pending);

struct attestation_boot_seen {
    const char *host;
    int64_t time;
    enum eventlog_profile profile;
    enum policy_version version;
    enum digest_algorithm bank;
    bool proven;
    const struct verdict *verdict;
    struct slice log;      /* empty: not at hand; what is there of this boot then stays as it is */
    const uint8_t *digest; /* SHA-256 of the log */
};
/* Whether this node has remembered the boot, proven by the TPM, as the host's last good one. A
 * bounded memory: false costs a look at the store, no more. */
bool attestation_pending_knows(struct attestation_pending *pending, const char *host,
                               const uint8_t digest[32]);
/* Somebody removed the host's record of this kind (STORE_LAST_BOOT, STORE_PENDING), or (host NULL)
 * may have removed any. */
void attestation_pending_forget(struct attestation_pending *pending, enum store_kind kind,
                                const char *host);
/* Copies what it needs and returns at once; when too many wait, it is dropped, counted, and logged
 * (at most once in ATTESTATION_PENDING_TELL_SECONDS). */
void attestation_pending_note(struct attestation_pending *pending,
                              const struct attestation_boot_seen *seen);
/* Waits until everything noted so far was handled (for tests and stopping). */
void attestation_pending_settle(struct attestation_pending *pending);
/* Boots that were not remembered since the start, because too many waited or the store refused
 * them: `pending list` may lack them until their hosts attest again. */
struct attestation_pending_drops {
    uint64_t count;
    int64_t time;                          /* of the last one's attestation; 0: there is none */
    char host[ATTESTATION_BOOT_HOST_SIZE]; /* whose it was */
};
void attestation_pending_dropped(struct attestation_pending *pending,
                                 struct attestation_pending_drops *out);
