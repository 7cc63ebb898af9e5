/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Child processes that are kept running: started, watched by pidfd, started again with growing
 * pauses (100 ms to 10 s; back to 100 ms after a minute of health), told to stop (SIGTERM, then
 * SIGKILL) in order.
 */

#include "base/error.h"

#include <sys/types.h>

struct supervised {
    const char *name; /* for messages */
    /* Called in the new process; never returns. context is supervise_child's. */
    void (*run)(void *context) __attribute__((noreturn));
    /* Called in the supervisor before each start and after each end. started may refuse: then it is
     * tried again later. */
    bool (*starting)(void *context, struct error *err);
    void (*started)(void *context, pid_t pid);
    void (*ended)(void *context, int status);
    void *context;
    /* private to supervise.c */
    pid_t pid;
    int pidfd;
    int64_t start_at, started_at, pause_ms;
};

/*
 * Runs children (in order; stopped in reverse order) until SIGTERM or SIGINT arrives, then stops
 * them, giving each grace_ms. SIGHUP is passed on to all of them. poll_fds/on_readable: further
 * descriptors of the caller to watch.
 */
bool supervise_run(struct supervised *children, size_t count, int64_t grace_ms, struct error *err);

/* sd_notify (READY=1, STOPPING=1, STATUS=…); nothing without NOTIFY_SOCKET. */
void supervise_notify(const char *state);
