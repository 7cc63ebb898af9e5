/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of struct parts, for the files that together are the service: parts.c, parts_keys.c,
 * describe.c. */

#include <pthread.h>

#include "admin/server.h"
#include "hgsd/certificate_keys.h"
#include "hgsd/keys.h"
#include "hgsd/parts.h"
#include "hgsd/routes.h"
#include "hgsd/tokens.h"

struct parts {
    const struct hgsd_config *config;
    struct clock clock;
    int64_t started; /* seconds since 1970 */
    struct keyholder *keyholder;
    struct store *store;
    const struct audit_sinks *sinks;
    struct audit *audit;
    struct keys *keys;
    struct certificate_keys *certificate_keys;
    struct tokens *tokens;
    struct attestation_service *attestation;
    struct keyprotection_service *keyprotection;
    struct store_watch *watch;
    struct routes *routes;
    struct http_server *http;
    struct admin_services services;
    struct admin_server *admin;
    int control;          /* of the supervisor; borrowed */
    bool keys_wanted;     /* the keyholder is held until its keys are loaded */
    int wake;             /* eventfd */
    pthread_mutex_t lock; /* over revision */
    pthread_cond_t applied;
    int64_t revision; /* of the store, as this node enforces it */
};

/* The keyholder is held until its keys are loaded, and the supervisor is told when it is stuck. */
void parts_watch_keyholder(struct parts *parts);
/* Loads every key, has those of certificates prove themselves, and tells the audit trail who signs
 * its checkpoints; then the keyholder is held no longer. Failures are logged, and parts_tick tries
 * again. */
void parts_load_keys(struct parts *parts);
/* The audit key, when the store's setting of it changes. */
void parts_audit_apply(struct parts *parts, const struct store_change *changes, size_t count);
