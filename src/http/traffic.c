/* SPDX-License-Identifier: Apache-2.0 */
#include "http/traffic.h"

/* glibc's <netinet/tcp.h> ends before these fields, and the two cannot be had together. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

void traffic_of(int fd, bool *received, bool *sent)
{
    struct tcp_info information = {0};
    socklen_t size = sizeof information;
    *received = *sent = false;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &information, &size) != 0 ||
        size <
            offsetof(struct tcp_info, tcpi_data_segs_out) + sizeof information.tcpi_data_segs_out)
        return;
    *received = information.tcpi_data_segs_in > 0;
    *sent = information.tcpi_data_segs_out > 0;
}
