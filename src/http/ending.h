/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clients that end a connection right behind the last byte that they send. The library learns of
 * bytes and end by one event, reads the bytes, and does not look again: a request that is not whole
 * would be waited for until its time is over, and an idle connection that nobody has any more would
 * stay open. So the loop watches for the end itself, and cuts what has nothing left to read. A
 * whole request is still answered: a client may end its own side and wait for the reply. Belongs to
 * the HTTP thread.
 */

#include "http/server_state.h"

/* From the connection's start. Where it fails, an end costs only the time until the connection is
 * cut. */
void ending_watch(struct connection *connection);
/* The connection is about to be closed. */
void ending_forget(struct connection *connection);
/* An event of the HTTP thread's epoll descriptor is the end of this connection. */
void ending_noticed(struct connection *connection);
/* Cuts those that have nothing left to read, once the library had its turn. */
void ending_sweep(struct http_server *server);
