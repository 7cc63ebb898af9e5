/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of struct parts, for the files that together are the service: parts.c, parts_keys.c,
 * parts_clocks.c, parts_upkeep.c, describe.c. */

#include <pthread.h>

#include "admin/server.h"
#include "hgsd/certificate_keys.h"
#include "hgsd/keys.h"
#include "hgsd/node_clock.h"
#include "hgsd/parts.h"
#include "hgsd/reload.h"
#include "hgsd/routes.h"
#include "hgsd/token_queues.h"
#include "hgsd/tokens.h"
#include "hgsd/upkeep.h"

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
    struct reload *reload;
    struct admin_services services;
    struct admin_server *admin;
    int listener; /* the administration socket until admin has it; then -1 */
    int control;  /* of the supervisor; borrowed */
    struct {
        uint64_t http, audit, routes[ROUTES_QUEUES];
    } marks; /* of parts_move */
    /* Over what follows; and over token_queues and http, which administrators see come and go. */
    pthread_mutex_t lock;
    pthread_cond_t applied;
    int64_t revision; /* of the store, as this node enforces it */
    struct upkeep *upkeep;
    bool keys_wanted;        /* not all of its keys are in the keyholder */
    uint64_t keys_wanted_at; /* how often that has come to be */
};

/* The keyholder is held until its keys are loaded, and the supervisor is told when it is stuck. */
void parts_watch_keyholder(struct parts *parts);
/* Another keyholder, which is held until its keys are loaded. */
void parts_replace_keyholder(struct parts *parts, const struct supervisor_channels *channels);
/* A key did not come into the keyholder because it did not answer. */
void parts_load_keys_again(struct parts *parts);
bool parts_want_keys(struct parts *parts);
/* Loads every key, has those of certificates prove themselves, and tells the audit trail who signs
 * its checkpoints; then the keyholder is held no longer. False: the failure is logged, and it is to
 * be tried again. */
bool parts_load_keys(struct parts *parts);

/* parts_upkeep.c: does once what is done from time to time, and has a thread go on with it. */
bool parts_start_upkeep(struct parts *parts, struct error *err);
/* From any thread: there is something to do. */
void parts_wake(struct parts *parts);
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
