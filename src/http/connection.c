/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connection.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

void connections_init(struct connections *connections, unsigned limit, int64_t idle_ms,
                      int64_t request_ms)
{
    memset(connections, 0, sizeof *connections);
    connections->limit = limit;
    connections->limits[CONNECTION_IDLE] = idle_ms;
    connections->limits[CONNECTION_REQUEST] = request_ms;
    connections->limits[CONNECTION_REPLY] = idle_ms > request_ms ? idle_ms : request_ms;
    atomic_init(&connections->now, 0);
    atomic_init(&connections->most, 0);
}

static void append(struct connections *connections, struct connection *connection,
                   enum connection_phase phase)
{
    connection->phase = phase;
    connection->since = clock_monotonic_ms();
    connection->next = NULL;
    connection->previous = connections->phases[phase].last;
    if (connection->previous != NULL)
        connection->previous->next = connection;
    else
        connections->phases[phase].first = connection;
    connections->phases[phase].last = connection;
}

static void unlink_from_phase(struct connections *connections, struct connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        connections->phases[connection->phase].first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        connections->phases[connection->phase].last = connection->previous;
}

void connection_add(struct connections *connections, struct connection *connection)
{
    /* Only this thread writes the two numbers. */
    unsigned now = atomic_load_explicit(&connections->now, memory_order_relaxed);
    if (now >= connections->limit && connections->phases[CONNECTION_IDLE].first != NULL)
        connection_cut(connections, connections->phases[CONNECTION_IDLE].first);
    append(connections, connection, CONNECTION_IDLE);
    now++;
    atomic_store_explicit(&connections->now, now, memory_order_relaxed);
    if (now > atomic_load_explicit(&connections->most, memory_order_relaxed))
        atomic_store_explicit(&connections->most, now, memory_order_relaxed);
}

void connection_remove(struct connections *connections, struct connection *connection)
{
    unlink_from_phase(connections, connection);
    atomic_fetch_sub_explicit(&connections->now, 1, memory_order_relaxed);
}

void connection_enter(struct connections *connections, struct connection *connection,
                      enum connection_phase phase)
{
    if (connection->phase == CONNECTION_CUT)
        return;
    unlink_from_phase(connections, connection);
    append(connections, connection, phase);
}

void connection_cut(struct connections *connections, struct connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
    connection_enter(connections, connection, CONNECTION_CUT);
}

static void cut_slow(struct connections *connections, struct connection *connection)
{
    if (connections->too_slow != NULL)
        connections->too_slow(connection);
    connection_cut(connections, connection);
}

/* -1, or milliseconds until the front of the phase is past its limit, after cutting what is. */
static int64_t sweep_phase(struct connections *connections, enum connection_phase phase,
                           int64_t now)
{
    int64_t limit = connections->limits[phase];
    if (limit == 0)
        return -1;
    struct connection *first;
    while ((first = connections->phases[phase].first) != NULL) {
        int64_t left = first->since + limit - now;
        if (left > 0)
            return left;
        cut_slow(connections, first);
    }
    return -1;
}

int connections_sweep(struct connections *connections)
{
    int64_t now = clock_monotonic_ms();
    int64_t next = -1;
    for (int phase = 0; phase < CONNECTION_PHASES; phase++) {
        int64_t left = sweep_phase(connections, phase, now);
        if (left >= 0 && (next < 0 || left < next))
            next = left;
    }
    return next > INT32_MAX ? INT32_MAX : (int)next;
}

void connections_cut_all(struct connections *connections, enum connection_phase phase)
{
    while (connections->phases[phase].first != NULL)
        connection_cut(connections, connections->phases[phase].first);
}

void connection_set_peer(struct connection *connection, const struct sockaddr *address)
{
    const void *host = NULL;
    int family = AF_INET;
    if (address != NULL && address->sa_family == AF_INET)
        host = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address != NULL && address->sa_family == AF_INET6) {
        const struct in6_addr *v6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        /* An IPv4 peer of a socket for both families is shown as what it is. */
        bool mapped = IN6_IS_ADDR_V4MAPPED(v6);
        family = mapped ? AF_INET : AF_INET6;
        host = mapped ? v6->s6_addr + 12 : v6->s6_addr;
    }
    if (host == NULL || inet_ntop(family, host, connection->peer, sizeof connection->peer) == NULL)
        strcpy(connection->peer, "unknown");
}
