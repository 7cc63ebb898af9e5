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
 *   /date    200 with the header Date, or "none"
 *   others   404
 *
 * Bodies may have 1 MiB, those of /small 100 bytes. A test waits for events, with a limit that is
 * only there to fail instead of hanging.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../testing.h"
#include "base/memory.h"
#include "http/server.h"

#define FIXTURE_LARGE (3UL * 1024 * 1024)
#define FIXTURE_WAIT_MS 20000
#define FIXTURE_HELD 2000
#define FIXTURE_REFUSALS 64

/* What the callback `refused` was told. */
struct fixture_refusal {
    char peer[64], method[64], path[256];
    unsigned status;
    const struct error_code *code;
};

struct fixture {
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_request *held[FIXTURE_HELD]; /* of /hold */
    size_t held_count;
    struct http_request *work[FIXTURE_HELD]; /* of /worker */
    size_t work_count;
    size_t handled;
    struct fixture_refusal refusals[FIXTURE_REFUSALS];
    size_t refusal_count;
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

static void fixture_date(struct http_request *request)
{
    const char *date = http_request_header(request, "Date");
    int64_t age = clock_monotonic_ms() - http_request_arrived(request);
    assert_true(age >= 0 && age < 60000);
    fixture_reply_text(request, 200, date != NULL ? date : "none");
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
    else if (strcmp(path, "/date") == 0)
        fixture_date(request);
    else
        fixture_reply_text(request, 404, "no such place");
}

static void fixture_refused(void *context, const struct http_refusal *refusal)
{
    struct fixture *fixture = context;
    pthread_mutex_lock(&fixture->lock);
    assert_true(fixture->refusal_count < FIXTURE_REFUSALS);
    struct fixture_refusal *copy = &fixture->refusals[fixture->refusal_count++];
    *copy = (struct fixture_refusal){.status = refusal->status, .code = refusal->code};
    snprintf(copy->peer, sizeof copy->peer, "%s", refusal->peer);
    snprintf(copy->method, sizeof copy->method, "%s", refusal->method ? refusal->method : "-");
    snprintf(copy->path, sizeof copy->path, "%s", refusal->path ? refusal->path : "-");
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
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
    /* A failed assertion leaves the server's thread with a fixture that is gone, and the next test
     * with a lock that it holds: the program ends there instead of hanging. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    memset(fixture, 0, sizeof *fixture);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (options != NULL)
        fixture->options = *options;
    if (fixture->options.http_addresses == NULL && fixture->options.https_addresses == NULL)
        fixture->options.http_addresses = loopback;
    fixture->options.limit = fixture_limit;
    fixture->options.handle = fixture_handle;
    fixture->options.refused = fixture_refused;
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

/* Waits until the number, which changes under the lock, is count at least; fails instead of waiting
 * for ever. */
__attribute__((unused)) static void fixture_wait_number(struct fixture *fixture,
                                                        const size_t *number, size_t count)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += FIXTURE_WAIT_MS / 1000;
    pthread_mutex_lock(&fixture->lock);
    while (*number < count && rc == 0)
        rc = pthread_cond_timedwait(&fixture->changed, &fixture->lock, &until);
    size_t reached = *number;
    pthread_mutex_unlock(&fixture->lock);
    if (reached < count)
        fail_msg("%zu of %zu within %d ms", reached, count, FIXTURE_WAIT_MS);
}

/* Waits until count requests are held. */
__attribute__((unused)) static void fixture_wait_held(struct fixture *fixture, size_t count)
{
    fixture_wait_number(fixture, &fixture->held_count, count);
}

/* Waits for the index-th refusal. */
__attribute__((unused)) static struct fixture_refusal *fixture_refusal(struct fixture *fixture,
                                                                       size_t index)
{
    fixture_wait_number(fixture, &fixture->refusal_count, index + 1);
    return &fixture->refusals[index];
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
