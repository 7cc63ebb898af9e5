/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Attestation Service (MS-HGSA 3.1): the requests of protocol.md 2, each from the bytes of a
 * body to the bytes of a reply. Knows no HTTP. Each function is called by any of several workers;
 * what they read (mode, signers, limits) is one immutable snapshot, and hosts are a sharded map,
 * both fed by attestation_apply from the store's watch.
 */

#include "attestation/host_clocks.h"
#include "attestation/message.h"
#include "attestation/mode.h"
#include "attestation/signer.h"
#include "audit/audit.h"
#include "base/clock.h"
#include "base/json.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

#define ATTESTATION_BODY_MAX (4 * 1024 * 1024)

struct attestation_service;

struct attestation_options {
    struct store *store;
    struct keyholder *keyholder;
    struct audit *audit;
    const struct clock *clock;
    const char *node; /* this node's name: its signer's is "HGS Attestation Signer <node>" */
    /* A signer was made; problem: attestation.signer-unannounced, or NULL. May be NULL. On the
     * thread that ticks, or renews. */
    void (*signer_made)(void *context, const struct attestation_signer *signer,
                        const struct error *problem);
    /* A host's clock went past the bound, or came back within it. May be NULL. On the worker's
     * thread. */
    void (*host_clock_changed)(void *context, const char *host,
                               const struct attestation_host_clock *clock, int64_t bound);
    void *context; /* of the above */
};

/* Reads everything that it needs from the store (nothing there yet: mode unknown, every attestation
 * is Unavailable). *revision: where the watch must begin. Errors of store/. */
bool attestation_service_new(struct attestation_service **out,
                             const struct attestation_options *options, int64_t *revision,
                             struct error *err);
void attestation_service_free(struct attestation_service **service);
/* The changes of one or more commits, in order, exactly as the store's watch gives them (`expected`
 * is the revision of the commit; NULL and 0: read everything again); from its thread. Publishes a
 * new snapshot if needed. */
void attestation_apply(struct attestation_service *service, const struct store_change *changes,
                       size_t count);

/*
 * Makes, publishes and retires this node's attestation signers as their schedule wants it. To be
 * called every minute, after a keyholder was started again, and after changes of settings; does
 * nothing in a service that is not initialised. *due: the time (seconds since 1970) to call again
 * at the latest, also set on failure. Errors of store/, keyholder/, crypto/.
 */
bool attestation_tick(struct attestation_service *service, int64_t *due, struct error *err);
/* Whether signers that have served are kept for the time being: while the clock may be wrong. From
 * the next tick on; at first they are not. Any thread. */
void attestation_keep_retired(struct attestation_service *service, bool keep);
/*
 * As attestation_tick, and makes the next signer now whatever the schedule says (`signer renew`).
 * It is listed at once and signs after the lead of signer_schedule.h, or at once when this node has
 * no other. attestation.not-initialized.
 */
bool attestation_signer_renew(struct attestation_service *service, struct error *err);
/*
 * Every signer of the cluster as an object of the array `name`: thumbprint, subject, node, use,
 * state ("future", "next", "published", "active", "retired", "expired"), key, not_before,
 * not_after, publish_at, active_at, renew_at, serve_until, deny_before (RFC 3339; the last may be
 * absent), and problem, an error, where its times are not as they should be.
 */
void attestation_signer_describe(struct attestation_service *service, struct json_writer *writer,
                                 const char *name);

/* What is wrong with the times of this node's signers: an array of errors (signer_schedule.h). */
void attestation_signer_problems(struct attestation_service *service, struct json_writer *writer,
                                 const char *name);
/* Has this node's signer of health certificates sign something, and verifies it; thumbprint is
 * whose. attestation.no-signer, attestation.signer-failed, attestation.deny-ahead. */
bool attestation_signer_test(struct attestation_service *service,
                             char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE], struct error *err);

enum attestation_mode attestation_current_mode(struct attestation_service *service);
size_t attestation_host_count(struct attestation_service *service);
/* The name of a host of this mode that is registered, staged or not, with this identity (SHA-256
 * of its SubjectPublicKeyInfo). */
bool attestation_host_find(struct attestation_service *service, enum attestation_mode mode,
                           const uint8_t id[ATTESTATION_HOST_ID_SIZE],
                           char name[ATTESTATION_NAME_SIZE]);
/* Whom the administrator trusts to certify endorsement keys, and the policies in force, now: a
 * reference of the caller's own. */
struct tpm_trust *attestation_trust(struct attestation_service *service);
struct attestation_policies *attestation_policies(struct attestation_service *service);
/* Waits until the boots that hosts attested with so far are remembered (pending.h). */
void attestation_settle(struct attestation_service *service);
/* attestation_pending_dropped. */
void attestation_boots_dropped(struct attestation_service *service,
                               struct attestation_pending_drops *out);
/* The latest damaged record of the store that was passed over; false when there was none. */
bool attestation_problem(struct attestation_service *service, struct error *out);

/* The doors of protocol.md 1. Each appends a whole JSON reply to out and cannot fail otherwise:
 * errors are replies. */
void attestation_get_info(struct attestation_service *service, struct buf *out);
void attestation_signing_certificates(struct attestation_service *service, struct buf *out);
/* peer: the caller's address, for the audit trail. The doors are enum attestation_door.
 * clock_offset: by how many seconds the caller's clock is ahead, or so it says; NULL: it does not.
 */
void attestation_attest(struct attestation_service *service, enum attestation_door door,
                        unsigned version, struct slice body, const char *peer,
                        const int64_t *clock_offset, struct buf *out);
/* By how many seconds a host's clock is ahead, learnt elsewhere than from its attestation. Any
 * thread. */
void attestation_host_clock_note(struct attestation_service *service, const char *host,
                                 int64_t offset);
/* What is known of hosts' clocks; borrowed. */
struct attestation_host_clocks *attestation_clocks_of_hosts(struct attestation_service *service);
/* attestation_settings_clock_bound, and the tolerance itself, now. */
void attestation_clock_settings(struct attestation_service *service, int64_t *bound,
                                int64_t *tolerance);
/*
 * protocol.md 2.3, what-if: the messages of TPM mode in any mode of the service; judged by the TPM
 * policies as they are, issues nothing, EvaluationReply at the end. It is in the audit trail
 * ("attestation.evaluated").
 */
void attestation_evaluate(struct attestation_service *service, unsigned version, struct slice body,
                          const char *peer, struct buf *out);
/* Refuses a request whose body is not even looked at: PayloadErrorReply, or what the door has to
 * say. reason, a sentence, goes into the audit trail. */
void attestation_refuse_payload(struct attestation_service *service, enum attestation_door door,
                                const char *peer, const char *reason, struct buf *out);
/* The reply when a queue is full: UnavailableErrorReply. */
void attestation_unavailable(struct buf *out);
