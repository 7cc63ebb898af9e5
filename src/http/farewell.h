/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client that is still sending a body when it is refused must get to read the refusal: closing
 * the socket with unread bytes makes the kernel reset the connection, which may overtake the reply
 * (RFC 9112 9.6). So such a socket is kept a little longer, and what comes is thrown away, within
 * bounds: bytes, time and number of sockets. Belongs to the HTTP thread.
 */

#include <stdbool.h>
#include <stdint.h>

#define FAREWELL_MOST 64
#define FAREWELL_MS 2000
#define FAREWELL_BYTES (16 * 1024 * 1024)

struct farewell {
    int epoll_fd; /* the HTTP thread's: events carry a pointer to the socket's struct */
    struct farewell_socket {
        int fd; /* -1: free */
        int64_t until;
        uint64_t left;
    } sockets[FAREWELL_MOST];
};

void farewell_init(struct farewell *farewell, int epoll_fd);
/* fd itself stays the caller's. Does nothing when there are too many. */
void farewell_start(struct farewell *farewell, int fd);
/* Something happened on a socket: the pointer of an epoll event. False when it is none of these. */
bool farewell_event(struct farewell *farewell, void *pointer);
/* Closes what has had its time. Returns the milliseconds until the next one has, or -1. */
int farewell_sweep(struct farewell *farewell);
void farewell_done(struct farewell *farewell);
