/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of struct parts, for the files that together are the service: parts.c, parts_keys.c,
 * parts_clocks.c, describe.c. */

#include <pthread.h>

#include "admin/server.h"
#include "hgsd/certificate_keys.h"
#include "hgsd/keys.h"
#include "hgsd/node_clock.h"
#include "hgsd/parts.h"
#include "hgsd/routes.h"
#include "hgsd/token_queues.h"
#include "hgsd/tokens.h"

struct parts {
    const struct hgsd_config *config;
    struct clock clock;
    int64_t started; /* seconds since 1970 */
    struct node_clock *node_clock;
    struct keyholder *keyholder;
    struct store *store;
    const struct audit_sinks *sinks;
    struct audit *audit;
    struct keys *keys;
    struct certificate_keys *certificate_keys;
    struct tokens *tokens;
    struct token_queues *token_queues;
    struct attestation_service *attestation;
    struct keyprotection_service *keyprotection;
    struct store_watch *watch;
    struct routes *routes;
    struct http_server *http;
    struct admin_services services;
    struct admin_server *admin;
    int listener;     /* the administration socket until admin has it; then -1 */
    int control;      /* of the supervisor; borrowed */
    bool keys_wanted; /* the keyholder is held until its keys are loaded */
    struct {
        uint64_t http, audit, routes[ROUTES_QUEUES];
    } marks;  /* of parts_move */
    int wake; /* eventfd */
    /* Over revision; and over token_queues and http, which administrators see come and go. */
    pthread_mutex_t lock;
    pthread_cond_t applied;
    int64_t revision; /* of the store, as this node enforces it */
};

/* The keyholder is held until its keys are loaded, and the supervisor is told when it is stuck. */
void parts_watch_keyholder(struct parts *parts);
/* Loads every key, has those of certificates prove themselves, and tells the audit trail who signs
 * its checkpoints; then the keyholder is held no longer. Failures are logged, and parts_tick tries
 * again. */
void parts_load_keys(struct parts *parts);
/* parts_clocks.c: what is told of clocks and signers, in the log and the audit trail. */
void parts_signer_made(void *context, const struct attestation_signer *signer,
                       const struct error *problem);
void parts_host_clock_changed(void *context, const char *host,
                              const struct attestation_host_clock *clock, int64_t bound);
void parts_host_clock(void *context, const char *host, int64_t offset);
/* Looks at this node's clock. True when it was set: then signers should be looked at. */
bool parts_look_at_clock(struct parts *parts);

/* The audit key, when the store's setting of it changes. */
void parts_audit_apply(struct parts *parts, const struct store_change *changes, size_t count);
