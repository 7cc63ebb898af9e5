/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/connection.h"

#define REQUEST_METHOD_MAX 32

/* What one look at the headers learns. */
struct head {
    struct buf *headers;
    unsigned hosts;     /* Host lines */
    unsigned lengths;   /* Content-Length lines */
    unsigned encodings; /* Transfer-Encoding lines */
    bool chunked;
    bool name_refused; /* a name is no token */
};

/* RFC 9110 5.6.2. The library lets white space before the colon pass, which others do not count as
 * part of the name. */
static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)
            return false;
    return size > 0;
}

static enum MHD_Result copy_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    struct head *head = context;
    if (value == NULL) {
        value = "";
        value_size = 0;
    }
    if (!is_token(name, name_size))
        head->name_refused = true;
    if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
        head->hosts++;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
        head->lengths++;
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        head->encodings++;
        head->chunked = strcasecmp(value, "chunked") == 0;
    }
    buf_append_bytes(head->headers, name, name_size);
    buf_append_u8(head->headers, '\0');
    buf_append_bytes(head->headers, value, value_size);
    buf_append_u8(head->headers, '\0');
    return MHD_YES;
}

/* Methods are case-sensitive tokens; all that anybody uses are upper case. */
static bool method_is_token(const char *method)
{
    size_t size = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return size > 0 && size <= REQUEST_METHOD_MAX && method[size] == '\0';
}

static unsigned judge(const struct head *head, const char *method, const char *version)
{
    if (head->name_refused || head->hosts > 1 || head->lengths > 1 ||
        (head->lengths > 0 && head->encodings > 0))
        return MHD_HTTP_BAD_REQUEST;
    if (head->encodings > 0 && strcmp(version, MHD_HTTP_VERSION_1_0) == 0)
        return MHD_HTTP_BAD_REQUEST;
    if (head->encodings > 1 || (head->encodings == 1 && !head->chunked))
        return MHD_HTTP_NOT_IMPLEMENTED;
    return method_is_token(method) ? 0 : MHD_HTTP_BAD_REQUEST;
}

/* "http://host/path", which a proxy sends, means "/path" (RFC 9112 3.2.2). */
static const char *origin_form(const char *path)
{
    const char *authority = NULL;
    if (strncasecmp(path, "http://", 7) == 0)
        authority = path + 7;
    else if (strncasecmp(path, "https://", 8) == 0)
        authority = path + 8;
    if (authority == NULL)
        return path;
    const char *slash = strchr(authority, '/');
    return slash != NULL ? slash : "/";
}

struct http_request *request_new(struct connection *connection, const char *method,
                                 const char *path, const char *version, unsigned *refusal)
{
    struct http_request *request = memory_allocate_zero(1, sizeof *request);
    request->connection = connection;
    request->arrived = clock_monotonic_ms();
    atomic_init(&request->state, REQUEST_AT_WORK);
    request->method = memory_copy_text(method);
    request->path = memory_copy_text(origin_form(path));
    request->tls = connection->session != NULL;
    memcpy(request->peer, connection->peer, sizeof request->peer);
    buf_init(&request->headers, SIZE_MAX / 2); /* the library has bounded the head */
    buf_init(&request->body, 0);
    struct head head = {.headers = &request->headers};
    MHD_get_connection_values_n(connection->library, MHD_HEADER_KIND, copy_header, &head);
    *refusal = judge(&head, method, version);
    return request;
}

void request_free(struct http_request *request)
{
    if (request == NULL)
        return;
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    replies_release(request->replies);
    buf_done(&request->headers);
    buf_done(&request->body);
    free(request->method);
    free(request->path);
    free(request);
}

uint64_t request_body_size(const struct http_request *request)
{
    if (http_request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL)
        return UINT64_MAX;
    const char *length = http_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    /* The library has refused what is not a number, or one that is too large. */
    return length != NULL ? strtoull(length, NULL, 10) : 0;
}

/* The body's memory, with what it takes to let go of it. */
static void free_body(void *context)
{
    struct buf *body = context;
    buf_done(body);
    free(body);
}

struct MHD_Response *request_response(const char *content_type, struct buf *body,
                                      const char *header_name, const char *header_value)
{
    struct buf *kept = memory_allocate(sizeof *kept);
    if (body != NULL) {
        buf_init(kept, body->limit);
        buf_move(kept, body);
    } else {
        buf_init(kept, 0);
    }
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        kept->size, (void *)(uintptr_t)buf_text(kept), free_body, kept);
    if (response == NULL)
        abort(); /* only for want of memory */
    if (content_type != NULL &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) != MHD_YES)
        assert(!"a content type that is no header value");
    if (header_name != NULL &&
        MHD_add_response_header(response, header_name, header_value) != MHD_YES)
        assert(!"a header that is none");
    return response;
}

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    const char *at = (const char *)request->headers.data;
    const char *end = at + request->headers.size;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

struct slice http_request_body(const struct http_request *request)
{
    return buf_slice(&request->body);
}

const char *http_request_peer(const struct http_request *request)
{
    return request->peer;
}

int64_t http_request_arrived(const struct http_request *request)
{
    return request->arrived;
}

bool http_request_is_tls(const struct http_request *request)
{
    return request->tls;
}

void http_request_set_data(struct http_request *request, void *data)
{
    request->data = data;
}

void *http_request_data(const struct http_request *request)
{
    return request->data;
}

void http_reply(struct http_request *request, unsigned status, const char *content_type,
                struct buf *body, const char *header_name, const char *header_value)
{
    assert(status >= 200 && status <= 599 && request->response == NULL);
    request->status = status;
    request->response_size = body != NULL ? body->size : 0;
    request->response = request_response(content_type, body, header_name, header_value);
    /* Within the handler the HTTP thread itself looks for the reply next. */
    if (pthread_equal(request->replies->thread, pthread_self()) && request->handling) {
        request->replied = true;
        return;
    }
    struct replies *replies = replies_hold(request->replies);
    enum request_state expected = REQUEST_AT_WORK;
    if (atomic_compare_exchange_strong(&request->state, &expected, REQUEST_REPLIED))
        replies_push(replies, request);
    else
        request_free(request); /* the client has been answered: the server stopped */
    replies_release(replies);
}
