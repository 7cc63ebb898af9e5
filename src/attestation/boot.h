/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A boot that is remembered: for each host in TPM mode the last boot that passed, and the boot that
 * failed its policies since (pending.h), each one record with the event log of the boot.
 *
 * Records: STORE_LAST_BOOT and STORE_PENDING under the host's name. Value: {"host", "time" (RFC
 * 3339), "digest": hex SHA-256 of the log, "profile", "policy_version", "bank", "proven",
 * "reasons": [{"policy", "result", "text"}], "log": base64 of the log in zlib's format; "log" is
 * absent when it is too large to be kept}.
 */

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
bool attestation_boot_load_pending(struct attestation_boot *out, struct store *store,
                                   const char *host, struct error *err);
bool attestation_boot_load_last(struct attestation_boot *out, struct store *store, const char *host,
                                struct error *err);
