/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/routes.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "hgsd/content_type.h"
#include "hgsd/refusal.h"
#include "http/date.h"
#include "http/errors.h"

#define PATH_MAX_LENGTH 256
#define REPLY_MAX (1024 * 1024)
#define JSON_TYPE "application/json; charset=utf-8"
#define XML_TYPE "application/xml; charset=utf-8"

enum room { ATTESTATION, RELEASE, IMMEDIATE_ATTESTATION, METADATA };

struct route {
    const char *path; /* normal form */
    bool get, post;
    enum room room;
    void (*answer)(struct routes *routes, const struct route *route, struct http_request *request);
    unsigned version;
    enum attestation_door door;
};

struct routes {
    struct routes_options options;
    struct queue *attestations;
    struct queue *releases;
};

static void reply_json(struct http_request *request, struct buf *body)
{
    http_reply(request, 200, JSON_TYPE, body, NULL, NULL);
}

static void answer_info(struct routes *routes, const struct route *route,
                        struct http_request *request)
{
    (void)route;
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
    attestation_get_info(routes->options.attestation, &body);
    reply_json(request, &body);
}

static void answer_certificates(struct routes *routes, const struct route *route,
                                struct http_request *request)
{
    (void)route;
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
    attestation_signing_certificates(routes->options.attestation, &body);
    reply_json(request, &body);
}

static const char *content_type(const struct http_request *request)
{
    return http_request_header(request, "Content-Type");
}

/* By how many seconds the client's clock was ahead of ours when its head came; NULL where it does
 * not say (or not so that it can be read). */
static const int64_t *clock_offset(int64_t *offset, const struct routes *routes,
                                   const struct http_request *request)
{
    const char *date = http_request_header(request, "Date");
    int64_t theirs;
    if (date == NULL || !http_date_parse(&theirs, date))
        return NULL;
    int64_t waited_ms = clock_monotonic_ms() - http_request_arrived(request);
    *offset = theirs - (clock_now_ms(routes->options.clock) - waited_ms) / 1000;
    return offset;
}

static void answer_attest(struct routes *routes, const struct route *route,
                          struct http_request *request)
{
    int64_t offset;
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
    if (content_type_is_json(content_type(request)))
        attestation_attest(routes->options.attestation, route->door, route->version,
                           http_request_body(request), http_request_peer(request),
                           clock_offset(&offset, routes, request), &body);
    else
        attestation_refuse_payload(routes->options.attestation, route->door,
                                   http_request_peer(request), "its Content-Type is not JSON's",
                                   &body);
    reply_json(request, &body);
}

static void answer_evaluate(struct routes *routes, const struct route *route,
                            struct http_request *request)
{
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
    if (content_type_is_json(content_type(request)))
        attestation_evaluate(routes->options.attestation, route->version,
                             http_request_body(request), http_request_peer(request), &body);
    else
        attestation_refuse_payload(routes->options.attestation, route->door,
                                   http_request_peer(request), "its Content-Type is not JSON's",
                                   &body);
    reply_json(request, &body);
}

static void reply_xml(void *context, unsigned status, struct buf *body)
{
    http_reply(context, status, XML_TYPE, body, NULL, NULL);
}

static void answer_roll(struct routes *routes, const struct route *route,
                        struct http_request *request)
{
    int64_t offset;
    const char *peer = http_request_peer(request);
    if (content_type_is_xml(content_type(request)))
        keyprotection_roll(routes->options.keyprotection, route->version,
                           http_request_body(request), peer, clock_offset(&offset, routes, request),
                           reply_xml, request);
    else
        keyprotection_refuse_request(routes->options.keyprotection, peer,
                                     "its Content-Type is not XML's", reply_xml, request);
}

static void answer_metadata(struct routes *routes, const struct route *route,
                            struct http_request *request)
{
    (void)route;
    keyprotection_metadata(routes->options.keyprotection, reply_xml, request);
}

#define ATTEST(path, version, door)                                  \
    {                                                                \
        path, false, true, ATTESTATION, answer_attest, version, door \
    }

/* protocol.md 1. */
static const struct route table[] = {
    {"/attestation/getinfo", true, false, IMMEDIATE_ATTESTATION, answer_info, 0, 0},
    {"/attestation/v1.0/getinfo", true, false, IMMEDIATE_ATTESTATION, answer_info, 1, 0},
    {"/attestation/v2.0/getinfo", true, false, IMMEDIATE_ATTESTATION, answer_info, 2, 0},
    {"/attestation/v2.0/signingcertificates", true, false, IMMEDIATE_ATTESTATION,
     answer_certificates, 2, 0},
    ATTEST("/attestation/v1.0/attest", 1, ATTESTATION_DOOR_TPM),
    ATTEST("/attestation/v2.0/attest", 2, ATTESTATION_DOOR_TPM),
    ATTEST("/attestation/v1.0/domainattest", 1, ATTESTATION_DOOR_AD),
    ATTEST("/attestation/v2.0/domainattest", 2, ATTESTATION_DOOR_AD),
    ATTEST("/attestation/v2.0/hostkeyattest", 2, ATTESTATION_DOOR_HOST_KEY),
    {"/attestation/v2.0/evaluate", false, true, ATTESTATION, answer_evaluate, 2,
     ATTESTATION_DOOR_TPM},
    {"/keyprotection/service/v1.0/rolltransportkey", false, true, RELEASE, answer_roll, 1, 0},
    {"/keyprotection/service/v2.0/rolltransportkey", false, true, RELEASE, answer_roll, 2, 0},
    {"/keyprotection/service/metadata/2014-07/metadata.xml", true, true, METADATA, answer_metadata,
     0, 0},
};

void routes_normalize(char *normal, size_t size, const char *path)
{
    static const char service_segment[] = "/attestationservice.svc";
    size_t used = 0;
    for (; *path != '\0' && used + 1 < size; path++) {
        if (*path == '/' && used > 0 && normal[used - 1] == '/')
            continue;
        normal[used++] = (char)(tolower)((unsigned char)*path);
    }
    while (used > 1 && normal[used - 1] == '/')
        used--;
    normal[used] = '\0';
    char *segment = strstr(normal, service_segment);
    size_t length = sizeof service_segment - 1;
    bool whole = segment == normal + sizeof "/attestation" - 1 &&
                 strncmp(normal, "/attestation", sizeof "/attestation" - 1) == 0 &&
                 (segment[length] == '/' || segment[length] == '\0');
    if (whole)
        memmove(segment, segment + length, strlen(segment + length) + 1);
}

/* NULL when no route has that path. */
static const struct route *find(const struct http_request *request)
{
    const char *path = http_request_path(request);
    char normal[PATH_MAX_LENGTH];
    if (strlen(path) >= sizeof normal)
        return NULL;
    routes_normalize(normal, sizeof normal, path);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].path, normal) == 0)
            return &table[i];
    return NULL;
}

static bool allows(const struct route *route, const char *method)
{
    return (route->get && strcmp(method, "GET") == 0) ||
           (route->post && strcmp(method, "POST") == 0);
}

size_t routes_limit(void *context, const struct http_request *request)
{
    const struct routes *routes = context;
    const struct route *route = find(request);
    /* What will be refused is read, too: its client should learn that the path or the method is
     * wrong, not that the body is large. */
    bool attestation =
        route != NULL && (route->room == ATTESTATION || route->room == IMMEDIATE_ATTESTATION);
    return attestation ? routes->options.attestation_body : routes->options.key_protection_body;
}

void routes_refused(void *context, const struct http_refusal *refusal)
{
    const struct routes *routes = context;
    refusal_record(routes->options.audit, refusal);
}

static void record(struct routes *routes, const struct http_request *request, unsigned status,
                   const struct error_code *code)
{
    struct http_refusal refusal = {.peer = http_request_peer(request),
                                   .method = http_request_method(request),
                                   .path = http_request_path(request),
                                   .status = status,
                                   .code = code};
    routes_refused(routes, &refusal);
}

static void refuse(struct routes *routes, struct http_request *request, unsigned status,
                   const struct error_code *code, const char *text, const char *allow)
{
    record(routes, request, status, code);
    _cleanup_buf_ struct buf body;
    buf_init(&body, 4096);
    buf_append_text(&body, text);
    http_reply(request, status, "text/plain; charset=utf-8", &body, allow != NULL ? "Allow" : NULL,
               allow);
}

/* A worker's turn: the route was found when the request came. */
static void work(void *context, void *item)
{
    struct http_request *request = item;
    const struct route *route = http_request_data(request);
    route->answer(context, route, request);
}

/* When few releases are under way, processors would idle while the records of those before are
 * gathered. */
static void tell_audit(void *context, enum queue_load load)
{
    const struct routes *routes = context;
    audit_expect_few(routes->options.audit, load != QUEUE_HIGH);
    if (load == QUEUE_EMPTY)
        audit_hurry(routes->options.audit);
}

static void refuse_full(struct routes *routes, const struct route *route,
                        struct http_request *request)
{
    bool release = route->room == RELEASE || route->room == METADATA;
    record(routes, request, release ? 503 : 200, &http_busy);
    if (release) {
        keyprotection_unavailable(reply_xml, request);
        return;
    }
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
    attestation_unavailable(&body);
    reply_json(request, &body);
}

void routes_handle(void *context, struct http_request *request)
{
    struct routes *routes = context;
    const struct route *route = find(request);
    if (route == NULL) {
        refuse(routes, request, 404, &http_path_unknown, "There is nothing at this path.\n", NULL);
        return;
    }
    if (!allows(route, http_request_method(request))) {
        const char *allow = route->get && route->post ? "GET, POST" : route->get ? "GET" : "POST";
        refuse(routes, request, 405, &http_method_wrong, "This path has another method.\n", allow);
        return;
    }
    http_request_set_data(request, (void *)route);
    if (route->room == IMMEDIATE_ATTESTATION) {
        route->answer(routes, route, request);
        return;
    }
    struct queue *queue = route->room == ATTESTATION ? routes->attestations : routes->releases;
    if (!queue_put(queue, request))
        refuse_full(routes, route, request);
}

struct routes *routes_new(const struct routes_options *options)
{
    struct routes *routes = memory_allocate_zero(1, sizeof *routes);
    routes->options = *options;
    /* Nobody's machine waits for an attestation while its certificate lasts; a release comes first.
     */
    routes->attestations = queue_new("hgs-attest", options->attestation_workers,
                                     options->queue_limit, QUEUE_PATIENT, work, NULL, routes);
    routes->releases = queue_new("hgs-release", options->release_workers, options->queue_limit,
                                 QUEUE_PROMPT, work, tell_audit, routes);
    if (routes->attestations == NULL || routes->releases == NULL)
        routes_free(&routes);
    return routes;
}

bool routes_move(struct routes *routes, uint64_t marks[ROUTES_QUEUES])
{
    bool attestations = queue_moves(routes->attestations, &marks[0]);
    bool releases = queue_moves(routes->releases, &marks[1]);
    return attestations && releases;
}

void routes_free(struct routes **routes_pointer)
{
    struct routes *routes = memory_steal(routes_pointer);
    if (routes == NULL)
        return;
    queue_free(&routes->attestations);
    queue_free(&routes->releases);
    free(routes);
}
