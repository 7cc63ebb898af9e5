/* SPDX-License-Identifier: Apache-2.0 */
#include "http/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/conversation.h"
#include "http/ending.h"
#include "http/request.h"

#define LOOP_EVENTS 64
#define LOOP_ROUNDS 4           /* a daemon often has a little more to do after a reply */
#define LOOP_LAST_WORDS_MS 1000 /* for the replies that stopping itself causes */

/* Where the leave-taking stands. */
struct leave {
    bool begun;
    bool abandoned;
    int64_t deadline;
};

static int sooner(int a, int b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int sweep(struct http_server *server, const struct leave *leave)
{
    int left = sooner(connections_sweep(&server->connections), farewell_sweep(&server->farewell));
    for (size_t i = 0; i < server->count; i++)
        if (server->listeners[i].due)
            left = 0;
    if (!leave->begun)
        return left;
    int64_t until = leave->deadline - clock_monotonic_ms();
    /* Past the deadline only a reply that a worker is just handing over is waited for, and it will
     * knock. */
    return until > 0 ? sooner(left, until > INT32_MAX ? INT32_MAX : (int)until) : left;
}

static void mark_all_due(struct http_server *server)
{
    for (size_t i = 0; i < server->count; i++)
        server->listeners[i].due = true;
}

/* True when a worker knocked. */
static bool wait_for_events(struct http_server *server, int timeout)
{
    bool knocked = false;
    struct epoll_event events[LOOP_EVENTS];
    int count = epoll_wait(server->epoll_fd, events, LOOP_EVENTS, timeout);
    for (int i = 0; i < count; i++) {
        struct listener *listener = events[i].data.ptr;
        if (listener >= server->listeners && listener < server->listeners + server->count)
            listener->due = true;
        else if (events[i].data.ptr == NULL)
            knocked = true;
        else if (!farewell_event(&server->farewell, events[i].data.ptr))
            ending_noticed(events[i].data.ptr);
    }
    return knocked;
}

static void take_replies(struct http_server *server)
{
    struct http_request *next = NULL;
    for (struct http_request *request = replies_take(server->replies); request != NULL;
         request = next) {
        next = request->next;
        request->connection->listener->due = true;
        conversation_resume(request->connection);
    }
}

static void run_daemons(struct http_server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        struct listener *listener = &server->listeners[i];
        for (int round = 0; listener->due && round < LOOP_ROUNDS; round++) {
            unsigned long long timeout = 1;
            MHD_run(listener->daemon);
            listener->due = MHD_get_timeout(listener->daemon, &timeout) == MHD_YES && timeout == 0;
        }
    }
}

static void stop_listening(struct http_server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        MHD_socket fd = MHD_quiesce_daemon(server->listeners[i].daemon);
        if (fd != MHD_INVALID_SOCKET)
            close(fd);
    }
}

static void abandon_all(struct http_server *server)
{
    struct connection *next = NULL;
    connections_cut_all(&server->connections, CONNECTION_REQUEST);
    for (struct connection *connection = server->connections.phases[CONNECTION_AT_WORK].first;
         connection != NULL; connection = next) {
        next = connection->next;
        conversation_abandon(connection);
    }
    mark_all_due(server);
}

static bool phase_empty(const struct http_server *server, enum connection_phase phase)
{
    return server->connections.phases[phase].first == NULL;
}

/* True when nothing is left to wait for. */
static bool take_leave(struct http_server *server, struct leave *leave)
{
    int64_t now = clock_monotonic_ms();
    if (!leave->begun) {
        leave->begun = true;
        leave->deadline = now + server->stop_wait_ms;
        server->stopping = true;
        stop_listening(server);
    }
    connections_cut_all(&server->connections, CONNECTION_IDLE);
    if (now >= leave->deadline && !leave->abandoned) {
        leave->abandoned = true;
        leave->deadline = now + LOOP_LAST_WORDS_MS;
        abandon_all(server);
    }
    if (!phase_empty(server, CONNECTION_AT_WORK))
        return false;
    if (leave->abandoned && now >= leave->deadline)
        return true;
    return phase_empty(server, CONNECTION_REQUEST) && phase_empty(server, CONNECTION_REPLY);
}

void *loop_run(void *context)
{
    struct http_server *server = context;
    struct leave leave = {0};
    server->replies->thread = pthread_self();
    for (;;) {
        atomic_fetch_add_explicit(&server->turns, 1, memory_order_relaxed);
        if (wait_for_events(server, sweep(server, &leave)))
            take_replies(server);
        run_daemons(server);
        ending_sweep(server);
        if (atomic_load(&server->stop_asked) && take_leave(server, &leave))
            break;
    }
    for (size_t i = 0; i < server->count; i++) {
        MHD_stop_daemon(server->listeners[i].daemon);
        server->listeners[i].daemon = NULL;
    }
    farewell_done(&server->farewell);
    return NULL;
}
