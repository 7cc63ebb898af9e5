/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Boots that are remembered (issue: `pending list`, `show`, `approve`): for each host in TPM mode
 * the last boot that passed, and the boot that failed its policies since, each one record with the
 * event log of the boot. A host that passes has nothing pending any more.
 *
 * Records: STORE_PENDING and STORE_LAST_BOOT under the host's name. Value: {"host", "time" (RFC
 * 3339), "digest": hex SHA-256 of the log, "profile", "bank", "proven", "reasons": [{"policy",
 * "result", "text"}], "log": base64 of the log compressed, "log_size"; the log is absent when it is
 * too large to be kept}.
 *
 * Attestations never wait for the store: boots are handed to a thread with a bounded queue, and a
 * boot that is remembered already costs no write.
 */

#include "attestation/message.h"
#include "base/buf.h"
#include "policy/policy.h"
#include "policy/verdict.h"
#include "store/store.h"

#define ATTESTATION_BOOT_REASONS_MAX 64
#define ATTESTATION_BOOT_HOST_SIZE 129
#define ATTESTATION_BOOT_LOG_MAX (2 * 1024 * 1024)

/* A policy that did not pass. */
struct attestation_boot_reason {
    char *policy;
    enum verdict_result result;
    char *text; /* one sentence */
};

struct attestation_boot {
    char host[ATTESTATION_BOOT_HOST_SIZE];
    int64_t time;       /* seconds since 1970: when it attested */
    uint8_t digest[32]; /* SHA-256 of the log */
    enum eventlog_profile profile;
    enum policy_version version; /* of the host */
    enum digest_algorithm bank;
    /* The TPM proved the log. A refusal at once, at the first request, only has what the caller
     * claims: whoever approves such a boot should know. */
    bool proven;
    struct attestation_boot_reason *reasons; /* none for a boot that passed */
    size_t reason_count;
    struct buf log; /* the raw log (a .tcglog); empty: too large to be kept */
};

void attestation_boot_done(struct attestation_boot *boot);
#define _cleanup_attestation_boot_ __attribute__((cleanup(attestation_boot_done)))

/* A record's value; the log is left out when the value would be larger than the store takes. */
void attestation_boot_format(struct buf *out, const struct attestation_boot *boot);
/* attestation.boot-malformed and the errors of base/. */
bool attestation_boot_parse(struct attestation_boot *out, struct slice value, struct error *err);

/* The host's pending boot, the last one that passed: attestation.boot-none when there is none, and
 * the errors of store/ and attestation_boot_parse. */
bool attestation_pending_load(struct attestation_boot *out, struct store *store, const char *host,
                              struct error *err);
bool attestation_last_boot_load(struct attestation_boot *out, struct store *store, const char *host,
                                struct error *err);

/*
 * A baseline policy, for this host alone, that trusts the boot's events of PCRs 0, 2, 4 and 7.
 * until: its end (0: none). The caller commits it (policy_key, policy_format), together with the
 * removal of the pending record. attestation.boot-log-missing; policy.name; the errors of
 * eventlog_parse and baseline_take.
 */
bool attestation_pending_policy(struct policy *out, const struct attestation_boot *boot,
                                const char *name, int64_t until, int64_t now, const char *added_by,
                                struct error *err);

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
    struct slice log;
    const uint8_t *digest; /* SHA-256 of the log */
};
/* Copies what it needs and returns at once; when too many wait, it is dropped and counted. */
void attestation_pending_note(struct attestation_pending *pending,
                              const struct attestation_boot_seen *seen);
/* Waits until everything noted so far was handled (for tests and stopping). */
void attestation_pending_settle(struct attestation_pending *pending);
/* Boots that were dropped. */
uint64_t attestation_pending_dropped(struct attestation_pending *pending);
