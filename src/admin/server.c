/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/server.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin/errors.h"
#include "admin/frame.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/descriptors.h"
#include "process/errors.h"

#define CONNECTIONS_MAX 32
/* Of callers without a role, so that they cannot keep administrators out. */
#define STRANGERS_MAX 4
#define STRANGER_SECONDS 5
/* Bytes of an operation's name in the trail; ours are much shorter. */
#define OPERATION_SHOWN 128
#define RECEIVE_SECONDS 300 /* an hgsctl that follows events asks again each second */

struct groups {
    gid_t *ids;
    size_t count;
};

struct admin_server {
    int listener;
    int stop; /* eventfd; readable when the server stops */
    char *path;
    struct groups administrators, reviewers;
    const struct admin_services *services;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned connections, strangers;
};

struct connection {
    struct admin_server *server;
    int socket;
};

static bool resolve_groups(struct groups *groups, const struct config_list *names,
                           struct error *err)
{
    groups->ids = memory_allocate_zero(names->count, sizeof *groups->ids);
    for (size_t i = 0; i < names->count; i++) {
        /* cppcheck-suppress getgrnamCalled ; before there is a thread */
        struct group *group = getgrnam(names->items[i]);
        if (group == NULL)
            return error_set(err, &admin_argument, "hgsd.conf(5) [admin]", names->items[i],
                             "there is no such group on this machine");
        groups->ids[groups->count++] = group->gr_gid;
    }
    return true;
}

bool admin_server_check_groups(const struct config_list *names, struct error *err)
{
    struct groups groups = {0};
    bool known = resolve_groups(&groups, names, err);
    free(groups.ids);
    return known;
}

static bool holds(const struct groups *groups, gid_t id)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->ids[i] == id)
            return true;
    return false;
}

static bool holds_any(const struct groups *groups, gid_t first, const gid_t *ids, size_t count)
{
    if (holds(groups, first))
        return true;
    for (size_t i = 0; i < count; i++)
        if (holds(groups, ids[i]))
            return true;
    return false;
}

static void name_caller(struct admin_caller *caller)
{
    struct passwd entry, *found = NULL;
    char space[4096];
    if (getpwuid_r(caller->uid, &entry, space, sizeof space, &found) == 0 && found != NULL)
        snprintf(caller->name, sizeof caller->name, "%s", entry.pw_name);
    else
        snprintf(caller->name, sizeof caller->name, "%u", (unsigned)caller->uid);
}

static bool identify(struct admin_caller *caller, const struct admin_server *server, int socket,
                     struct error *err)
{
    _cleanup_free_ gid_t *groups = NULL;
    size_t count = 0;
    gid_t group;
    if (!descriptors_peer(socket, &caller->uid, &group, &caller->pid, &groups, &count, err))
        return false;
    name_caller(caller);
    caller->role = ADMIN_ROLE_NONE;
    if (caller->uid == 0 || caller->uid == geteuid() ||
        holds_any(&server->administrators, group, groups, count))
        caller->role = ADMIN_ROLE_ADMINISTRATOR;
    else if (holds_any(&server->reviewers, group, groups, count))
        caller->role = ADMIN_ROLE_REVIEWER;
    return true;
}

/* A caller who is refused chose these words, and may have chosen a million of them: they are cut,
 * so that the record is always whole. Anybody on this machine can be refused, and shall not fill
 * the disk that releases need. */
static void audit_refusal(const struct admin_request *request, const struct error *failure)
{
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, 8192);
    struct slice operation = slice_from_text(request->operation);
    if (operation.size > OPERATION_SHOWN)
        operation.size = OPERATION_SHOWN;
    struct json_writer writer;
    json_writer_init(&writer, &fields);
    json_write_text(&writer, "user", request->caller->name);
    json_write_integer(&writer, "uid", request->caller->uid);
    json_write_slice(&writer, "operation", operation);
    json_write_text(&writer, "code", failure->code->name);
    char peer[32];
    snprintf(peer, sizeof peer, "uid %u", (unsigned)request->caller->uid);
    audit_append_limited(request->services->audit, "admin.refused", peer, buf_slice(&fields), NULL);
}

static bool permit(const struct admin_request *request, enum admin_role role, struct error *err)
{
    const struct admin_caller *caller = request->caller;
    if (caller->role >= role)
        return true;
    if (caller->role == ADMIN_ROLE_NONE)
        error_set(err, &admin_denied, NULL, request->operation,
                  "user %s is neither an administrator nor a reviewer of this service",
                  caller->name);
    else
        error_set(err, &admin_read_only, NULL, request->operation,
                  "user %s is a reviewer and may not change anything", caller->name);
    audit_refusal(request, err);
    return false;
}

static bool run(struct admin_request *request, const struct json *document,
                struct json_writer *result, struct error *err)
{
    if (!json_get_text(&request->operation, document, "operation", err) ||
        !json_get_object(&request->arguments, document, "arguments", err) ||
        !json_get_bool_or(&request->dry_run, document, "dry_run", false, err))
        return false;
    /* A stranger learns nothing, not even which operations there are. */
    if (!permit(request, ADMIN_ROLE_REVIEWER, err))
        return false;
    const struct admin_operation *operation = admin_operation_find(request->operation);
    if (operation == NULL)
        return error_set(err, &admin_operation_unknown, NULL, request->operation,
                         "this service (version %s) does not know it", HGS_VERSION);
    return permit(request, operation->role, err) && operation->run(request, result, err);
}

/* The reply: the result on success, else the error. */
static void answer(struct admin_request *request, struct slice json, struct buf *reply)
{
    _cleanup_buf_ struct buf result;
    buf_init(&result, FRAME_REPLY_MAX - 1024);
    struct json_writer inner, writer;
    json_writer_init(&inner, &result);
    json_writer_init(&writer, reply);
    _cleanup_json_ struct json *document = NULL;
    struct error err = {0};
    bool ok = json_parse(&document, json, &err) && run(request, document, &inner, &err) &&
              buf_ok(&result, "result", &err);
    json_write_object(&writer, NULL);
    json_write_bool(&writer, "ok", ok);
    if (ok)
        json_write_raw(&writer, "result", buf_slice(&result));
    else
        json_write_error(&writer, "error", &err);
    json_write_object_end(&writer);
}

/* One request and its reply; false when the connection is over. */
static bool serve_one(struct connection *connection, const struct admin_caller *caller)
{
    int fds[FRAME_DESCRIPTORS_MAX];
    size_t count = FRAME_DESCRIPTORS_MAX;
    bool closed = false;
    struct error err = {0};
    _cleanup_buf_ struct buf json, reply;
    buf_init(&json, FRAME_REQUEST_MAX);
    buf_init(&reply, FRAME_REPLY_MAX);
    if (!frame_receive(connection->socket, &json, FRAME_REQUEST_MAX, fds, &count, &closed, &err)) {
        log_error(LOG_LEVEL_DEBUG, &err, "administration socket, user %s", caller->name);
        return false;
    }
    if (closed)
        return false;
    struct admin_request request = {
        .services = connection->server->services, .caller = caller, .fds = fds, .fd_count = count};
    answer(&request, buf_slice(&json), &reply);
    for (size_t i = 0; i < count; i++)
        file_close(&fds[i]);
    return frame_send(connection->socket, buf_slice(&reply), NULL, 0, &err);
}

/* Waits for a request; false when the server stops or the peer is silent for too long. */
static bool wait_for_request(const struct connection *connection, int seconds)
{
    struct pollfd watched[] = {{connection->socket, POLLIN, 0},
                               {connection->server->stop, POLLIN, 0}};
    int n;
    do {
        n = poll(watched, 2, seconds * 1000);
    } while (n < 0 && errno == EINTR);
    return n > 0 && watched[1].revents == 0;
}

/* A stranger gets the sentence that refuses one request, when not too many others wait for theirs.
 */
static void serve_stranger(struct connection *connection, const struct admin_caller *caller)
{
    struct admin_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    bool room = server->strangers < STRANGERS_MAX;
    server->strangers += room;
    pthread_mutex_unlock(&server->lock);
    if (!room)
        return;
    if (wait_for_request(connection, STRANGER_SECONDS))
        serve_one(connection, caller);
    pthread_mutex_lock(&server->lock);
    server->strangers--;
    pthread_mutex_unlock(&server->lock);
}

static void *serve(void *argument)
{
    struct connection *connection = argument;
    struct admin_server *server = connection->server;
    struct admin_caller caller = {0};
    struct error err = {0};
    if (!identify(&caller, server, connection->socket, &err))
        log_error(LOG_LEVEL_WARNING, &err, "administration socket");
    else if (caller.role == ADMIN_ROLE_NONE)
        serve_stranger(connection, &caller);
    else
        while (wait_for_request(connection, RECEIVE_SECONDS) && serve_one(connection, &caller))
            ;
    file_close(&connection->socket);
    free(connection);
    pthread_mutex_lock(&server->lock);
    server->connections--;
    pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static bool admit(struct admin_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool room = server->connections < CONNECTIONS_MAX;
    if (room)
        server->connections++;
    pthread_mutex_unlock(&server->lock);
    return room;
}

static void start_connection(struct admin_server *server, int socket)
{
    struct timeval limit = {.tv_sec = 30};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (!admit(server)) {
        close(socket);
        return;
    }
    struct connection *connection = memory_allocate_zero(1, sizeof *connection);
    *connection = (struct connection){server, socket};
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, serve, connection) != 0) {
        close(socket);
        free(connection);
        pthread_mutex_lock(&server->lock);
        server->connections--;
        pthread_mutex_unlock(&server->lock);
    }
    pthread_attr_destroy(&attributes);
}

static void *accept_connections(void *argument)
{
    struct admin_server *server = argument;
    for (;;) {
        struct pollfd watched[] = {{server->listener, POLLIN, 0}, {server->stop, POLLIN, 0}};
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (watched[1].revents != 0)
            return NULL;
        /* cppcheck-suppress nullPointer ; SO_PEERCRED tells who it is */
        int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (socket >= 0)
            start_connection(server, socket);
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            poll(NULL, 0, 100); /* no descriptors left: the connection waits until some are freed */
    }
}

/* Whether somebody answers at the path; a socket without a listener is only a leftover. */
static bool is_alive(const struct sockaddr_un *address)
{
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

static bool check_path(const struct sockaddr_un *address, const char *path, struct error *err)
{
    struct stat status;
    if (is_alive(address))
        return error_set(err, &process_socket, NULL, path, "another service answers there");
    if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return error_set(err, &process_socket, NULL, path,
                         "is there already and is no socket; name another path, or move it away");
    return true;
}

/* Everybody may connect; who may do what is decided by identify(), with a sentence for those who
 * may not. */
bool admin_server_listen(int *out, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, &admin_argument, NULL, path,
                         "a socket's path has at most %zu characters", sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!check_path(&address, path, err))
        return false;
    unlink(path);
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0666) != 0 || listen(fd, 16) != 0)
        return error_set_errno(err, &process_socket, errno, path,
                               "cannot make the administration socket");
    *out = fd;
    fd = -1;
    return true;
}

bool admin_server_start(struct admin_server **out, const struct admin_server_options *options,
                        struct error *err)
{
    struct admin_server *server = memory_allocate_zero(1, sizeof *server);
    server->listener = options->listener;
    server->path = memory_copy_text(options->path);
    server->services = options->services;
    server->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    bool ok = resolve_groups(&server->administrators, &options->administrators, err) &&
              resolve_groups(&server->reviewers, &options->reviewers, err);
    if (ok && pthread_create(&server->acceptor, NULL, accept_connections, server) != 0)
        ok = error_set(err, &process_spawn, NULL, options->path, "cannot start a thread");
    if (ok) {
        *out = server;
        return true;
    }
    server->acceptor = 0;
    admin_server_stop(&server);
    return false;
}

static void stop_accepting(struct admin_server *server)
{
    eventfd_write(server->stop, 1);
    if (server->acceptor != 0)
        pthread_join(server->acceptor, NULL);
    server->acceptor = 0;
}

bool admin_server_close(struct admin_server *server, int64_t milliseconds)
{
    int64_t until_ms = clock_monotonic_ms() + milliseconds;
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};
    int rc = 0;
    stop_accepting(server);
    pthread_mutex_lock(&server->lock);
    while (server->connections > 0 && rc == 0)
        rc = pthread_cond_timedwait(&server->idle, &server->lock, &until);
    bool idle = server->connections == 0;
    pthread_mutex_unlock(&server->lock);
    return idle;
}

void admin_server_stop(struct admin_server **server_pointer)
{
    struct admin_server *server = memory_steal(server_pointer);
    if (server == NULL)
        return;
    stop_accepting(server);
    pthread_mutex_lock(&server->lock);
    while (server->connections > 0)
        pthread_cond_wait(&server->idle, &server->lock);
    pthread_mutex_unlock(&server->lock);
    unlink(server->path);
    file_close(&server->listener);
    file_close(&server->stop);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server->administrators.ids);
    free(server->reviewers.ids);
    free(server->path);
    free(server);
}
