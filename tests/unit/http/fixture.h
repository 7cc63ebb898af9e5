/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A server on a free loopback port whose handler does what the path says, and a client that is
 * nothing but a socket, so that it can do what no proper client does.
 *
 *   /echo    200 with the request's body, at once
 *   /worker  the same, from another thread
 *   /hold    kept until fixture_release
 *   /large   200 with FIXTURE_LARGE bytes
 *   /peer    200 with the peer, the path and the header X-Test
 *   others   404
 *
 * Bodies may have 1 MiB, those of /small 100 bytes. A test waits for events, with a limit that is
 * only there to fail instead of hanging.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "http/server.h"

#define FIXTURE_LARGE (3UL * 1024 * 1024)
#define FIXTURE_WAIT_MS 20000
#define FIXTURE_HELD 2000

struct fixture {
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_request *held[FIXTURE_HELD]; /* of /hold */
    size_t held_count;
    struct http_request *work[FIXTURE_HELD]; /* of /worker */
    size_t work_count;
    size_t handled;
    bool ended;
    pthread_t worker;
    struct http_server_options options;
};

static size_t fixture_limit(void *context, const struct http_request *request)
{
    (void)context;
    return strcmp(http_request_path(request), "/small") == 0 ? 100 : 1024 * 1024;
}

__attribute__((unused)) static void fixture_reply_text(struct http_request *request,
                                                       unsigned status, const char *text)
{
    struct buf body;
    buf_init(&body, 4UL * 1024 * 1024);
    buf_append_text(&body, text);
    http_reply(request, status, "text/plain", &body, NULL, NULL);
    assert_null(body.data);
}

static void fixture_echo(struct http_request *request)
{
    struct buf body;
    buf_init(&body, 4UL * 1024 * 1024);
    buf_append(&body, http_request_body(request));
    http_reply(request, 200, "text/plain", &body, "X-Echo", http_request_method(request));
}

static void fixture_large(struct http_request *request)
{
    struct buf body;
    buf_init(&body, FIXTURE_LARGE);
    memset(buf_reserve(&body, FIXTURE_LARGE), 'x', FIXTURE_LARGE);
    buf_added(&body, FIXTURE_LARGE);
    http_reply(request, 200, "text/plain", &body, NULL, NULL);
}

static void fixture_peer(struct http_request *request)
{
    const char *header = http_request_header(request, "x-test");
    _cleanup_free_ char *text = memory_format(
        "%s %s %s %s", http_request_peer(request), http_request_path(request),
        header != NULL ? header : "-", http_request_is_tls(request) ? "tls" : "plain");
    fixture_reply_text(request, 200, text);
}

static void fixture_keep(struct fixture *fixture, struct http_request **list, size_t *count,
                         struct http_request *request)
{
    pthread_mutex_lock(&fixture->lock);
    list[(*count)++] = request;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

static void fixture_handle(void *context, struct http_request *request)
{
    struct fixture *fixture = context;
    const char *path = http_request_path(request);
    fixture->handled++;
    if (strcmp(path, "/echo") == 0)
        fixture_echo(request);
    else if (strcmp(path, "/worker") == 0)
        fixture_keep(fixture, fixture->work, &fixture->work_count, request);
    else if (strcmp(path, "/hold") == 0)
        fixture_keep(fixture, fixture->held, &fixture->held_count, request);
    else if (strcmp(path, "/large") == 0)
        fixture_large(request);
    else if (strncmp(path, "/peer", 5) == 0)
        fixture_peer(request);
    else
        fixture_reply_text(request, 404, "no such place");
}

static void *fixture_work(void *context)
{
    struct fixture *fixture = context;
    pthread_mutex_lock(&fixture->lock);
    while (!fixture->ended || fixture->work_count > 0) {
        if (fixture->work_count == 0) {
            pthread_cond_wait(&fixture->changed, &fixture->lock);
            continue;
        }
        struct http_request *request = fixture->work[--fixture->work_count];
        pthread_mutex_unlock(&fixture->lock);
        fixture_echo(request);
        pthread_mutex_lock(&fixture->lock);
    }
    pthread_mutex_unlock(&fixture->lock);
    return NULL;
}

/* options: what differs from the defaults; its callbacks and, where it has none, address are filled
 * in. */
static void fixture_start(struct fixture *fixture, const struct http_server_options *options)
{
    static const char *const loopback[] = {"127.0.0.1:0", NULL};
    struct error err = {0};
    memset(fixture, 0, sizeof *fixture);
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    if (options != NULL)
        fixture->options = *options;
    if (fixture->options.http_addresses == NULL && fixture->options.https_addresses == NULL)
        fixture->options.http_addresses = loopback;
    fixture->options.limit = fixture_limit;
    fixture->options.handle = fixture_handle;
    fixture->options.context = fixture;
    if (!http_server_start(&fixture->server, &fixture->options, &err))
        fail_msg("%s: %s", err.object, err.message);
    assert_int_equal(pthread_create(&fixture->worker, NULL, fixture_work, fixture), 0);
}

static void fixture_stop(struct fixture *fixture)
{
    http_server_stop(&fixture->server, 0);
    assert_null(fixture->server);
    pthread_mutex_lock(&fixture->lock);
    fixture->ended = true;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
    pthread_join(fixture->worker, NULL);
    pthread_cond_destroy(&fixture->changed);
    pthread_mutex_destroy(&fixture->lock);
}

/* Waits until count requests are held. */
__attribute__((unused)) static void fixture_wait_held(struct fixture *fixture, size_t count)
{
    pthread_mutex_lock(&fixture->lock);
    while (fixture->held_count < count)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

/* Replies to all that are held, with their body. */
__attribute__((unused)) static void fixture_release(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    for (size_t i = 0; i < fixture->held_count; i++)
        fixture_echo(fixture->held[i]);
    fixture->held_count = 0;
    pthread_mutex_unlock(&fixture->lock);
}

/* A blocking socket to the index-th address. */
__attribute__((unused)) static int fixture_connect(const struct fixture *fixture, size_t index)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port =
                                      htons((uint16_t)http_server_port(fixture->server, index))};
    struct timeval wait = {.tv_sec = FIXTURE_WAIT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    return fd;
}

__attribute__((unused)) static void fixture_send(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

/* Whether the server has ended the connection; waits for it. What still comes is thrown away. */
__attribute__((unused)) static bool fixture_is_cut(int fd)
{
    char bytes[4096];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, FIXTURE_WAIT_MS) == 1)
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    return false;
}

struct fixture_reply {
    unsigned status;
    char head[4096];
    struct buf body;
};

/* Reads exactly one reply: a head, and as many bytes as its Content-Length says. */
__attribute__((unused)) static bool fixture_receive(int fd, struct fixture_reply *reply)
{
    size_t size = 0;
    buf_init(&reply->body, 2 * FIXTURE_LARGE);
    memset(reply->head, 0, sizeof reply->head);
    while (strstr(reply->head, "\r\n\r\n") == NULL) {
        assert_true(size < sizeof reply->head - 1);
        if (recv(fd, reply->head + size, 1, 0) != 1)
            return false;
        size++;
    }
    assert_int_equal(sscanf(reply->head, "HTTP/1.1 %u", &reply->status), 1);
    const char *length = strcasestr(reply->head, "\r\nContent-Length: ");
    if (reply->status == 100)
        return fixture_receive(fd, reply);
    assert_non_null(length);
    assert_null(strcasestr(reply->head, "Transfer-Encoding"));
    size_t left = strtoul(length + 18, NULL, 10);
    while (left > 0) {
        size_t piece = left < 65536 ? left : 65536;
        ssize_t got = recv(fd, buf_reserve(&reply->body, piece), piece, 0);
        if (got <= 0)
            return false;
        buf_added(&reply->body, (size_t)got);
        left -= (size_t)got;
    }
    return true;
}

/* One request as text, one reply of this status; its body for comparing. */
__attribute__((unused)) static void fixture_expect(int fd, const char *request, unsigned status,
                                                   const char *body)
{
    struct fixture_reply reply;
    fixture_send(fd, request);
    assert_true(fixture_receive(fd, &reply));
    assert_int_equal(reply.status, status);
    if (body != NULL)
        assert_string_equal(buf_text(&reply.body), body);
    buf_done(&reply.body);
}
