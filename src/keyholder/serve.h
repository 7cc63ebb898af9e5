/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The end of the channels in a keyholder process: each channel has a thread of its own, which takes
 * a request after the other, has it answered, and sends the reply. What kind of keyholder it is,
 * its answers say (answer.h, answer_token.h).
 */

#include "keyholder/message.h"

/* What a request gave; belongs to one channel and is used again. */
struct answer {
    struct buf fields[KEYHOLDER_REPLY_FIELDS];
    struct secret plain; /* instead of the first field: of a decryption; a derived key */
};

void answer_init(struct answer *answer);
void answer_done(struct answer *answer);
/* Forgets the last answer and wipes what was secret. */
void answer_reset(struct answer *answer);

struct server {
    /* Called by the channels' threads; worker: a number of the calling thread's own, from 0. fds:
     * exactly keyholder_message_descriptors(request) of them, which stay the caller's. */
    bool (*answer)(struct answer *answer, void *context, unsigned worker,
                   const struct keyholder_request *request, const int *fds, struct error *err);
    void *context;
};

/* Ignores SIGPIPE, SIGXFSZ, SIGHUP and SIGINT, and has as much memory locked as is allowed. */
void serve_prepare(void);
/*
 * Serves count channels (connected sockets), each to its end; then returns true. The channels are
 * closed in any case. When one cannot be served, none is: process.spawn.
 */
bool serve_channels(const int *channels, size_t count, const struct server *server,
                    struct error *err);
/* Only closes them. */
void serve_none(const int *channels, size_t count);
