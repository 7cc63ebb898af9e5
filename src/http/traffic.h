/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What went over a connection, as the kernel counts it: for connections that end before the library
 * tells of any request on them. */

#include <stdbool.h>

/* Whether the peer ever sent a byte, and whether we did. Both false when the kernel does not say.
 */
void traffic_of(int fd, bool *received, bool *sent);
