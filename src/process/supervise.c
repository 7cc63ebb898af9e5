/* SPDX-License-Identifier: Apache-2.0 */
#include "process/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "process/errors.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_LAST_MS 10000
#define HEALTHY_MS 60000
#define WATCHDOG_MS 10000 /* often enough for WatchdogSec= of the unit */
#define START_SILENCES 5
#define LATE_MS 1000

struct supervision {
    struct supervised *children;
    size_t count;
    struct pollfd *watched; /* the signals, then each child, then their descriptors */
    sigset_t mask;          /* as it was before, and as the children have it */
    int signals;
    int64_t watchdog_at; /* when systemd is told next */
    bool stopping;
};

static void clear_child(struct supervised *child)
{
    child->pid = 0;
    file_close(&child->pidfd);
}

static void pause_child(struct supervised *child)
{
    int64_t now = clock_monotonic_ms();
    bool healthy = child->started_at != 0 && now - child->started_at >= HEALTHY_MS;
    if (child->pause_ms == 0 || healthy)
        child->pause_ms = PAUSE_FIRST_MS;
    child->start_at = now + child->pause_ms;
    child->pause_ms *= 2;
    if (child->pause_ms > PAUSE_LAST_MS)
        child->pause_ms = PAUSE_LAST_MS;
}

/* The new process. It gives up everything that is only the supervisor's: with a sibling's pidfd it
 * could signal it. */
static void become_child(const struct supervision *supervision, const struct supervised *child,
                         pid_t supervisor)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(1); /* it died before the line above */
    close(supervision->signals);
    for (size_t i = 0; i < supervision->count; i++) {
        if (supervision->children[i].pidfd >= 0)
            close(supervision->children[i].pidfd);
    }
    sigprocmask(SIG_SETMASK, &supervision->mask, NULL);
    child->run(child->context);
}

static bool spawn(const struct supervision *supervision, struct supervised *child,
                  struct error *err)
{
    pid_t supervisor = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_child(supervision, child, supervisor);
        _exit(1);
    }
    if (pid < 0)
        return error_set_errno(err, &process_spawn, errno, child->name, "cannot be started");
    /* The child is not reaped yet, so pid is still its own. */
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        int number = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return error_set_errno(err, &process_spawn, number, child->name, "cannot be watched");
    }
    child->pid = pid;
    child->pidfd = pidfd;
    child->started_at = child->heard_at = clock_monotonic_ms();
    child->heard = false;
    return true;
}

static void start(const struct supervision *supervision, struct supervised *child)
{
    struct error err = {0};
    bool ready = child->starting == NULL || child->starting(child->context, &err);
    if (ready && spawn(supervision, child, &err)) {
        if (child->started != NULL)
            child->started(child->context, child->pid);
        return;
    }
    if (child->refused != NULL)
        child->refused(child->context, &err);
    child->started_at = 0;
    pause_child(child);
}

/* The pidfd says that the child has ended. */
static void reap(struct supervised *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    clear_child(child);
    pause_child(child);
    if (child->ended != NULL)
        child->ended(child->context, status);
}

static void send_signal(const struct supervised *child, int number)
{
    if (child->pid > 0)
        kill(child->pid, number); /* not reaped yet: the number is still its own */
}

static void handle_signal(struct supervision *supervision)
{
    struct signalfd_siginfo information;
    if (read(supervision->signals, &information, sizeof information) != sizeof information)
        return;
    if (information.ssi_signo != SIGHUP) {
        supervision->stopping = true;
        return;
    }
    for (size_t i = 0; i < supervision->count; i++)
        send_signal(&supervision->children[i], SIGHUP);
}

/* Starts what is due. How long to wait for the next start: -1 without end. */
static int64_t start_due(struct supervision *supervision)
{
    int64_t wait = -1;
    for (size_t i = 0; i < supervision->count; i++) {
        struct supervised *child = &supervision->children[i];
        if (child->pid == 0 && child->start_at <= clock_monotonic_ms())
            start(supervision, child);
        if (child->pid > 0)
            continue;
        int64_t until = child->start_at - clock_monotonic_ms();
        until = until > 0 ? until : 0;
        wait = wait < 0 || until < wait ? until : wait;
    }
    return wait;
}

static int64_t silence_of(const struct supervised *child)
{
    return child->heard ? child->silence_ms : START_SILENCES * child->silence_ms;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? (a < 0 ? b : a) : (a < b ? a : b);
}

/* Kills those that were silent for too long, and tells systemd when there is none, also when no
 * child need say anything; one that does not end even so keeps it from being told. How long until
 * there is something to do. */
static int64_t keep_watch(struct supervision *supervision)
{
    int64_t now = clock_monotonic_ms(), wait = WATCHDOG_MS;
    bool silent = false;
    for (size_t i = 0; i < supervision->count; i++) {
        struct supervised *child = &supervision->children[i];
        if (child->silence_ms == 0 || child->pid == 0)
            continue;
        int64_t left = child->heard_at + silence_of(child) - now;
        if (left > 0) {
            wait = earlier(wait, left);
            continue;
        }
        silent = true;
        if (child->silent != NULL)
            child->silent(child->context, silence_of(child));
        supervise_kill(child);
    }
    if (!silent && now >= supervision->watchdog_at) {
        supervise_notify("WATCHDOG=1");
        supervision->watchdog_at = now + WATCHDOG_MS;
    }
    return wait;
}

/* Who was stopped or starved itself has heard nobody meanwhile: that is not the children's fault.
 */
static void excuse(struct supervision *supervision, int64_t expected)
{
    int64_t late = clock_monotonic_ms() - expected;
    for (size_t i = 0; late > LATE_MS && i < supervision->count; i++)
        supervision->children[i].heard_at += late;
}

static void watch_once(struct supervision *supervision, int64_t wait)
{
    supervision->watched[0] = (struct pollfd){supervision->signals, POLLIN, 0};
    size_t count = supervision->count;
    struct pollfd *ends = supervision->watched + 1, *descriptors = ends + count;
    for (size_t i = 0; i < count; i++) {
        struct supervised *child = &supervision->children[i];
        ends[i] = (struct pollfd){child->pidfd, POLLIN, 0};
        descriptors[i] =
            (struct pollfd){child->readable != NULL ? child->descriptor : -1, POLLIN, 0};
    }
    int64_t until = wait < 0 ? INT64_MAX : clock_monotonic_ms() + wait;
    int ready = poll(supervision->watched, 2 * count + 1, (int)wait);
    excuse(supervision, until);
    if (ready <= 0)
        return;
    for (size_t i = 0; i < count; i++) {
        struct supervised *child = &supervision->children[i];
        if (ends[i].revents != 0)
            reap(child);
        if (child->readable != NULL && (descriptors[i].revents & POLLIN) != 0)
            child->readable(child->context);
        else if (descriptors[i].revents != 0)
            child->readable = NULL; /* nobody is left who could write */
    }
    if (supervision->watched[0].revents != 0)
        handle_signal(supervision);
}

/* False when it is still there after milliseconds (-1: waits without end). */
static bool wait_for_end(const struct supervised *child, int64_t milliseconds)
{
    int64_t until = clock_monotonic_ms() + milliseconds;
    for (;;) {
        int64_t left = until - clock_monotonic_ms();
        struct pollfd watched = {child->pidfd, POLLIN, 0};
        int wait = milliseconds < 0 ? -1 : left > 0 ? (int)left : 0;
        int ready = poll(&watched, 1, wait);
        if (ready > 0)
            return true;
        if (ready == 0)
            return false;
    }
}

static void stop(struct supervised *child, int64_t grace_ms)
{
    if (child->pid == 0)
        return;
    send_signal(child, SIGTERM);
    send_signal(child, SIGCONT); /* a stopped process takes no SIGTERM */
    if (!wait_for_end(child, grace_ms)) {
        send_signal(child, SIGKILL);
        wait_for_end(child, -1);
    }
    reap(child);
}

bool supervise_run(struct supervised *children, size_t count, int64_t grace_ms, struct error *err)
{
    struct supervision supervision = {.children = children, .count = count};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &supervision.mask);
    _cleanup_fd_ int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (signal_fd < 0) {
        error_set_errno(err, &process_spawn, errno, NULL, "signals cannot be watched");
        sigprocmask(SIG_SETMASK, &supervision.mask, NULL);
        return false;
    }
    _cleanup_free_ struct pollfd *watched =
        memory_allocate_zero(2 * count + 1, sizeof *supervision.watched);
    supervision.signals = signal_fd;
    supervision.watched = watched;
    for (size_t i = 0; i < count; i++) {
        children[i].pid = 0;
        children[i].pidfd = -1;
        children[i].start_at = children[i].started_at = children[i].pause_ms = 0;
    }
    while (!supervision.stopping) {
        int64_t wait = start_due(&supervision);
        watch_once(&supervision, earlier(wait, keep_watch(&supervision)));
    }
    supervise_notify("STOPPING=1");
    for (size_t i = count; i > 0; i--)
        stop(&children[i - 1], grace_ms);
    sigprocmask(SIG_SETMASK, &supervision.mask, NULL);
    return true;
}

void supervise_kill(const struct supervised *child)
{
    send_signal(child, SIGKILL);
}

void supervise_heard(struct supervised *child)
{
    child->heard = true;
    child->heard_at = clock_monotonic_ms();
}

void supervise_notify(const char *state)
{
    sd_notify(0, state);
}
