/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A request as the server sees it. It holds copies of everything that a handler may read, so that a
 * worker can still look at it when its connection is gone (the server stopped without waiting).
 *
 * Until the request is whole, and again from the moment the HTTP thread takes its reply, it belongs
 * to the HTTP thread; between, to whoever handles it. `state` decides who frees it when the server
 * stops waiting: abandoned before the reply, the one who replies.
 */

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include "http/replies.h"
#include "http/server.h"

enum request_state { REQUEST_AT_WORK, REQUEST_REPLIED, REQUEST_ABANDONED };

struct connection;

struct http_request {
    struct connection *connection; /* for the HTTP thread only */
    struct replies *replies;
    struct http_request *next; /* of the replies */
    _Atomic enum request_state state;
    bool handling; /* the handler has not yet returned; for the HTTP thread only */
    bool replied;  /* the reply is here; for the HTTP thread only */
    char *method;
    char *path;
    struct buf headers; /* name NUL value NUL … */
    char peer[INET6_ADDRSTRLEN];
    bool tls;
    int64_t arrived; /* its head; of clock_monotonic_ms */
    struct buf body;
    size_t body_limit;
    void *data;
    unsigned status; /* of the reply */
    struct MHD_Response *response;
    size_t response_size;
};

/*
 * From a head that the library has read. *refusal: 0, or the status to refuse it with: framing that
 * two readers could take differently (RFC 9112 3.2, 5.1, 6.1, 6.3), a body encoding that we do not
 * read, a method that is none.
 */
struct http_request *request_new(struct connection *connection, const char *method,
                                 const char *path, const char *version, unsigned *refusal);
void request_free(struct http_request *request);
/* The Content-Length of its body, or UINT64_MAX when it is chunked. */
uint64_t request_body_size(const struct http_request *request);

/* A response that owns what body holds (which is left empty). */
struct MHD_Response *request_response(const char *content_type, struct buf *body,
                                      const char *header_name, const char *header_value);
