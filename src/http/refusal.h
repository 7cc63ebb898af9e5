/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells whoever runs the server of requests that it refuses or cuts itself: the handler never sees
 * them. The library refuses some on its own, and says nothing of those that have no request line
 * yet; for those the kernel's count of bytes has to do (traffic.h). Over TLS it cannot: what never
 * becomes a request line there is refused or cut as well, but not told.
 */

#include "http/server_state.h"

/* A request line is here. */
void refusal_begin(struct connection *connection);
/* Once a request at most: further ones until refusal_begin change nothing. status: 0 when it got no
 * reply. */
void refusal_tell(struct connection *connection, unsigned status, const struct error_code *code);
/* The code of a status that we answered. */
const struct error_code *refusal_code(unsigned status);
/* The request is whole, or refused: what came of it is counted, so that the rest is known to be
 * another's. */
void refusal_replying(struct connection *connection);
/* The request is over. Tells of what the library refused, or what its client never finished. */
void refusal_done(struct connection *connection);
/* The connection is about to be cut because it was too slow, or idle for too long (which is no
 * refusal, unless a request line had begun to come). */
void refusal_slow(struct connection *connection);
/* The connection is about to be cut because its client has ended it. */
void refusal_ended(struct connection *connection);
/* The connection is about to be closed: tells of bytes that never became a request line. */
void refusal_closed(struct connection *connection);
