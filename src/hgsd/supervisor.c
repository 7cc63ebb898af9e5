/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/file.h"
#include "base/log.h"
#include "keyholder/refused_pins.h"
#include "process/descriptors.h"
#include "process/errors.h"
#include "process/supervise.h"

#define SPARE_CHANNELS 2 /* for the tick, the administrators, and the audit trail's checkpoints */
#define CHILD_FDS_MAX (SUPERVISOR_CHANNELS_MAX + 1)
#define WORD_SIZE (CONFIG_MEMBER_NAME_MAX + 16)
#define CHANNELS_WORD "channels"
#define STUCK_WORD "stuck"
#define ALIVE_WORD "alive"

/* A keyholder and what its next start needs. */
struct keyholder_child {
    struct supervisor *supervisor;
    const struct hgsd_token *token; /* NULL: software keys */
    char name[CONFIG_MEMBER_NAME_MAX + 16];
    int channels[SUPERVISOR_CHANNELS_MAX]; /* its ends of the next start */
    size_t channel_count;
    struct refused_pins *refused_pins; /* of the token, from one of its processes to the next */
    int refused_pins_fd;
    bool killed; /* the process of now was; it has not ended yet */
};

struct supervisor {
    const struct hgsd_config *config;
    const char *config_path; /* NULL: none was given */
    int control[2];          /* ours, the service's */
    struct keyholder_child keyholders[1 + HGSD_TOKENS_MAX];
    size_t keyholder_count;
    struct supervised
        children[2 + HGSD_TOKENS_MAX]; /* the keyholders in their order, the service */
};

static size_t count_channels(const struct keyholder_child *child)
{
    const struct hgsd_config *config = child->supervisor->config;
    int64_t workers = child->token != NULL ? child->token->sessions
                                           : config->attestation_workers + config->release_workers;
    size_t count = (size_t)workers + SPARE_CHANNELS;
    return count < SUPERVISOR_CHANNELS_MAX ? count : SUPERVISOR_CHANNELS_MAX;
}

/* "WORD" of the software keyholder, "WORD NAME" of a token. */
static struct slice word_of(char text[WORD_SIZE], const char *word, const char *token)
{
    snprintf(text, WORD_SIZE, "%s%s%s", word, token != NULL ? " " : "", token != NULL ? token : "");
    return slice_from_text(text);
}

/* The NAME of what begins with word ("" without one); NULL when it begins with another. */
static const char *name_after(const char *text, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0 || (text[length] != '\0' && text[length] != ' '))
        return NULL;
    return text[length] == ' ' ? text + length + 1 : text + length;
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
    struct keyholder_child *child = context;
    int far_ends[SUPERVISOR_CHANNELS_MAX] = {0};
    char text[WORD_SIZE];
    size_t count = count_channels(child);
    if (!make_channels(child->channels, far_ends, count, err))
        return false;
    child->channel_count = count;
    struct slice word =
        word_of(text, CHANNELS_WORD, child->token != NULL ? child->token->name : NULL);
    bool sent = descriptors_send(child->supervisor->control[0], word, far_ends, count, err);
    close_channels(far_ends, count);
    if (!sent)
        close_channels(child->channels, count);
    return sent;
}

static void keyholder_started(void *context, pid_t pid)
{
    struct keyholder_child *child = context;
    close_channels(child->channels, child->channel_count);
    child->killed = false;
    log_write(LOG_LEVEL_NOTICE, "%s started (pid %d)", child->name, (int)pid);
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
    const struct keyholder_child *child = context;
    log_end(child->name, status);
}

bool supervisor_take_channels(struct supervisor_channels *out, int control, struct error *err)
{
    char text[WORD_SIZE];
    size_t size = 0;
    out->count = SUPERVISOR_CHANNELS_MAX;
    if (!descriptors_receive(control, text, sizeof text - 1, &size, out->fds, &out->count, err))
        return false;
    text[size] = '\0';
    const char *name = name_after(text, CHANNELS_WORD);
    if (name != NULL && strlen(name) < sizeof out->token) {
        snprintf(out->token, sizeof out->token, "%s", name);
        return true;
    }
    close_channels(out->fds, out->count);
    return error_set(err, &process_socket, NULL, "supervisor", "it says what nobody knows");
}

/* Channels that the service did not take any more, and what it said last: the next one should not
 * begin with them. */
static void drop_channels(const struct supervisor *supervisor)
{
    struct supervisor_channels dropped;
    char word[WORD_SIZE];
    while (recv(supervisor->control[0], word, sizeof word, MSG_DONTWAIT) > 0)
        continue;
    while (supervisor_take_channels(&dropped, supervisor->control[1], NULL))
        close_channels(dropped.fds, dropped.count);
}

/* A keyholder whose service is gone ends by itself, unless it is stuck. One that was told to stop
 * is left to end in peace. */
static void service_ended(void *context, int status)
{
    const struct supervisor *supervisor = context;
    log_end("service", status);
    drop_channels(supervisor);
    for (size_t i = 0; i < supervisor->keyholder_count && status != 0; i++)
        supervise_kill(&supervisor->children[i]);
}

bool supervisor_tell_stuck(int control, const char *token, struct error *err)
{
    char text[WORD_SIZE];
    return descriptors_send(control, word_of(text, STUCK_WORD, token), NULL, 0, err);
}

void supervisor_tell_alive(int control)
{
    descriptors_send(control, slice_from_text(ALIVE_WORD), NULL, 0, NULL);
}

static void service_silent(void *context, int64_t milliseconds)
{
    (void)context;
    log_write(LOG_LEVEL_ERROR,
              "the service runs and has not got on with its work for %lld s; it is started again",
              (long long)milliseconds / 1000);
}

/* The one whose name it is; "": that of software keys. NULL: there is none. */
static struct keyholder_child *find_keyholder(struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->keyholder_count; i++) {
        struct keyholder_child *child = &supervisor->keyholders[i];
        if (strcmp(child->token != NULL ? child->token->name : "", name) == 0)
            return child;
    }
    return NULL;
}

/* The service knows two words. */
static void service_said(void *context)
{
    struct supervisor *supervisor = context;
    char text[WORD_SIZE];
    ssize_t size = recv(supervisor->control[0], text, sizeof text - 1, MSG_DONTWAIT);
    text[size > 0 ? size : 0] = '\0';
    if (strcmp(text, ALIVE_WORD) == 0) {
        supervise_heard(&supervisor->children[supervisor->keyholder_count]);
        return;
    }
    const char *name = name_after(text, STUCK_WORD);
    struct keyholder_child *child = name != NULL ? find_keyholder(supervisor, name) : NULL;
    if (child == NULL || child->killed)
        return;
    child->killed = true;
    log_write(LOG_LEVEL_ERROR, "%s runs and does not answer; it is started again", child->name);
    supervise_kill(&supervisor->children[child - supervisor->keyholders]);
}

static void keyholder_refused(void *context, const struct error *err)
{
    const struct keyholder_child *child = context;
    log_error(LOG_LEVEL_ERROR, err, "%s cannot be started yet", child->name);
}

/*
 * Puts fds at SUPERVISOR_CHILD_FD and up and executes this program as that child. The moves go
 * through high numbers because a source may lie where a target will.
 */
static void execute(const struct supervisor *supervisor, const char *child, const char *token,
                    const int *fds, size_t count) __attribute__((noreturn));
static void execute(const struct supervisor *supervisor, const char *child, const char *token,
                    const int *fds, size_t count)
{
    int moved[CHILD_FDS_MAX];
    for (size_t i = 0; i < count; i++)
        moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, SUPERVISOR_CHILD_FD + CHILD_FDS_MAX);
    for (size_t i = 0; i < count; i++)
        if (dup2(moved[i], SUPERVISOR_CHILD_FD + (int)i) < 0)
            _exit(127);
    char number[16];
    snprintf(number, sizeof number, "%zu", count);
    const char *arguments[10] = {"hgsd", "--child", child, "--descriptors", number};
    size_t next = 5;
    if (supervisor->config_path != NULL) {
        arguments[next++] = "--config";
        arguments[next++] = supervisor->config_path;
    }
    if (token != NULL) {
        arguments[next++] = "--token";
        arguments[next++] = token;
    }
    execv("/proc/self/exe", (char *const *)arguments);
    log_write(LOG_LEVEL_ERROR, "cannot execute hgsd again: %s", strerror(errno));
    _exit(127);
}

__attribute__((noreturn)) static void run_keyholder(void *context)
{
    const struct keyholder_child *child = context;
    const struct hgsd_token *token = child->token;
    int fds[CHILD_FDS_MAX];
    size_t count = child->channel_count;
    if (token == NULL)
        execute(child->supervisor, "keyholder", NULL, child->channels, count);
    memcpy(fds, child->channels, count * sizeof fds[0]);
    fds[count++] = child->refused_pins_fd;
    execute(child->supervisor, "token", token->name, fds, count);
}

__attribute__((noreturn)) static void run_service(void *context)
{
    const struct supervisor *supervisor = context;
    execute(supervisor, "service", NULL, &supervisor->control[1], 1);
}

static bool add_keyholder(struct supervisor *supervisor, const struct hgsd_token *token,
                          struct error *err)
{
    size_t index = supervisor->keyholder_count++;
    struct keyholder_child *child = &supervisor->keyholders[index];
    *child =
        (struct keyholder_child){.supervisor = supervisor, .token = token, .refused_pins_fd = -1};
    snprintf(child->name, sizeof child->name, "%s%s", token != NULL ? "token " : "the keyholder",
             token != NULL ? token->name : "");
    supervisor->children[index] = (struct supervised){.name = child->name,
                                                      .run = run_keyholder,
                                                      .starting = keyholder_starting,
                                                      .started = keyholder_started,
                                                      .refused = keyholder_refused,
                                                      .ended = keyholder_ended,
                                                      .context = child};
    return token == NULL || refused_pins_make(&child->refused_pins, &child->refused_pins_fd, err);
}

static bool add_keyholders(struct supervisor *supervisor, struct error *err)
{
    const struct hgsd_config *config = supervisor->config;
    bool ok = add_keyholder(supervisor, NULL, err);
    for (size_t i = 0; ok && i < config->tokens.count; i++)
        ok = add_keyholder(supervisor, hgsd_config_token(config, i), err);
    return ok;
}

static void done(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->keyholder_count; i++) {
        refused_pins_free(&supervisor->keyholders[i].refused_pins);
        file_close(&supervisor->keyholders[i].refused_pins_fd);
    }
    close_channels(supervisor->control, 2);
}

bool supervisor_run(const struct hgsd_config *config, const char *config_path, struct error *err)
{
    struct supervisor supervisor = {.config = config, .config_path = config_path};
    /* Not blocking: a service that does not read must not hold up the supervisor; the start is
     * tried again. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, supervisor.control) !=
        0)
        return error_set_errno(err, &process_socket, errno, "service", "cannot make a socket pair");
    bool ok = add_keyholders(&supervisor, err);
    size_t count = supervisor.keyholder_count;
    supervisor.children[count] = (struct supervised){.name = "service",
                                                     .run = run_service,
                                                     .started = service_started,
                                                     .ended = service_ended,
                                                     .readable = service_said,
                                                     .descriptor = supervisor.control[0],
                                                     .silence_ms = config->watchdog_ms,
                                                     .silent = service_silent,
                                                     .context = &supervisor};
    ok = ok && supervise_run(supervisor.children, count + 1, config->shutdown_ms + 5000, err);
    done(&supervisor);
    return ok;
}
