/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The HTTP thread: waits for sockets, for replies of workers and for time, runs the library's
 * daemons, and in the end takes leave of the clients in order.
 */

#include "http/server_state.h"

/* The thread's function; its context is the struct http_server. Ends some time after stop_asked,
 * with no request at work and every daemon stopped. */
void *loop_run(void *context);
