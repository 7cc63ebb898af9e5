/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A load of HTTP requests over keep-alive connections, from one thread, with as little CPU per
 * request as can be: the bytes of each request are built once, and of a reply only status and
 * Content-Length are read (and, when asked, whether it holds a text).
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Replies up to this long are looked through for load_plan.expect. */
#define LOAD_REPLY_MAX (256UL * 1024)
/* Latencies are counted in classes of a microsecond up to a second; longer ones in the last. */
#define LOAD_CLASSES 1000001

struct load_request {
    char *bytes; /* head and body */
    size_t size;
};

struct load_plan {
    struct sockaddr_in address;
    struct load_request *requests; /* taken in turn, by all connections together */
    size_t request_count;
    const char *expect; /* a text that every reply must hold, or NULL */
    unsigned connections;
    double seconds; /* how long to begin new requests; 0: until limit */
    uint64_t limit; /* requests to make; 0: until the time is over */
};

struct load_result {
    uint64_t requests; /* answered with 200 and as expected */
    uint64_t errors;   /* anything else */
    double seconds;
    uint32_t max_us;
    uint32_t *classes; /* LOAD_CLASSES counts */
};

/* Makes the plan's requests. False, with a message on stderr, when no connection can be made. */
bool load_run(struct load_result *out, const struct load_plan *plan);
void load_result_done(struct load_result *result);
/* The latency in microseconds that the share (0 to 1) of all requests kept within. */
uint32_t load_percentile(const struct load_result *result, double share);

/* Opens up to count connections into fds, each served once with the plan's first request; returns
 * how many were. */
size_t load_open_idle(const struct load_plan *plan, int *fds, size_t count);
/* Makes one more request on each of them and closes it; returns how many were answered. */
size_t load_close_idle(const struct load_plan *plan, int *fds, size_t count);
