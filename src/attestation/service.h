/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Attestation Service (MS-HGSA 3.1): the requests of protocol.md 2, each from the bytes of a
 * body to the bytes of a reply. Knows no HTTP. Each function is called by any of several workers;
 * what they read (mode, signers, limits) is one immutable snapshot, and hosts are a sharded map,
 * both fed by attestation_apply from the store's watch.
 */

#include "audit/audit.h"
#include "base/clock.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

#define ATTESTATION_BODY_MAX (4 * 1024 * 1024)

/* protocol.md 2, AttestationOperationMode. */
enum attestation_mode {
    ATTESTATION_MODE_UNKNOWN = 0,
    ATTESTATION_MODE_TPM = 1,
    ATTESTATION_MODE_AD = 2,
    ATTESTATION_MODE_HOST_KEY = 3,
};

struct attestation_service;

struct attestation_options {
    struct store *store;
    struct keyholder *keyholder;
    struct audit *audit;
    const struct clock *clock;
    const char *node; /* this node's name: its signer's is "HGS Attestation Signer <node>" */
};

/* Reads everything that it needs from the store (nothing there yet: mode unknown, every attestation
 * is Unavailable). */
bool attestation_service_new(struct attestation_service **out,
                             const struct attestation_options *options, int64_t *revision,
                             struct error *err);
void attestation_service_free(struct attestation_service **service);
/* The changes of one or more commits, in order; from the store's watch thread. Publishes a new
 * snapshot if needed. */
void attestation_apply(struct attestation_service *service, const struct store_change *changes,
                       size_t count);

enum attestation_mode attestation_current_mode(struct attestation_service *service);
size_t attestation_host_count(struct attestation_service *service);

/* The doors of protocol.md 1. Each appends a whole JSON reply to out and cannot fail otherwise:
 * errors are replies. */
void attestation_get_info(struct attestation_service *service, struct buf *out);
void attestation_signing_certificates(struct attestation_service *service, struct buf *out);
enum attestation_door { ATTESTATION_DOOR_TPM, ATTESTATION_DOOR_AD, ATTESTATION_DOOR_HOST_KEY };
/* peer: the caller's address, for the audit trail. */
void attestation_attest(struct attestation_service *service, enum attestation_door door,
                        unsigned version, struct slice body, const char *peer, struct buf *out);
/* The reply when a queue is full or the body was too large: UnavailableErrorReply,
 * PayloadErrorReply. */
void attestation_unavailable(struct buf *out);
void attestation_payload_error(struct buf *out);
