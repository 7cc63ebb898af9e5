/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define EVENTS 256
#define REPLY_WAIT_S 60 /* no reply in this time ends the run */

/* A reply as it arrives. */
struct reply {
    char *bytes; /* its first LOAD_REPLY_MAX */
    size_t kept;
    size_t head;  /* 0: not yet complete */
    size_t total; /* head and body, once the head is known */
    size_t got;
    unsigned status;
};

struct connection {
    int fd;
    struct load_request request;
    size_t sent;
    uint64_t begun; /* ns, of the conversation; 0: none is under way */
    struct reply reply;
};

struct run {
    const struct load_plan *plan;
    struct load_result *result;
    struct connection *connections;
    int epoll_fd;
    uint64_t begun;
    uint64_t until; /* ns; no new requests from here on */
    uint64_t started;
    unsigned busy;
};

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static int open_connection(const struct load_plan *plan)
{
    int on = 1;
    struct timeval wait = {.tv_sec = REPLY_WAIT_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&plan->address, sizeof plan->address) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
}

/* Looks for the end of the head; false when the reply is none of HTTP/1.1 with a length. */
static bool read_head(struct reply *reply)
{
    const char *end = memmem(reply->bytes, reply->kept, "\r\n\r\n", 4);
    if (end == NULL)
        return reply->kept < LOAD_REPLY_MAX;
    static const char line[] = "HTTP/1.1 ", field[] = "\r\nContent-Length: ";
    reply->head = (size_t)(end - reply->bytes) + 4;
    /* as libmicrohttpd writes it, and tang's server */
    const char *length = memmem(reply->bytes, reply->head, field, sizeof field - 1);
    if (length == NULL || strncmp(reply->bytes, line, sizeof line - 1) != 0)
        return false;
    reply->status = (unsigned)strtoul(reply->bytes + sizeof line - 1, NULL, 10);
    reply->total = reply->head + strtoul(length + sizeof field - 1, NULL, 10);
    return true;
}

/* Reads what is there. False when the connection or the reply is no good. */
static bool read_reply(int fd, struct reply *reply, int flags)
{
    static char rest[LOAD_REPLY_MAX];
    bool keep = reply->kept < LOAD_REPLY_MAX;
    char *to = keep ? reply->bytes + reply->kept : rest;
    ssize_t size = recv(fd, to, keep ? LOAD_REPLY_MAX - reply->kept : sizeof rest, flags);
    if (size < 0 && (errno == EAGAIN || errno == EINTR) && (flags & MSG_DONTWAIT) != 0)
        return true;
    if (size <= 0)
        return false;
    reply->got += (size_t)size;
    reply->kept += keep ? (size_t)size : 0;
    if (reply->head == 0 && !read_head(reply))
        return false;
    return reply->head == 0 || reply->got <= reply->total;
}

static bool reply_complete(const struct reply *reply)
{
    return reply->head > 0 && reply->got == reply->total;
}

/* What a complete reply means. */
static enum load_turn follow(const struct load_plan *plan, unsigned connection,
                             const struct reply *reply, struct load_request *next)
{
    if (reply->status != 200)
        return LOAD_WRONG;
    return plan->follow(plan->context, connection, slice_of(reply->bytes, reply->kept), next);
}

static void reset(struct reply *reply)
{
    *reply = (struct reply){.bytes = reply->bytes};
}

static void count(struct run *run, uint64_t begun, uint64_t now)
{
    uint64_t us = (now - begun) / 1000;
    run->result->classes[us < LOAD_CLASSES ? us : LOAD_CLASSES - 1]++;
    if (us > run->result->max_us)
        run->result->max_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    run->result->requests++;
}

/* Sends what the socket takes; writable is watched for only while something is left. */
static bool send_on(struct run *run, struct connection *connection)
{
    const struct load_request *request = &connection->request;
    bool waited = connection->sent > 0;
    ssize_t size = send(connection->fd, request->bytes + connection->sent,
                        request->size - connection->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN)
        return false;
    connection->sent += size > 0 ? (size_t)size : 0;
    bool waits = connection->sent < request->size;
    if (waits == waited)
        return true;
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};
    return epoll_ctl(run->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) == 0;
}

static bool send_request(struct run *run, struct connection *connection,
                         struct load_request request)
{
    connection->request = request;
    connection->sent = 0;
    reset(&connection->reply);
    return send_on(run, connection);
}

static unsigned number_of(const struct run *run, const struct connection *connection)
{
    return (unsigned)(connection - run->connections);
}

/* Begins another conversation, if there is to be one. */
static bool begin(struct run *run, struct connection *connection, uint64_t now)
{
    const struct load_plan *plan = run->plan;
    connection->begun = 0;
    if ((plan->limit > 0 && run->started >= plan->limit) || now >= run->until)
        return true;
    run->started++;
    run->busy++;
    connection->begun = now;
    return send_request(run, connection, plan->begin(plan->context, number_of(run, connection)));
}

static bool connect_one(struct run *run, struct connection *connection)
{
    connection->fd = open_connection(run->plan);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection->fd >= 0 && epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) == 0)
        return true;
    perror("bench-load: cannot connect");
    return false;
}

/* A connection that broke: what was under way on it is an error; another takes its place. */
static bool replace(struct run *run, struct connection *connection)
{
    if (connection->begun != 0) {
        run->result->errors++;
        run->busy--;
    }
    close(connection->fd);
    return connect_one(run, connection) && begin(run, connection, now_ns());
}

static bool on_reply(struct run *run, struct connection *connection)
{
    struct load_request next;
    enum load_turn turn = follow(run->plan, number_of(run, connection), &connection->reply, &next);
    if (turn == LOAD_MORE)
        return send_request(run, connection, next);
    uint64_t now = now_ns();
    run->busy--;
    if (turn == LOAD_DONE)
        count(run, connection->begun, now);
    else
        run->result->errors++;
    return begin(run, connection, now);
}

static bool on_event(struct run *run, struct connection *connection, uint32_t events)
{
    if ((events & EPOLLOUT) != 0 && connection->begun != 0 && !send_on(run, connection))
        return replace(run, connection);
    if ((events & ~(uint32_t)EPOLLOUT) == 0)
        return true;
    if (!read_reply(connection->fd, &connection->reply, MSG_DONTWAIT) || connection->begun == 0)
        return replace(run, connection);
    return !reply_complete(&connection->reply) || on_reply(run, connection) ||
           replace(run, connection);
}

static bool start(struct run *run)
{
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < run->plan->connections; i++) {
        run->connections[i].reply.bytes = memory_allocate(LOAD_REPLY_MAX + 1);
        if (!connect_one(run, &run->connections[i]))
            return false;
    }
    run->begun = now_ns();
    run->until =
        run->plan->seconds > 0 ? run->begun + (uint64_t)(run->plan->seconds * 1e9) : UINT64_MAX;
    for (unsigned i = 0; i < run->plan->connections; i++)
        if (!begin(run, &run->connections[i], now_ns()))
            return false;
    return true;
}

static bool work(struct run *run)
{
    struct epoll_event events[EVENTS];
    while (run->busy > 0) {
        int size = epoll_wait(run->epoll_fd, events, EVENTS, REPLY_WAIT_S * 1000);
        if (size == 0) {
            fprintf(stderr, "bench-load: no reply for %d s\n", REPLY_WAIT_S);
            run->result->errors += run->busy;
            return true;
        }
        for (int i = 0; i < size; i++)
            if (!on_event(run, events[i].data.ptr, events[i].events))
                return false;
    }
    return true;
}

bool load_run(struct load_result *out, const struct load_plan *plan)
{
    struct run run = {.plan = plan, .result = out};
    *out = (struct load_result){.classes = memory_allocate_zero(LOAD_CLASSES, sizeof(uint32_t))};
    run.connections = memory_allocate_zero(plan->connections + 1, sizeof *run.connections);
    for (unsigned i = 0; i < plan->connections; i++)
        run.connections[i].fd = -1;
    bool done = start(&run) && work(&run);
    out->seconds = (double)(now_ns() - run.begun) / 1e9;
    for (unsigned i = 0; i < plan->connections; i++) {
        if (run.connections[i].fd >= 0)
            close(run.connections[i].fd);
        free(run.connections[i].reply.bytes);
    }
    free(run.connections);
    if (run.epoll_fd >= 0)
        close(run.epoll_fd);
    return done;
}

void load_result_done(struct load_result *result)
{
    free(result->classes);
    result->classes = NULL;
}

uint32_t load_percentile(const struct load_result *result, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)result->requests);
    uint64_t seen = 0;
    for (uint32_t us = 0; us < LOAD_CLASSES - 1; us++) {
        seen += result->classes[us];
        if (seen > wanted)
            return us;
    }
    return result->max_us;
}

/* A conversation of one request, waiting. */
static bool ask(const struct load_plan *plan, int fd, struct reply *reply)
{
    struct load_request request = plan->begin(plan->context, 0);
    reset(reply);
    if (send(fd, request.bytes, request.size, MSG_NOSIGNAL) != (ssize_t)request.size)
        return false;
    while (!reply_complete(reply))
        if (!read_reply(fd, reply, 0))
            return false;
    return follow(plan, 0, reply, &request) == LOAD_DONE;
}

size_t load_open_idle(const struct load_plan *plan, int *fds, size_t count_wanted)
{
    struct reply reply = {.bytes = memory_allocate(LOAD_REPLY_MAX + 1)};
    size_t opened = 0;
    while (opened < count_wanted) {
        int fd = open_connection(plan);
        if (fd < 0) {
            perror("bench-load: cannot connect");
            break;
        }
        if (!ask(plan, fd, &reply)) {
            close(fd);
            break;
        }
        fds[opened++] = fd;
    }
    free(reply.bytes);
    return opened;
}

size_t load_close_idle(const struct load_plan *plan, int *fds, size_t count_opened)
{
    struct reply reply = {.bytes = memory_allocate(LOAD_REPLY_MAX + 1)};
    size_t answered = 0;
    for (size_t i = 0; i < count_opened; i++) {
        answered += ask(plan, fds[i], &reply) ? 1 : 0;
        close(fds[i]);
    }
    free(reply.bytes);
    return answered;
}
