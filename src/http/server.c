/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "http/conversation.h"
#include "http/errors.h"
#include "http/listen.h"
#include "http/loop.h"
#include "http/refusal.h"

#define HEADER_LIMIT (64UL * 1024)
#define BODIES_LIMIT (512UL * 1024 * 1024)
#define CONNECTION_LIMIT 20000
#define IDLE_MS (60 * 1000)
#define REQUEST_MS (30 * 1000)

/* The library's memory for a connection holds the head, its index of the head, and our reply's. */
#define HEADER_INDEX (8UL * 1024)
/* The library refuses beyond its limit; ours, which makes room instead, comes first. */
#define LIMIT_SLACK 16

static const struct clock machine;

static unsigned connection_limit(unsigned wanted)
{
    struct rlimit files;
    unsigned limit = wanted != 0 ? wanted : CONNECTION_LIMIT;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
        files.rlim_cur >= limit + HTTP_SERVER_OTHER_DESCRIPTORS)
        return limit;
    return files.rlim_cur > 2 * HTTP_SERVER_OTHER_DESCRIPTORS
               ? (unsigned)files.rlim_cur - HTTP_SERVER_OTHER_DESCRIPTORS
               : (unsigned)files.rlim_cur / 2;
}

/* The library wants to know a certificate when it starts. It never asks: each session is given its
 * credentials when it begins. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                          const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                          gnutls_pcert_st **certificates, unsigned int *certificate_count,
                          gnutls_privkey_t *key)
{
    (void)session, (void)authorities, (void)count, (void)algorithms, (void)algorithm_count;
    (void)certificates, (void)certificate_count, (void)key;
    return -1;
}

static bool start_daemon(struct listener *listener, int fd, const char *address, struct error *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)no_certificate},
        {MHD_OPTION_END, 0, NULL}};
    if (listener->tls)
        flags |= MHD_USE_TLS;
    else
        tls[0].option = MHD_OPTION_END;
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, conversation_request, listener, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, listener->server->header_limit + HEADER_INDEX,
        MHD_OPTION_CONNECTION_LIMIT, listener->server->connections.limit + LIMIT_SLACK,
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION, conversation_connection,
        listener, MHD_OPTION_URI_LOG_CALLBACK, conversation_target, listener,
        MHD_OPTION_NOTIFY_COMPLETED, conversation_completed, listener, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (listener->daemon == NULL)
        return error_set_errno(err, &http_address_unusable, errno, address,
                               "the HTTP library does not start");
    listener->epoll_fd = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return true;
}

static bool watch(struct http_server *server, int fd, void *pointer, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pointer};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    return error_set_errno(err, &http_address_unusable, errno, NULL, "sockets cannot be watched");
}

static bool add_listener(struct http_server *server, const char *address, bool tls,
                         struct error *err)
{
    struct listener *listener = &server->listeners[server->count];
    int fd = -1;
    listener->server = server;
    listener->tls = tls;
    if (!listen_open(&fd, &listener->port, address, err))
        return false;
    if (!start_daemon(listener, fd, address, err)) {
        close(fd);
        return false;
    }
    server->count++;
    return watch(server, listener->epoll_fd, listener, err);
}

static size_t count_of(const char *const *addresses)
{
    size_t count = 0;
    while (addresses != NULL && addresses[count] != NULL)
        count++;
    return count;
}

static bool add_listeners(struct http_server *server, const struct http_server_options *options,
                          struct error *err)
{
    size_t http = count_of(options->http_addresses);
    size_t https = count_of(options->https_addresses);
    server->listeners = memory_allocate_zero(http + https + 1, sizeof *server->listeners);
    for (size_t i = 0; i < http; i++)
        if (!add_listener(server, options->http_addresses[i], false, err))
            return false;
    for (size_t i = 0; i < https; i++)
        if (!add_listener(server, options->https_addresses[i], true, err))
            return false;
    return true;
}

static char *copy_or_null(const char *text)
{
    return text != NULL ? memory_copy_text(text) : NULL;
}

static bool prepare_tls(struct http_server *server, const struct http_server_options *options,
                        struct error *err)
{
    server->tls_files.certificate = copy_or_null(options->certificate_file);
    server->tls_files.key = copy_or_null(options->key_file);
    server->tls_files.password = copy_or_null(options->password_file);
    if (count_of(options->https_addresses) == 0)
        return true;
    if (gnutls_session_ticket_key_generate(&server->ticket_key) < 0)
        abort(); /* only for want of randomness */
    return tls_credentials_load(&server->tls_current, &server->tls_files, err);
}

/* Signals are for the threads of the program, which know what they mean. */
static bool start_thread(struct http_server *server, struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&server->thread, NULL, loop_run, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0)
        return error_set_errno(err, &http_address_unusable, number, NULL,
                               "no thread can be started");
    server->started = true;
    return true;
}

static void server_free(struct http_server *server)
{
    for (size_t i = 0; i < server->count; i++)
        if (server->listeners[i].daemon != NULL)
            MHD_stop_daemon(server->listeners[i].daemon);
    free(server->listeners);
    replies_release(server->replies);
    if (server->epoll_fd >= 0)
        close(server->epoll_fd);
    tls_credentials_release(server->tls_current);
    if (server->ticket_key.data != NULL)
        gnutls_memset(server->ticket_key.data, 0, server->ticket_key.size);
    gnutls_free(server->ticket_key.data);
    free(server->tls_files.certificate);
    free(server->tls_files.key);
    free(server->tls_files.password);
    pthread_mutex_destroy(&server->tls_lock);
    free(server);
}

static bool start(struct http_server *server, const struct http_server_options *options,
                  struct error *err)
{
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->replies = replies_new();
    if (server->epoll_fd < 0 || server->replies == NULL)
        return error_set_errno(err, &http_address_unusable, errno, NULL,
                               "no descriptor is left to begin with");
    farewell_init(&server->farewell, server->epoll_fd);
    return watch(server, server->replies->wake_fd, NULL, err) &&
           prepare_tls(server, options, err) && add_listeners(server, options, err) &&
           start_thread(server, err);
}

bool http_server_start(struct http_server **out, const struct http_server_options *options,
                       struct error *err)
{
    assert(options->limit != NULL && options->handle != NULL);
    struct http_server *server = memory_allocate_zero(1, sizeof *server);
    server->limit = options->limit;
    server->handle = options->handle;
    server->refused = options->refused;
    server->context = options->context;
    server->clock = options->clock != NULL ? options->clock : &machine;
    server->header_limit = options->header_limit != 0 ? options->header_limit : HEADER_LIMIT;
    server->bodies_limit = options->bodies_limit != 0 ? options->bodies_limit : BODIES_LIMIT;
    atomic_init(&server->stop_asked, false);
    atomic_init(&server->turns, 1);
    pthread_mutex_init(&server->tls_lock, NULL);
    connections_init(&server->connections, connection_limit(options->connection_limit),
                     options->idle_ms != 0 ? options->idle_ms : IDLE_MS,
                     options->request_ms != 0 ? options->request_ms : REQUEST_MS);
    server->connections.too_slow = refusal_slow;
    if (!start(server, options, err)) {
        server_free(server);
        return false;
    }
    *out = server;
    return true;
}

bool http_server_reload_tls(struct http_server *server, struct error *err)
{
    if (server->tls_current == NULL)
        return true; /* no https address */
    struct tls_credentials *fresh = NULL;
    if (!tls_credentials_load(&fresh, &server->tls_files, err))
        return false;
    pthread_mutex_lock(&server->tls_lock);
    struct tls_credentials *old = server->tls_current;
    server->tls_current = fresh;
    pthread_mutex_unlock(&server->tls_lock);
    tls_credentials_release(old);
    return true;
}

unsigned http_server_port(const struct http_server *server, size_t index)
{
    assert(index < server->count);
    return server->listeners[index].port;
}

bool http_server_moves(struct http_server *server, uint64_t *mark)
{
    uint64_t before = *mark;
    *mark = atomic_load_explicit(&server->turns, memory_order_relaxed);
    replies_wake(server->replies);
    return *mark != before;
}

void http_server_connections(const struct http_server *server, unsigned *now, unsigned *most)
{
    *now = atomic_load_explicit(&server->connections.now, memory_order_relaxed);
    *most = atomic_load_explicit(&server->connections.most, memory_order_relaxed);
}

void http_server_stop(struct http_server **server, int64_t milliseconds)
{
    if (server == NULL || *server == NULL)
        return;
    struct http_server *stopped = *server;
    *server = NULL;
    stopped->stop_wait_ms = milliseconds;
    atomic_store(&stopped->stop_asked, true);
    replies_wake(stopped->replies);
    pthread_join(stopped->thread, NULL);
    server_free(stopped);
}
