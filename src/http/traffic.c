/* SPDX-License-Identifier: Apache-2.0 */
#include "http/traffic.h"

/* glibc's <netinet/tcp.h> ends before these fields, and the two cannot be had together. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* The first of CLOSED, CLOSE-WAIT, LAST-ACK and CLOSING (RFC 9293 3.3.2), in all of which the peer
 * has ended its side, by the kernel's numbers: only the other header has names for them. */
#define STATE_CLOSED 7

void traffic_of(struct traffic *out, int fd)
{
    struct tcp_info information = {0};
    socklen_t size = sizeof information;
    *out = (struct traffic){0};
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &information, &size) != 0 ||
        size <
            offsetof(struct tcp_info, tcpi_bytes_received) + sizeof information.tcpi_bytes_received)
        return;
    out->peer_ended = information.tcpi_state >= STATE_CLOSED;
    out->received = information.tcpi_bytes_received;
    /* The end is counted as if it were a byte. Of a closed connection it is not known whether it
     * had one: a single byte before a reset goes unseen. */
    if (out->peer_ended && out->received > 0)
        out->received--;
}
