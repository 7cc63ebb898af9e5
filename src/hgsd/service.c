/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/service.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "admin/server.h"
#include "audit/sink.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "hgsd/folders.h"
#include "hgsd/parts.h"
#include "hgsd/reload.h"
#include "hgsd/supervisor.h"
#include "http/listen.h"
#include "http/server.h"
#include "process/capability.h"
#include "process/descriptors.h"
#include "process/errors.h"
#include "process/sandbox.h"
#include "process/supervise.h"

#define FIRST_CHANNELS_MS 5000

bool service_prepare(const struct hgsd_config *config, struct error *err)
{
    return folders_make(config, err);
}

static bool user_exists(const char *user, struct error *err)
{
    /* cppcheck-suppress getpwnamCalled ; before there is a thread */
    if (*user == '\0' || getpwnam(user) != NULL)
        return true;
    return error_set(err, &process_user, "hgsd.conf(5)", user, "there is no such user");
}

static bool readable(const char *path, struct error *err)
{
    if (*path == '\0' || access(path, R_OK) == 0)
        return true;
    return error_set_errno(err, &hgsd_config_invalid, errno, path, "cannot read the file");
}

static void open_sinks(struct audit_sinks *sinks, const struct hgsd_config *config)
{
    if (config->audit_journal)
        audit_sinks_add(sinks, &audit_sink_journal);
    if (config->audit_linux)
        audit_sinks_add(sinks, &audit_sink_linux);
}

static bool sinks_check(const struct hgsd_config *config, struct error *err)
{
    struct audit_sinks sinks = {0};
    open_sinks(&sinks, config);
    bool good = audit_sinks_check(&sinks, err);
    audit_sinks_close(&sinks);
    return good;
}

static bool tokens_check(const struct hgsd_config *config, struct error *err)
{
    for (size_t i = 0; i < config->tokens.count; i++)
        if (!hgsd_token_check_files(hgsd_config_token(config, i), config->keyholder_user,
                                    config->keyholder_folder, config->key_folder, err))
            return false;
    return true;
}

static bool addresses_check(const struct config_list *addresses, struct error *err)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (!listen_check(addresses->items[i], err))
            return false;
    return true;
}

bool service_check(const struct hgsd_config *config, struct error *err)
{
    return folders_check(config, err) && addresses_check(&config->http, err) &&
           addresses_check(&config->https, err) &&
           admin_server_check_groups(&config->administrators, err) &&
           admin_server_check_groups(&config->reviewers, err) && user_exists(config->user, err) &&
           user_exists(config->keyholder_user, err) && readable(config->certificate, err) &&
           readable(config->key, err) && readable(config->password_file, err) &&
           tokens_check(config, err) && sinks_check(config, err);
}

/* Thousands of connections need more descriptors than the usual soft limit. */
static void raise_descriptor_limit(const struct hgsd_config *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)config->connections + HTTP_SERVER_OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < wanted)
        log_write(LOG_LEVEL_WARNING,
                  "%llu descriptors are too few for %lld connections: raise LimitNOFILE= of the "
                  "unit (ulimit -Hn) to %llu, or lower [limits] connections",
                  (unsigned long long)limit.rlim_max, (long long)config->connections,
                  (unsigned long long)wanted);
}

static bool enter_sandbox(const struct hgsd_config *config, const char *config_path,
                          struct error *err)
{
    _cleanup_free_ char *store = folders_of(config->store_path);
    _cleanup_free_ char *run = folders_of(config->admin_socket);
    _cleanup_reload_readable_ struct reload_readable again;
    reload_readable_init(&again, config, config_path);
    /* Users are named in the audit trail; their modules can no longer be loaded in the sandbox. */
    /* cppcheck-suppress [ignoredReturnValue,getpwuidCalled] ; no thread yet, nothing wanted */
    getpwuid(0);
    /* The socket is made; its folder is only for removing it in the end. */
    bool removable = folders_secret_in(config, run) == NULL;
    const char *writable[] = {store, config->audit_folder, removable ? run : NULL, NULL};
    const char *readable_paths[3 + RELOAD_READABLE_MAX + 1] = {"/etc/passwd", "/etc/group",
                                                               "/etc/nsswitch.conf"};
    for (size_t i = 0; again.paths[i] != NULL; i++)
        readable_paths[3 + i] = again.paths[i];
    struct sandbox_service_paths paths = {writable, readable_paths};
    return sandbox_service(&paths, err);
}

/* Channels from the supervisor; count 0 when none came within milliseconds. */
static void receive_channels(struct supervisor_channels *channels, int control,
                             int64_t milliseconds)
{
    struct error err = {0};
    struct pollfd watched = {control, POLLIN, 0};
    channels->count = 0;
    if (poll(&watched, 1, (int)milliseconds) <= 0 ||
        supervisor_take_channels(channels, control, &err))
        return;
    channels->count = 0;
    log_error(LOG_LEVEL_ERROR, &err, "no channels to a keyholder");
}

static int watch_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full disk is an error of write(), not the end */
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Readable when somebody sets the machine's clock: a timer that never ends but by that. */
static int watch_clock(void)
{
    struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX * INT64_C(1000)}};
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0)
        timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
    return fd;
}

/* True when the service should go on. */
static bool handle_signal(struct parts *parts, int signals)
{
    struct signalfd_siginfo information;
    if (read(signals, &information, sizeof information) != sizeof information)
        return true;
    if (information.ssi_signo != SIGHUP)
        return false;
    parts_reload(parts);
    return true;
}

static void handle_control(struct parts *parts, int control)
{
    struct supervisor_channels channels;
    receive_channels(&channels, control, 0);
    if (channels.count > 0)
        parts_keyholder_started(parts, &channels);
}

/* What the main thread waits for. */
struct sources {
    int signals;
    int control; /* of the supervisor */
    int clock;   /* watch_clock */
};

/* Says so when everything gets on. When not, only the rest of the silence that the supervisor
 * allows tells it. */
static int64_t beat(struct parts *parts, int control, int64_t interval_ms)
{
    if (parts_move(parts))
        supervisor_tell_alive(control);
    return clock_monotonic_ms() + interval_ms;
}

static void serve(struct parts *parts, const struct sources *sources,
                  const struct hgsd_config *config)
{
    int64_t beat_ms = config->watchdog_ms / SUPERVISOR_BEATS;
    int64_t next_beat = clock_monotonic_ms();
    uint64_t ignored;
    for (bool running = true; running;) {
        int64_t wait = next_beat - clock_monotonic_ms();
        struct pollfd watched[] = {{sources->signals, POLLIN, 0},
                                   {sources->control, POLLIN, 0},
                                   {sources->clock, POLLIN, 0}};
        int n = poll(watched, 3, beat_ms == 0 ? -1 : wait > 0 ? (int)wait : 0);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0 && watched[1].revents & (POLLHUP | POLLERR))
            return; /* the supervisor is gone */
        if (n > 0 && watched[1].revents & POLLIN)
            handle_control(parts, sources->control);
        if (n > 0 && watched[0].revents & POLLIN)
            running = handle_signal(parts, sources->signals);
        if (n > 0 && watched[2].revents != 0 &&
            read(sources->clock, &ignored, sizeof ignored) < 0 && errno == ECANCELED)
            parts_clock_set(parts);
        if (beat_ms > 0 && clock_monotonic_ms() >= next_beat)
            next_beat = beat(parts, sources->control, beat_ms);
    }
}

int service_run(const struct hgsd_config *config, const char *config_path, int control)
{
    struct error err = {0};
    struct parts *parts = NULL;
    struct supervisor_channels channels;
    enum log_level level = LOG_LEVEL_NOTICE;
    log_level_parse(&level, config->log_level);
    log_init("hgsd: service", level);
    raise_descriptor_limit(config);
    memory_keep_freed();
    _cleanup_fd_ int signals = watch_signals();
    _cleanup_fd_ int clock = watch_clock();
    const char *user = *config->user != '\0' ? config->user : NULL;
    struct audit_sinks sinks = {0};
    unsigned kept =
        CAPABILITY_NET_BIND_SERVICE | (config->audit_linux ? CAPABILITY_AUDIT_WRITE : 0);
    open_sinks(&sinks, config);
    if (!sandbox_drop_user(user, kept, &err) || !sandbox_undumpable(&err)) {
        log_error(LOG_LEVEL_ERROR, &err, "the service cannot enter its sandbox");
        return 1;
    }
    int listener = -1; /* parts_start takes it */
    if (!admin_server_listen(&listener, config->admin_socket, &err)) {
        log_error(LOG_LEVEL_ERROR, &err, "the service cannot start");
        return 1;
    }
    if (!enter_sandbox(config, config_path, &err)) {
        log_error(LOG_LEVEL_ERROR, &err, "the service cannot enter its sandbox");
        return 1;
    }
    /* Those of the software keyholder, as a rule: it is started first. Others wait in the socket.
     */
    receive_channels(&channels, control, FIRST_CHANNELS_MS);
    if (!parts_start(&parts, config, config_path, &sinks, control, listener, &channels, &err)) {
        log_error(LOG_LEVEL_ERROR, &err, "the service cannot start");
        return 1;
    }
    supervise_notify("READY=1");
    log_write(LOG_LEVEL_NOTICE, "ready");
    serve(parts, &(struct sources){signals, control, clock}, config);
    supervise_notify("STOPPING=1");
    parts_stop(&parts);
    audit_sinks_close(&sinks);
    return 0;
}
