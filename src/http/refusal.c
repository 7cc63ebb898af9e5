/* SPDX-License-Identifier: Apache-2.0 */
#include "http/refusal.h"

#include "http/errors.h"
#include "http/request.h"
#include "http/traffic.h"

void refusal_tell(struct connection *connection, unsigned status, const struct error_code *code)
{
    const struct http_server *server = connection->listener->server;
    if (connection->refused || server->refused == NULL)
        return;
    connection->refused = true;
    struct http_refusal refusal = {.peer = connection->peer, .status = status, .code = code};
    if (connection->request != NULL) {
        refusal.method = connection->request->method;
        refusal.path = connection->request->path;
    }
    server->refused(server->context, &refusal);
}

const struct error_code *refusal_code(unsigned status)
{
    switch (status) {
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return &http_body_too_large;
    case MHD_HTTP_URI_TOO_LONG:
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        return &http_head_too_large;
    case MHD_HTTP_NOT_IMPLEMENTED:
        return &http_encoding_unknown;
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return &http_busy;
    default:
        return &http_request_malformed;
    }
}

void refusal_begin(struct connection *connection)
{
    connection->began = true;
    connection->refused = false;
}

/* False when it cannot be known: of chunks only what they held is. */
static bool size_of_request(uint64_t *out, const struct connection *connection)
{
    const struct http_request *request = connection->request;
    const union MHD_ConnectionInfo *head =
        MHD_get_connection_info(connection->library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (request == NULL || head == NULL || request_body_size(request) == UINT64_MAX)
        return false;
    *out = head->header_size + request->body.size;
    return true;
}

void refusal_replying(struct connection *connection)
{
    uint64_t size = 0;
    struct traffic traffic;
    if (connection->session != NULL)
        return;
    if (size_of_request(&size, connection)) {
        connection->received += size;
        return;
    }
    /* It takes as long as a tenth of the rest of an exchange, so it is not the rule. */
    traffic_of(&traffic, connection->fd);
    connection->received = traffic.received;
}

void refusal_done(struct connection *connection)
{
    /* Until a request is whole, nobody but the library replies to it. */
    if (connection->phase == CONNECTION_REQUEST && !connection->refused) {
        const union MHD_ConnectionInfo *information =
            MHD_get_connection_info(connection->library, MHD_CONNECTION_INFO_HTTP_STATUS);
        if (information != NULL)
            refusal_tell(connection, information->http_status,
                         refusal_code(information->http_status));
        else
            refusal_tell(connection, 0, &http_request_incomplete);
        connection->lingers = information != NULL;
    }
    connection->began = false;
}

/* Bytes that came since the last reply and are no request line. False also when that cannot be
 * known: what came over TLS the kernel cannot tell from a handshake. */
static bool sent_something(const struct connection *connection, struct traffic *traffic)
{
    if (connection->began || connection->session != NULL)
        return false;
    traffic_of(traffic, connection->fd);
    return traffic->received > connection->received;
}

void refusal_slow(struct connection *connection)
{
    struct traffic traffic;
    if (connection->phase == CONNECTION_REPLY)
        refusal_tell(connection, 0, &http_reply_slow);
    else if (connection->phase == CONNECTION_REQUEST || sent_something(connection, &traffic))
        refusal_tell(connection, 0, &http_request_slow);
}

void refusal_ended(struct connection *connection)
{
    struct traffic traffic;
    if (connection->phase == CONNECTION_REQUEST || sent_something(connection, &traffic))
        refusal_tell(connection, 0, &http_request_incomplete);
}

void refusal_closed(struct connection *connection)
{
    struct traffic traffic;
    if (connection->phase == CONNECTION_CUT)
        return; /* by us, and told if it was for its own fault */
    if (!sent_something(connection, &traffic))
        return;
    /* The library does not say whether it answered: it does when the line has no end, and does not
     * when it is no request line at all. */
    uint64_t size = traffic.received - connection->received;
    if (traffic.peer_ended)
        refusal_tell(connection, 0, &http_request_incomplete);
    else if (size >= connection->listener->server->header_limit)
        refusal_tell(connection, 0, &http_head_too_large);
    else
        refusal_tell(connection, 0, &http_request_malformed);
    connection->lingers = !traffic.peer_ended;
}
