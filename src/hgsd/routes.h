/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The only place where HTTP meets the services: protocol.md 1 as one table, and for each route the
 * queue whose workers answer it. Paths match without regard to case; doubled and trailing slashes
 * do not count; the segment `attestationservice.svc` may stand behind /Attestation.
 */

#include "attestation/service.h"
#include "hgsd/queue.h"
#include "http/server.h"
#include "keyprotection/service.h"

struct routes;

struct routes_options {
    struct attestation_service *attestation;
    struct keyprotection_service *keyprotection;
    const struct clock *clock;
    struct audit *audit; /* of what no service sees */
    size_t attestation_workers, release_workers, queue_limit;
    size_t attestation_body, key_protection_body; /* bytes */
};

/* The services must outlive it. NULL when threads cannot be started. */
struct routes *routes_new(const struct routes_options *options);
/* Finishes what waits. The HTTP server must have stopped taking requests. */
void routes_free(struct routes **routes);

/* Whether workers get on with their work: queue_moves of all queues. marks: ROUTES_QUEUES, at first
 * 0. */
#define ROUTES_QUEUES 2
bool routes_move(struct routes *routes, uint64_t marks[ROUTES_QUEUES]);

/* The callbacks of struct http_server_options; context is the struct routes. Bodies that declare to
 * be something else than their route takes never reach a parser. */
size_t routes_limit(void *context, const struct http_request *request);
void routes_handle(void *context, struct http_request *request);
void routes_refused(void *context, const struct http_refusal *refusal);

/*
 * A path in the form in which the table is matched: lower case, single slashes, none at the end,
 * without
 * `/attestationservice.svc`. size: of normal, at least strlen(path) + 1. Exposed for its test.
 */
void routes_normalize(char *normal, size_t size, const char *path);
