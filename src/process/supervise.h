/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Child processes that are kept running: started, watched by pidfd, started again with growing
 * pauses (100 ms to 10 s; back to 100 ms after a minute of health), told to stop (SIGTERM, then
 * SIGKILL) in order. A child that outlives its supervisor is killed (PR_SET_PDEATHSIG).
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct supervised {
    const char *name; /* for messages */
    /* Called in the new process, with the caller's signal mask; never returns. context is below. */
    void (*run)(void *context) __attribute__((noreturn));
    /* All of these may be NULL and are called in the supervisor. starting comes before each start
     * and may refuse: then it is tried again later, and refused is told why (as it is when the
     * kernel starts no process). ended comes after each end, with waitpid's status. */
    bool (*starting)(void *context, struct error *err);
    void (*started)(void *context, pid_t pid);
    void (*refused)(void *context, const struct error *err);
    void (*ended)(void *context, int status);
    /* When readable is not NULL, descriptor (the caller's) is watched, too; what comes is taken by
     * it. An end of the other side stops the watching. */
    void (*readable)(void *context);
    int descriptor;
    /* When not 0: a child that supervise_heard was not called of for so long (five times as long
     * after its start) does nothing any more. It is killed, and so started again; silent (may be
     * NULL) is told before. */
    int64_t silence_ms;
    void (*silent)(void *context, int64_t milliseconds);
    void *context;
    /* private to supervise.c */
    pid_t pid;
    int pidfd;
    int64_t start_at, started_at, pause_ms, heard_at;
    bool heard;
};

/*
 * Runs children (in order; stopped in reverse order), and tells systemd's watchdog (WATCHDOG=1) as
 * long as no child that is watched is silent for too long, until SIGTERM or SIGINT arrives, then
 * tells systemd (STOPPING=1) and stops them, giving each grace_ms. SIGHUP is passed on to all of
 * them. For a process with one thread. process.spawn when the kernel gives no descriptors to wait
 * on.
 */
bool supervise_run(struct supervised *children, size_t count, int64_t grace_ms, struct error *err);

/* A child gave a sign of life. From the functions above. */
void supervise_heard(struct supervised *child);
/* For a child that does not do its work any more: ends it at once (SIGKILL), so that it is started
 * again. From the functions above; does nothing when it does not run. */
void supervise_kill(const struct supervised *child);

/* sd_notify (READY=1, STOPPING=1, STATUS=…); nothing without NOTIFY_SOCKET. */
void supervise_notify(const char *state);
