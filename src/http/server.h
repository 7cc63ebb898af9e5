/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP/1.1 and HTTPS server that knows no service: it reads a whole bounded request, hands it to
 * one callback on its own thread, and sends the reply whenever any thread gives it (the connection
 * is suspended meanwhile). Head and body of a reply leave in one write, with Content-Length
 * (protocol.md 1, 2.4).
 *
 * Bounds: body size (the callback `limit` says it for each request before the body is read: 413),
 * all bodies together (503), header size (431), number of connections (the longest idle one makes
 * room for a new one), and time, however slowly bytes drip: from a connection's start or its last
 * reply to the next request line, and from that to the end of the request; for a reply, the larger
 * of the two. Past them the connection is cut. A request at work has no limit; a client that goes
 * away meanwhile is noticed when the reply is given. A client that ends its side behind a whole
 * request gets its reply; one that ends it before is cut at once.
 *
 * Refused here and never handed over: paths with control characters or bad percent-encoding, and
 * framing that two readers could take differently (400); transfer encodings but chunked (501).
 */

#include "base/buf.h"
#include "base/clock.h"

/* Descriptors that a server's connections leave to everything else in the process. */
#define HTTP_SERVER_OTHER_DESCRIPTORS 256

struct http_server;
struct http_request;

/* A request that the server itself refused or cut, so that no handler ever saw it. */
struct http_refusal {
    const char *peer;
    const char *method, *path; /* NULL when it did not come so far */
    /* Of the reply; 0: it got none, the connection was cut; or, of what never became a request
     * line, it is not known whether it got one. */
    unsigned status;
    const struct error_code *code;
};

struct http_server_options {
    /* "127.0.0.1:8080", "[::1]:0", "*:80" (IPv4 and IPv6); no names. NULL-terminated, or NULL. */
    const char *const *http_addresses;
    const char *const *https_addresses;
    const char *certificate_file; /* PEM chain or PFX; for https_addresses */
    const char *key_file;         /* PEM key; NULL: in the certificate's file */
    const char *password_file;    /* of the PFX; may be NULL */
    size_t header_limit;          /* bytes of a request's head; 64 KiB when 0 */
    size_t bodies_limit;          /* bytes of all requests' bodies together; 512 MiB when 0 */
    unsigned connection_limit;    /* 20000 when 0; never more than RLIMIT_NOFILE leaves room for */
    int64_t idle_ms;              /* until a request line is complete; 60 s when 0 */
    const struct clock *clock;    /* of the Date in replies; NULL: the machine's. Must outlive it */
    int64_t request_ms;           /* from the request line to the last byte; 30 s when 0 */
    /* The largest body that this request may have. Called once the head is read. */
    size_t (*limit)(void *context, const struct http_request *request);
    /* A whole request. Must lead to exactly one http_reply, now or later, from any thread. */
    void (*handle)(void *context, struct http_request *request);
    /* May be NULL. On the HTTP thread, for which it must not wait; anybody can cause it, at any
     * rate. A connection that is closed between requests is none; one that the server stopped,
     * neither. */
    void (*refused)(void *context, const struct http_refusal *refusal);
    void *context;
};

/* Binds and starts. http.address-unusable, http.tls-unusable. */
bool http_server_start(struct http_server **out, const struct http_server_options *options,
                       struct error *err);
/* Reads the TLS files again; new connections use them. On failure the old ones stay. */
bool http_server_reload_tls(struct http_server *server, struct error *err);
/* The port that the index-th address (http first, then https) was bound to; for port 0. */
unsigned http_server_port(const struct http_server *server, size_t index);
/*
 * Whether the server's thread has gone around its loop since the last call with this mark (at first
 * 0; then true), and has it go around once more, for the next call.
 */
bool http_server_moves(struct http_server *server, uint64_t *mark);
/* Open connections, and the most there ever were. */
void http_server_connections(const struct http_server *server, unsigned *now, unsigned *most);
/*
 * Accepts no more, waits up to milliseconds for requests under way, answers 503 for those still at
 * work, closes, frees. Their http_reply may still come later, and then does nothing; context must
 * last until it has.
 */
void http_server_stop(struct http_server **server, int64_t milliseconds);

/* Valid until http_reply. Methods are upper case; the path is percent-decoded, without the query.
 */
const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request);
/* A header's value or NULL; names without regard to case. */
const char *http_request_header(const struct http_request *request, const char *name);
struct slice http_request_body(const struct http_request *request);
/* "127.0.0.1" or "::1", without the port. */
const char *http_request_peer(const struct http_request *request);
/* When its head was there, by clock_monotonic_ms. */
int64_t http_request_arrived(const struct http_request *request);
bool http_request_is_tls(const struct http_request *request);
/* A place for the handler's own state. */
void http_request_set_data(struct http_request *request, void *data);
void *http_request_data(const struct http_request *request);

/*
 * Ends the request: status, body and content type (NULL: none). header_name and header_value: one
 * more header, or NULL. Takes what body holds (it is left empty). The request is gone after this.
 */
void http_reply(struct http_request *request, unsigned status, const char *content_type,
                struct buf *body, const char *header_name, const char *header_value);
