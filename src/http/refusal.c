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
    }
    connection->refused = false;
}

/* What came over TLS the kernel cannot tell from a handshake. */
static bool sent_something(const struct connection *connection, bool *answered)
{
    bool received = false;
    if (!connection->began && connection->session == NULL)
        traffic_of(connection->fd, &received, answered);
    return received;
}

void refusal_slow(struct connection *connection)
{
    bool answered;
    if (connection->phase == CONNECTION_REQUEST)
        refusal_tell(connection, 0, &http_request_slow);
    else if (connection->phase == CONNECTION_REPLY)
        refusal_tell(connection, 0, &http_reply_slow);
    else if (sent_something(connection, &answered))
        refusal_tell(connection, 0, &http_request_slow);
}

void refusal_closed(struct connection *connection)
{
    bool answered;
    if (connection->phase == CONNECTION_CUT || !sent_something(connection, &answered))
        return; /* we cut it, and told why if it was for its own fault */
    if (answered)
        refusal_tell(connection, MHD_HTTP_BAD_REQUEST, &http_request_malformed);
    else
        refusal_tell(connection, 0, &http_request_incomplete);
}
