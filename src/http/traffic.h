/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What went over a connection that we accepted, as the kernel counts it: for what ends before the
 * library tells of any request. */

#include <stdbool.h>
#include <stdint.h>

struct traffic {
    uint64_t received; /* bytes that came from the peer */
    bool peer_ended;   /* the peer says that nothing more will come, or has reset the connection */
};

/* All zero when the kernel does not say. */
void traffic_of(struct traffic *out, int fd);
