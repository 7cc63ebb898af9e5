/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/descriptors.h"
#include "process/errors.h"
#include "process/supervise.h"

#define SPARE_CHANNELS 2 /* for the tick, the administrators, and the audit trail's checkpoints */
#define STUCK_WORD "stuck"

struct supervisor {
    const struct hgsd_config *config;
    const char *config_path;               /* NULL: none was given */
    int control[2];                        /* ours, the service's */
    int channels[SUPERVISOR_CHANNELS_MAX]; /* the keyholder's ends of the next start */
    size_t channel_count;
    bool killed; /* the keyholder of now was; it has not ended yet */
    struct supervised children[2];
};

enum { KEYHOLDER, SERVICE };

static size_t count_channels(const struct hgsd_config *config)
{
    size_t count = (size_t)(config->attestation_workers + config->release_workers) + SPARE_CHANNELS;
    return count < SUPERVISOR_CHANNELS_MAX ? count : SUPERVISOR_CHANNELS_MAX;
}

static void close_channels(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        file_close(&fds[i]);
}

/* One socket pair a channel; near[] stays, far[] goes to the service. */
static bool make_channels(int *near_ends, int *far_ends, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
            int number = errno;
            close_channels(near_ends, i);
            close_channels(far_ends, i);
            return error_set_errno(err, &process_socket, number, "keyholder",
                                   "cannot make a channel");
        }
        near_ends[i] = pair[0];
        far_ends[i] = pair[1];
    }
    return true;
}

static bool keyholder_starting(void *context, struct error *err)
{
    struct supervisor *supervisor = context;
    int far_ends[SUPERVISOR_CHANNELS_MAX] = {0};
    size_t count = count_channels(supervisor->config);
    if (!make_channels(supervisor->channels, far_ends, count, err))
        return false;
    supervisor->channel_count = count;
    bool sent =
        descriptors_send(supervisor->control[0], slice_from_text("channels"), far_ends, count, err);
    close_channels(far_ends, count);
    if (!sent)
        close_channels(supervisor->channels, count);
    return sent;
}

static void keyholder_started(void *context, pid_t pid)
{
    struct supervisor *supervisor = context;
    close_channels(supervisor->channels, supervisor->channel_count);
    supervisor->killed = false;
    log_write(LOG_LEVEL_NOTICE, "keyholder started (pid %d)", (int)pid);
}

static void service_started(void *context, pid_t pid)
{
    (void)context;
    log_write(LOG_LEVEL_NOTICE, "service started (pid %d)", (int)pid);
}

static void log_end(const char *name, int status)
{
    bool asked = status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    enum log_level level = asked ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR;
    if (WIFSIGNALED(status))
        log_write(level, "%s ended by signal %d (%s)", name, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else
        log_write(level, "%s ended with status %d", name, WEXITSTATUS(status));
}

static void keyholder_ended(void *context, int status)
{
    (void)context;
    log_end("keyholder", status);
}

/* Channels that the service did not take any more: the next one should not begin with them. */
static void drop_channels(const struct supervisor *supervisor)
{
    int fds[SUPERVISOR_CHANNELS_MAX];
    size_t count = SUPERVISOR_CHANNELS_MAX, size;
    char word[16];
    while (
        descriptors_receive(supervisor->control[1], word, sizeof word, &size, fds, &count, NULL)) {
        close_channels(fds, count);
        count = SUPERVISOR_CHANNELS_MAX;
    }
}

/* A keyholder whose service is gone ends by itself, unless it is stuck. One that was told to stop
 * is left to end in peace. */
static void service_ended(void *context, int status)
{
    const struct supervisor *supervisor = context;
    log_end("service", status);
    drop_channels(supervisor);
    if (status != 0)
        supervise_kill(&supervisor->children[KEYHOLDER]);
}

bool supervisor_tell_stuck(int control, struct error *err)
{
    return descriptors_send(control, slice_from_text(STUCK_WORD), NULL, 0, err);
}

/* The service knows one word. */
static void service_said(void *context)
{
    struct supervisor *supervisor = context;
    char word[sizeof STUCK_WORD];
    ssize_t size = recv(supervisor->control[0], word, sizeof word, MSG_DONTWAIT);
    bool stuck = size == sizeof STUCK_WORD - 1 && memcmp(word, STUCK_WORD, (size_t)size) == 0;
    if (!stuck || supervisor->killed)
        return;
    supervisor->killed = true;
    log_write(LOG_LEVEL_ERROR, "the keyholder runs and does not answer; it is started again");
    supervise_kill(&supervisor->children[KEYHOLDER]);
}

static void keyholder_refused(void *context, const struct error *err)
{
    (void)context;
    log_error(LOG_LEVEL_ERROR, err, "the keyholder cannot be started yet");
}

/*
 * Puts fds at SUPERVISOR_CHILD_FD and up and executes this program as that child. The moves go
 * through high numbers because a source may lie where a target will.
 */
static void execute(const struct supervisor *supervisor, const char *child, const int *fds,
                    size_t count) __attribute__((noreturn));
static void execute(const struct supervisor *supervisor, const char *child, const int *fds,
                    size_t count)
{
    int moved[SUPERVISOR_CHANNELS_MAX];
    for (size_t i = 0; i < count; i++)
        moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, SUPERVISOR_CHILD_FD + SUPERVISOR_CHANNELS_MAX);
    for (size_t i = 0; i < count; i++)
        if (dup2(moved[i], SUPERVISOR_CHILD_FD + (int)i) < 0)
            _exit(127);
    char number[16];
    snprintf(number, sizeof number, "%zu", count);
    const char *arguments[] = {"hgsd", "--child", child, "--descriptors", number, NULL, NULL, NULL};
    if (supervisor->config_path != NULL) {
        arguments[5] = "--config";
        arguments[6] = supervisor->config_path;
    }
    execv("/proc/self/exe", (char *const *)arguments);
    log_write(LOG_LEVEL_ERROR, "cannot execute hgsd again: %s", strerror(errno));
    _exit(127);
}

__attribute__((noreturn)) static void run_keyholder(void *context)
{
    const struct supervisor *supervisor = context;
    execute(supervisor, "keyholder", supervisor->channels, supervisor->channel_count);
}

__attribute__((noreturn)) static void run_service(void *context)
{
    const struct supervisor *supervisor = context;
    execute(supervisor, "service", &supervisor->control[1], 1);
}

bool supervisor_run(const struct hgsd_config *config, const char *config_path, struct error *err)
{
    struct supervisor supervisor = {.config = config, .config_path = config_path};
    /* Not blocking: a service that does not read must not hold up the supervisor; the start is
     * tried again. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, supervisor.control) !=
        0)
        return error_set_errno(err, &process_socket, errno, "service", "cannot make a socket pair");
    supervisor.children[KEYHOLDER] = (struct supervised){.name = "keyholder",
                                                         .run = run_keyholder,
                                                         .starting = keyholder_starting,
                                                         .started = keyholder_started,
                                                         .refused = keyholder_refused,
                                                         .ended = keyholder_ended,
                                                         .context = &supervisor};
    supervisor.children[SERVICE] = (struct supervised){.name = "service",
                                                       .run = run_service,
                                                       .started = service_started,
                                                       .ended = service_ended,
                                                       .readable = service_said,
                                                       .descriptor = supervisor.control[0],
                                                       .context = &supervisor};
    bool ok = supervise_run(supervisor.children, 2, config->shutdown_ms + 5000, err);
    close_channels(supervisor.control, 2);
    return ok;
}
