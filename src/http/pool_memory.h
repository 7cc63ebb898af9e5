/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Gives memory of idle connections back to the system.
 *
 * libmicrohttpd maps a pool for each connection and clears all of it after each request, so that a
 * connection that was ever used keeps 72 KiB of zeros for as long as it is open: 720 MB for ten
 * thousand. Between two requests nothing in a pool matters but the bytes of the next request that
 * have come already, and those stand at its front. So all but the first page may become fresh zero
 * pages. (A client whose request line is longer than a page and takes seconds to arrive loses it,
 * and is answered 400.)
 *
 * This relies on where that library keeps what, and so happens only with the version that was read,
 * and only where the pool's place was proven. Anywhere else nothing is saved and nothing is lost.
 */

#include "http/connection.h"

#define POOL_MEMORY_VERSION "0.9.75"

/* A pool of at least size bytes is one mapping of so many; 0 when that is not known of this library
 * or size. */
size_t pool_memory_size(size_t size);
/*
 * Learns where the connection's pool is, from its first request, when all of it has been read:
 * method is where its method stands, size how long head and body were.
 */
void pool_memory_learn(struct connection *connection, const char *method, size_t size);
/* The connection waits for a request: lets go of its pool but for the first page. */
void pool_memory_release(const struct connection *connection);
