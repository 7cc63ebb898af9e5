/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an attestation in TPM mode must remember between its requests (protocol.md 2.3). The server
 * keeps none of it: it travels to the client and back, sealed by a key of the cluster's
 * (sealing_key.h), so that any node continues any exchange.
 *
 * AES-256-GCM with a random nonce; associated data "HGS-RTPM-1" ‖ the 16 bytes of SessionId ‖
 * SHA-256 of the endorsement key's SubjectPublicKeyInfo: a state of another session or another TPM
 * does not open.
 *
 * EncryptedBuffer is {u32 size of what is sealed, what is sealed, the event log}. The log stands
 * there only where the last step has to judge it again (tpm_exchange.h says when), and in the
 * clear, since it came so; the sealed part holds its digest, which whoever reads it must compare.
 */

#include "attestation/host_map.h"
#include "attestation/rtpm_context.h"
#include "attestation/sealing_key.h"
#include "base/guid.h"
#include "tpm/response.h"

/*
 * Stands first in what is sealed. While a cluster is updated, and for the time of an exchange after
 * an update of one node, states come back to another version of this program than the one that
 * wrote them; the last step then issues a certificate upon what the first one found. A state of
 * another RTPM_STATE_VERSION does not open, and its host begins anew. So a release must have a
 * higher one than the release before it (once, however many changes) when any of these changed:
 *
 *   the form       what format() in rtpm_state.c writes, its order, or what a field means;
 *   the judging    so that a boot which passed would now fail: how logs are parsed, replayed and
 *                  made claims of (eventlog/), what policies demand (policy/, bootimage/), what
 *                  tpm_boot.c and tpm_verdict.c make of that, which registers count;
 *   what is taken  from the state without being checked again: the identity keys' template, the
 *                  selections of registers, whether a signing key counts as protected.
 *
 * It may stay when boots pass that failed before, when only words change, and when settings or
 * policies do, which `policies` covers. What else remembers verdicts (judged.h, pending.h) lives in
 * memory and ends with the process; health certificates that were issued before stay good until
 * they expire (`signer deny-before` ends them sooner), whatever this number is.
 */
#define RTPM_STATE_VERSION 2

/* What was asked of the TPM last. */
enum rtpm_step {
    RTPM_STEP_SESSIONS = 1,        /* to start a session for each command */
    RTPM_STEP_COMMANDS = 2,        /* to create the identity key and to read the PCRs */
    RTPM_STEP_SIGNING_SESSION = 3, /* both certificates were asked for: one more session */
    RTPM_STEP_SIGNING_COMMAND = 4, /* and to create the signing key */
};

#define RTPM_IDENTITY_KEYS_MAX 2
#define RTPM_KEY_SIZE_MAX 2048 /* of RSA up to 8192 bits */

/* DER SubjectPublicKeyInfo. */
struct rtpm_identity_key {
    uint8_t der[RTPM_KEY_SIZE_MAX];
    size_t size;
};

struct rtpm_state {
    enum rtpm_step step;
    int64_t started;  /* seconds since 1970: when the exchange began */
    unsigned version; /* of the route */
    bool what_if;
    uint8_t requested[ATTESTATION_RESULT_MAX];
    size_t requested_count;
    char host[ATTESTATION_NAME_SIZE];
    uint8_t policies[DIGEST_SHA256_SIZE]; /* of the policies in force, and whom they see in the host
                                           * (attestation_policies_digest) */
    int64_t until;                        /* the verdict stands until then (attestation_evidence) */
    uint8_t log[DIGEST_SHA256_SIZE];      /* of the event log */
    bool judges_again;     /* by the log, which then goes along: the last step has to see it */
    struct slice kept_log; /* the log that goes along; borrowed; empty: none */
    struct tpm_pcr_bank replayed;       /* else: what it leads to, in the registers that are read */
    uint32_t handle;                    /* of the endorsement key, as the client says */
    struct tpm_pcr_selection selection; /* that is read */
    struct tpm_pcr_selection sealed;    /* that the identity keys' policy is over */
    struct tpm_identity_template identities[RTPM_IDENTITY_KEYS_MAX]; /* to be created, in order */
    size_t identity_count; /* 0: the log has the identity keys */
    struct tpm_session sessions[RTPM_COMMANDS_MAX];
    size_t session_count;
    /* Identity keys that are known: those of the log, for each certificate asked for, or from
     * RTPM_STEP_SIGNING_SESSION on the first one that the TPM created. */
    struct rtpm_identity_key keys[RTPM_IDENTITY_KEYS_MAX];
    size_t key_count;
    bool signing_key_protected; /* attestation_evidence has the same */
    struct tpm_pcr_bank bank;   /* from RTPM_STEP_SIGNING_SESSION on: what the TPM has read */
};

/* Wipes it. NULL is allowed. */
void rtpm_state_done(struct rtpm_state *state);
#define _cleanup_rtpm_state_ __attribute__((cleanup(rtpm_state_done)))

/* What a state is bound to. */
struct rtpm_binding {
    const struct guid *session;
    const uint8_t *endorsement_key; /* SHA-256 of its SubjectPublicKeyInfo */
};

/* Seals by the present key. bytes: where the EncryptedBuffer goes, empty before; out borrows it.
 * kept_log is written only when judges_again is set. */
void rtpm_state_seal(struct rtpm_sealed *out, struct buf *bytes, const struct rtpm_state *state,
                     const struct attestation_sealing_set *keys,
                     const struct rtpm_binding *binding);
/*
 * Opens by one of the keys; kept_log borrows from what was sealed. attestation.state-refused: it is
 * altered, of another cluster, session or TPM, or of another version of this program, or something
 * stands behind it that has no place there. Freed with rtpm_state_done.
 */
bool rtpm_state_open(struct rtpm_state *out, const struct rtpm_sealed *sealed,
                     const struct attestation_sealing_set *keys, const struct rtpm_binding *binding,
                     struct error *err);
