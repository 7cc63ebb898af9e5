/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The service's ends of a keyholder's sockets: a pool from which each call takes one for itself.
 *
 * A channel on which anything went wrong (no answer in time, an answer that is none) is closed, so
 * that no call ever reads the answer to another. Generations tell the channels of a keyholder that
 * was replaced from the new ones: calls under way on old channels are woken and fail.
 */

#include "keyholder/message.h"

struct channels;

struct channels *channels_new(const int *sockets, size_t count);
/* No exchange may be under way. */
void channels_free(struct channels **channels);
void channels_replace(struct channels *channels, const int *sockets, size_t count);
bool channels_alive(const struct channels *channels);
/*
 * stuck is called, by the thread that finds it out and once for each set of channels, when the
 * keyholder has not ended and yet does not answer: CHANNELS_SILENT_MAX calls in a row came to their
 * deadline, or the last channel had to be given up. Before any exchange.
 */
#define CHANNELS_SILENT_MAX 3
void channels_watch(struct channels *channels, void (*stuck)(void *context), void *context);

/*
 * Sends a request (its sequence is set here) with count descriptors, and receives the reply into
 * bytes; reply borrows from them. Waits at most deadline_ms, or an eighth more when it had to wait
 * for a channel. A reply that says failed is still an exchange that succeeded. keyholder.away when
 * there is nobody to ask; keyholder.stuck at the deadline; keyholder.message when the reply is
 * malformed.
 */
bool channels_exchange(struct channels *channels, struct keyholder_request *request, const int *fds,
                       size_t count, int64_t deadline_ms, void *bytes, size_t size,
                       struct keyholder_reply *reply, struct error *err);
