/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How far the clocks of hosts are from this node's, as the Date of their requests said. Nobody
 * vouches for it, so it decides nothing: it is for people who look for a clock that is wrong. In
 * memory only, and of a bounded number of hosts: when there is no more room, those go first whose
 * clocks are right and that were not heard of for the longest. Any thread.
 */

#include "attestation/host.h"
#include "base/json.h"

struct attestation_host_clocks;

struct attestation_host_clock {
    int64_t offset; /* seconds that it is ahead of ours; negative: behind */
    int64_t time;   /* when that was measured, seconds since 1970 */
    bool is_off;    /* by more than the bound */
};

/* entries: at most so many hosts, at least 1. */
struct attestation_host_clocks *attestation_host_clocks_new(size_t entries);
void attestation_host_clocks_free(struct attestation_host_clocks **clocks);

/*
 * A measurement. A clock is off when it is further than bound seconds away, and right again when it
 * is no further than three quarters of that. True when that changed and should be told: not more
 * than four times an hour (monotonic_ms) of one host.
 */
bool attestation_host_clocks_note(struct attestation_host_clocks *clocks, const char *host,
                                  const struct attestation_host_clock *measured, int64_t bound,
                                  int64_t monotonic_ms);
/* False when nothing is known of that host. */
bool attestation_host_clocks_find(struct attestation_host_clocks *clocks, const char *host,
                                  struct attestation_host_clock *out);
/* How many hosts' clocks are off. */
size_t attestation_host_clocks_off(struct attestation_host_clocks *clocks);
/* For a host that is removed. */
void attestation_host_clocks_forget(struct attestation_host_clocks *clocks, const char *host);
/* The object name: measured (hosts that something is known of), off (how many of them), and
 * farthest, up to 8 of those that are off: host, offset (seconds), measured_at. */
void attestation_host_clocks_write(struct attestation_host_clocks *clocks,
                                   struct json_writer *writer, const char *name);
