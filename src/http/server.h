/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP/1.1 and HTTPS server that knows no service: it reads a whole bounded request, hands it to
 * one callback on its own thread, and sends the reply whenever any thread gives it (the connection
 * is suspended meanwhile). Head and body of a reply leave in one write, with Content-Length
 * (protocol.md 1, 2.4).
 *
 * Bounds: body size (the callback `limit` says it for each request before the body is read: 413),
 * header size (431), number of connections, idle time of a connection, and time from the first byte
 * of a request to its last, however slowly they drip (both cut the connection). A client that goes
 * away while its request is at work is noticed when the reply is given.
 */

#include "base/buf.h"

struct http_server;
struct http_request;

struct http_server_options {
    const char *const
        *http_addresses; /* "127.0.0.1:8080", "[::1]:0", NULL-terminated; may be NULL */
    const char *const *https_addresses;
    const char *certificate_file; /* PEM chain or PFX; for https_addresses */
    const char *key_file;         /* PEM key; NULL with a PFX */
    const char *password_file;    /* of the PFX; may be NULL */
    size_t header_limit;          /* bytes of a request's head; 64 KiB when 0 */
    unsigned connection_limit;    /* 20000 when 0 */
    int64_t idle_ms;              /* a keep-alive connection without a request; 60 s when 0 */
    int64_t request_ms;           /* from the first byte of a request to its last; 30 s when 0 */
    /* The largest body that this request may have. Called once the head is read. */
    size_t (*limit)(void *context, const struct http_request *request);
    /* A whole request. Must lead to exactly one http_reply, now or later, from any thread. */
    void (*handle)(void *context, struct http_request *request);
    void *context;
};

/* Binds and starts. http.address-unusable, http.tls-unusable. */
bool http_server_start(struct http_server **out, const struct http_server_options *options,
                       struct error *err);
/* Reads the TLS files again; new connections use them. On failure the old ones stay. */
bool http_server_reload_tls(struct http_server *server, struct error *err);
/* The port that the index-th address (http first, then https) was bound to; for port 0. */
unsigned http_server_port(const struct http_server *server, size_t index);
/* Open connections, and the most there ever were. */
void http_server_connections(const struct http_server *server, unsigned *now, unsigned *most);
/* Accepts no more, waits up to milliseconds for replies under way, closes, frees. */
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
