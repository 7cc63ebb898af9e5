/* SPDX-License-Identifier: Apache-2.0 */
#include "http/conversation.h"

#include <assert.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "http/ending.h"
#include "http/refusal.h"
#include "http/request.h"

#define BODY_FIRST_RESERVE (128UL * 1024) /* what a Content-Length alone makes us allocate */

/* Head and body together within one TLS record (16 KiB), and sure to fit the socket's buffer. */
#define RECORD_BODY_MAX (15UL * 1024)
#define RECORD_UNSENT_MAX (8 * 1024)

static struct connection *connection_of(struct MHD_Connection *library)
{
    return MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* A session keeps the credentials that were current when it began. */
static void begin_tls(struct connection *connection)
{
    struct http_server *server = connection->listener->server;
    connection->session =
        MHD_get_connection_info(connection->library, MHD_CONNECTION_INFO_GNUTLS_SESSION)
            ->tls_session;
    pthread_mutex_lock(&server->tls_lock);
    connection->credentials = tls_credentials_hold(server->tls_current);
    pthread_mutex_unlock(&server->tls_lock);
    tls_credentials_use(connection->credentials, connection->session);
    /* A host that comes back an hour later saves both sides a full handshake. */
    gnutls_session_ticket_enable_server(connection->session, &server->ticket_key);
}

static struct connection *begin(struct listener *listener, struct MHD_Connection *library)
{
    struct connection *connection = memory_allocate_zero(1, sizeof *connection);
    int on = 1;
    connection->listener = listener;
    connection->library = library;
    connection->fd =
        MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection_set_peer(
        connection,
        MHD_get_connection_info(library, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    /* Replies leave whole, so waiting for more to fill a packet only delays them. */
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (listener->tls)
        begin_tls(connection);
    connection_add(&listener->server->connections, connection);
    ending_watch(connection);
    return connection;
}

static void end(struct connection *connection)
{
    assert(connection->request == NULL);
    struct http_server *server = connection->listener->server;
    refusal_closed(connection);
    ending_forget(connection);
    if (connection->lingers)
        farewell_start(&server->farewell, connection->fd);
    connection_remove(&server->connections, connection);
    tls_credentials_release(connection->credentials);
    free(connection);
}

void conversation_connection(void *listener, struct MHD_Connection *library, void **context,
                             enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = begin(listener, library);
    } else {
        end(*context);
        *context = NULL;
    }
}

static int digit_of(char text)
{
    if (text >= '0' && text <= '9')
        return text - '0';
    text |= 0x20;
    return text >= 'a' && text <= 'f' ? text - 'a' + 10 : -1;
}

/* The path is text without control characters, and each % begins an encoded byte: so it cannot mean
 * one thing here and another to a log, a terminal or a C string (%00). */
static bool target_is_clean(const char *target)
{
    for (const char *at = target; *at != '\0' && *at != '?'; at++) {
        int byte = (unsigned char)*at;
        if (byte == '%') {
            int high = digit_of(at[1]);
            int low = high < 0 ? -1 : digit_of(at[2]);
            if (low < 0)
                return false;
            byte = high * 16 + low;
            at += 2;
        }
        if (byte < 0x20 || byte == 0x7f)
            return false;
    }
    return true;
}

void *conversation_target(void *listener, const char *target, struct MHD_Connection *library)
{
    (void)listener;
    struct connection *connection = connection_of(library);
    struct http_server *server = connection->listener->server;
    connection->target_refused = !target_is_clean(target);
    refusal_begin(connection);
    connection_enter(&server->connections, connection, CONNECTION_REQUEST);
    return NULL; /* so that the first call of the access handler is known by its empty context */
}

/*
 * One reply: one record. A client that reads once what has arrived reads one record, so head and
 * body must not come in two (protocol.md 2.4). GnuTLS gathers what it is given until
 * conversation_completed; what it then holds must fit the socket's buffer, since nobody would send
 * the rest.
 */
static void gather_record(struct connection *connection, size_t body_size)
{
    int unsent = 0;
    if (connection->session == NULL || body_size > RECORD_BODY_MAX ||
        ioctl(connection->fd, SIOCOUTQ, &unsent) != 0 || unsent > RECORD_UNSENT_MAX)
        return;
    gnutls_record_cork(connection->session);
    connection->corked = true;
}

static void send_record(struct connection *connection, bool complete)
{
    int on = 1;
    connection->corked = false;
    if (!complete)
        return;
    if (gnutls_record_uncork(connection->session, 0) < 0)
        connection_cut(&connection->listener->server->connections, connection);
    /* The library corks the socket too, and has pushed before there was anything to push; without
     * this the kernel keeps the record back for 200 ms. */
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* The service's own clock, by which its certificates are made: hosts compare theirs with it. */
static const char *date_of(struct http_server *server)
{
    int64_t now = clock_now(server->clock);
    if (now != server->date_time)
        http_date_format(now, server->date);
    server->date_time = now;
    return server->date;
}

static enum MHD_Result send_reply(struct connection *connection, unsigned status,
                                  struct MHD_Response *response, size_t body_size)
{
    struct http_server *server = connection->listener->server;
    MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, date_of(server));
    if (server->stopping)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    connection_enter(&server->connections, connection, CONNECTION_REPLY);
    gather_record(connection, body_size);
    refusal_replying(connection);
    return MHD_queue_response(connection->library, status, response);
}

static const char *refusal_text(unsigned status)
{
    switch (status) {
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return "The request's body is larger than this service takes.\n";
    case MHD_HTTP_NOT_IMPLEMENTED:
        return "The request's transfer encoding is not known here.\n";
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return "The service cannot take this request now; try again.\n";
    default:
        return "The request is malformed.\n";
    }
}

static enum MHD_Result answer_text(struct connection *connection, unsigned status)
{
    struct buf text;
    buf_init(&text, 256);
    buf_append_text(&text, refusal_text(status));
    size_t size = text.size;
    struct MHD_Response *response =
        request_response("text/plain; charset=utf-8", &text, NULL, NULL);
    enum MHD_Result result = send_reply(connection, status, response, size);
    MHD_destroy_response(response);
    return result;
}

/* Refuses on our own account. Before the body is read, the library closes the connection then. */
static enum MHD_Result refuse(struct connection *connection, unsigned status)
{
    refusal_tell(connection, status, refusal_code(status));
    return answer_text(connection, status);
}

/* In the middle of a body the library takes no reply, so the refusal is written past it, and the
 * connection ends. */
static enum MHD_Result refuse_midway(struct connection *connection, unsigned status)
{
    const char *reason =
        status == MHD_HTTP_CONTENT_TOO_LARGE ? "Content Too Large" : "Service Unavailable";
    const char *text = refusal_text(status);
    _cleanup_free_ char *reply =
        memory_format("HTTP/1.1 %u %s\r\nConnection: close\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s",
                      status, reason, strlen(text), text);
    refusal_tell(connection, status, refusal_code(status));
    /* A client that leaves no room for these bytes does not get them. */
    if (connection->session != NULL)
        gnutls_record_send(connection->session, reply, strlen(reply));
    else
        send(connection->fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
    connection->lingers = true;
    return MHD_NO;
}

static enum MHD_Result read_head(struct connection *connection, const char *method,
                                 const char *path, const char *version)
{
    struct http_server *server = connection->listener->server;
    unsigned refusal = 0;
    struct http_request *request = request_new(connection, method, path, version, &refusal);
    connection->request = request;
    request->replies = replies_hold(server->replies);
    uint64_t size = request_body_size(request);
    if (connection->target_refused)
        refusal = MHD_HTTP_BAD_REQUEST;
    if (refusal == 0) {
        request->body_limit = server->limit(server->context, request);
        if (size != UINT64_MAX && size > request->body_limit)
            refusal = MHD_HTTP_CONTENT_TOO_LARGE;
    }
    if (refusal != 0) {
        connection->lingers = size > 0;
        return refuse(connection, refusal);
    }
    buf_init(&request->body, request->body_limit);
    if (size != UINT64_MAX && size > 0)
        buf_reserve(&request->body, size < BODY_FIRST_RESERVE ? size : BODY_FIRST_RESERVE);
    return MHD_YES;
}

static enum MHD_Result read_body(struct connection *connection, const char *upload, size_t size)
{
    struct http_server *server = connection->listener->server;
    struct http_request *request = connection->request;
    if (size > request->body_limit - request->body.size)
        return refuse_midway(connection, MHD_HTTP_CONTENT_TOO_LARGE);
    if (size > server->bodies_limit - server->body_bytes)
        return refuse_midway(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    buf_append_bytes(&request->body, upload, size);
    server->body_bytes += size;
    return MHD_YES;
}

static enum MHD_Result answer(struct connection *connection)
{
    struct http_request *request = connection->request;
    return send_reply(connection, request->status, request->response, request->response_size);
}

static enum MHD_Result hand_over(struct connection *connection)
{
    struct http_server *server = connection->listener->server;
    struct http_request *request = connection->request;
    connection_enter(&server->connections, connection, CONNECTION_AT_WORK);
    request->handling = true;
    server->handle(server->context, request);
    /* A worker may have replied by now, but its reply comes to this thread by way of the stack, and
     * only after the connection is suspended. So the request is certainly still there. */
    request->handling = false;
    if (request->replied)
        return answer(connection);
    MHD_suspend_connection(connection->library);
    return MHD_YES;
}

enum MHD_Result conversation_request(void *listener, struct MHD_Connection *library,
                                     const char *path, const char *method, const char *version,
                                     const char *upload, size_t *upload_size, void **context)
{
    (void)listener;
    struct connection *connection = connection_of(library);
    if (*context == NULL) {
        *context = connection;
        return read_head(connection, method, path, version);
    }
    if (*upload_size > 0) {
        size_t size = *upload_size;
        *upload_size = 0;
        return read_body(connection, upload, size);
    }
    if (connection->abandoned)
        return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (connection->request->replied)
        return answer(connection);
    return hand_over(connection);
}

void conversation_completed(void *listener, struct MHD_Connection *library, void **context,
                            enum MHD_RequestTerminationCode code)
{
    (void)listener;
    (void)context;
    struct connection *connection = connection_of(library);
    struct http_server *server = connection->listener->server;
    if (connection->corked)
        send_record(connection, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    refusal_done(connection);
    if (connection->request != NULL) {
        server->body_bytes -= connection->request->body.size;
        request_free(connection->request);
        connection->request = NULL;
    }
    connection_enter(&server->connections, connection, CONNECTION_IDLE);
}

void conversation_resume(struct connection *connection)
{
    connection->request->replied = true;
    MHD_resume_connection(connection->library);
}

void conversation_abandon(struct connection *connection)
{
    struct http_request *request = connection->request;
    enum request_state expected = REQUEST_AT_WORK;
    size_t body_size = request->body.size;
    if (!atomic_compare_exchange_strong(&request->state, &expected, REQUEST_ABANDONED))
        return;
    /* From here on it is the worker's. */
    connection->listener->server->body_bytes -= body_size;
    connection->request = NULL;
    connection->abandoned = true;
    connection_enter(&connection->listener->server->connections, connection, CONNECTION_REPLY);
    MHD_resume_connection(connection->library);
}
