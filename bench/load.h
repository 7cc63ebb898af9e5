/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A load of HTTP requests over keep-alive connections, from one thread, with as little CPU per
 * request as can be: of a reply only status and Content-Length are read. What is asked, and what
 * the replies mean, is the caller's: each connection holds one conversation after the other, of one
 * request or of several, each made of the reply before.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Replies' heads and bodies up to this long are shown to load_plan.follow whole. */
#define LOAD_REPLY_MAX (256UL * 1024)
/* Latencies are counted in classes of a microsecond up to a second; longer ones in the last. */
#define LOAD_CLASSES 1000001

struct load_request {
    const char *bytes; /* head and body */
    size_t size;
};

enum load_turn {
    LOAD_MORE, /* the conversation goes on */
    LOAD_DONE, /* it has come to its end, as it should */
    LOAD_WRONG /* to another end */
};

struct load_plan {
    struct sockaddr_in address;
    void *context;
    /* The first request of a connection's next conversation. Requests are borrowed until the next
     * call for the same connection. */
    struct load_request (*begin)(void *context, unsigned connection);
    /* What a reply of status 200, head and body, means; with LOAD_MORE also the next request. */
    enum load_turn (*follow)(void *context, unsigned connection, struct slice reply,
                             struct load_request *next);
    unsigned connections;
    double seconds; /* how long to begin new conversations; 0: until limit */
    uint64_t limit; /* conversations to hold; 0: until the time is over */
};

struct load_result {
    uint64_t requests; /* conversations that ended as they should */
    uint64_t errors;   /* those that did not */
    double seconds;
    uint32_t max_us;
    uint32_t *classes; /* LOAD_CLASSES counts: of conversations, from the first request on */
};

/* Holds the plan's conversations. False, with a message on stderr, when no connection can be
 * made. */
bool load_run(struct load_result *out, const struct load_plan *plan);
void load_result_done(struct load_result *result);
/* The latency in microseconds that the share (0 to 1) of all conversations kept within. */
uint32_t load_percentile(const struct load_result *result, double share);

/* Opens up to count connections into fds, each served once with a conversation of one request (of
 * connection 0); returns how many were. */
size_t load_open_idle(const struct load_plan *plan, int *fds, size_t count);
/* One more conversation on each of them, then closes it; returns how many went as they should. */
size_t load_close_idle(const struct load_plan *plan, int *fds, size_t count);
