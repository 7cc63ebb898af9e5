/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The open connections of a server by what they wait for, and how long they may. All of it belongs
 * to the HTTP thread.
 *
 * Each phase has one time limit, so its list is in the order in which connections run out of time,
 * and looking at its front is enough, however many there are. A connection past its limit is shut
 * down; the library then finds the end of the stream and closes it.
 */

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include "http/tls.h"

#include <stdint.h>

struct listener;
struct http_request;
struct sockaddr;

enum connection_phase {
    CONNECTION_IDLE,    /* no request line yet: since its start, or its last reply */
    CONNECTION_REQUEST, /* a request is arriving: since its request line */
    CONNECTION_AT_WORK, /* a whole request waits for its reply: no limit */
    CONNECTION_REPLY,   /* the client takes its reply: since that began */
    CONNECTION_CUT,     /* shut down, about to be closed */
    CONNECTION_PHASES
};

struct connection {
    struct connection *previous, *next; /* of its phase, oldest first */
    enum connection_phase phase;
    int64_t since; /* of a monotonic clock, milliseconds */
    int fd;        /* the library's; valid until connection_remove */
    struct listener *listener;
    struct MHD_Connection *library;
    gnutls_session_t session; /* NULL: plain HTTP */
    struct tls_credentials *credentials;
    struct http_request *request;  /* between its head and the end of its reply */
    uint64_t received;             /* bytes of the requests that had a reply; plain HTTP only */
    bool began;                    /* the request at hand has come as far as its request line */
    bool refused;                  /* the request at hand, or the last one, and that was told */
    bool target_refused;           /* its path holds what no path of ours does */
    bool abandoned;                /* the server stops and no longer waits for the reply at work */
    bool corked;                   /* its TLS session gathers the reply for one record */
    struct connection *next_ended; /* of those whose client has ended its side */
    bool ended;                    /* is one of them */
    bool lingers; /* the client may still be sending what was refused with a reply */
    char peer[INET6_ADDRSTRLEN];
};

struct connections {
    /* Called before a connection is cut because it was too slow. */
    void (*too_slow)(struct connection *connection);
    struct {
        struct connection *first, *last;
    } phases[CONNECTION_PHASES];
    int64_t limits[CONNECTION_PHASES]; /* milliseconds; 0: none */
    unsigned limit;
    atomic_uint now, most; /* read by any thread */
};

void connections_init(struct connections *connections, unsigned limit, int64_t idle_ms,
                      int64_t request_ms);
/* A new connection, idle; makes room by cutting the longest idle one when the house is full. */
void connection_add(struct connections *connections, struct connection *connection);
/* It is about to be closed. */
void connection_remove(struct connections *connections, struct connection *connection);
/* Its time in phase starts now. */
void connection_enter(struct connections *connections, struct connection *connection,
                      enum connection_phase phase);
/* Shuts it down; it stays until the library closes it. */
void connection_cut(struct connections *connections, struct connection *connection);
/* Cuts what is past its limit. Returns the milliseconds until the next one may be, or -1. */
int connections_sweep(struct connections *connections);
/* Cuts every connection that is in phase. */
void connections_cut_all(struct connections *connections, enum connection_phase phase);
/* Writes the peer's address without its port. */
void connection_set_peer(struct connection *connection, const struct sockaddr *address);
