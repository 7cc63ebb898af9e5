/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "crypto/certificate.h"
#include "keyholder/errors.h"
#include "process/descriptors.h"
#include "process/errors.h"

/* OpenSSL needs little, sanitizers more; what a module of a token's maker needs, nobody says. */
#define STACK_SIZE (4u << 20)
/* A service that was taken over must not be able to fill the log. */
#define REFUSALS_LOGGED 100

/* A channel with the thread that serves it. */
struct channel {
    const struct server *server;
    unsigned worker;
    int socket;
    pthread_t thread;
    struct answer answer;
    uint8_t request[KEYHOLDER_REQUEST_MAX];
};

void answer_init(struct answer *answer)
{
    buf_init(&answer->fields[0], CERTIFICATE_SIZE_MAX);
    buf_init(&answer->fields[1], CERTIFICATE_SIZE_MAX);
    buf_init(&answer->fields[2], 1024);
    answer->plain = SECRET_EMPTY;
}

void answer_reset(struct answer *answer)
{
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        buf_reset(&answer->fields[i]);
    secret_done(&answer->plain);
}

void answer_done(struct answer *answer)
{
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        buf_done(&answer->fields[i]);
    secret_done(&answer->plain);
}

/* An honest service is never refused like this, and one that is not will not tell. */
static void log_refusal(const struct error *err)
{
    static atomic_uint count;
    if (err->code != &keyholder_message && err->code != &keyholder_purpose &&
        err->code != &keyholder_permit)
        return;
    unsigned before = atomic_fetch_add(&count, 1);
    if (before < REFUSALS_LOGGED)
        log_error(LOG_LEVEL_WARNING, err, "the keyholder refuses a request of the service");
    if (before == REFUSALS_LOGGED)
        log_write(LOG_LEVEL_WARNING, "the keyholder goes on refusing, without further lines here");
}

static bool send_reply(int socket, const struct keyholder_reply *reply)
{
    uint8_t head[KEYHOLDER_REPLY_HEAD];
    keyholder_message_format_reply(head, reply);
    struct iovec parts[1 + KEYHOLDER_REPLY_FIELDS] = {{head, sizeof head}};
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        parts[1 + i] = (struct iovec){(void *)reply->fields[i].data, reply->fields[i].size};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1 + KEYHOLDER_REPLY_FIELDS};
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static bool handle(struct channel *channel, struct slice bytes, const int *fds, size_t count,
                   struct error *err)
{
    struct keyholder_request request;
    if (!keyholder_message_parse_request(&request, bytes, err))
        return false;
    if (count != keyholder_message_descriptors(&request))
        return error_set(err, &keyholder_message, NULL, "keyholder request",
                         "came with %zu descriptors instead of %zu", count,
                         keyholder_message_descriptors(&request));
    const struct server *server = channel->server;
    return server->answer(&channel->answer, server->context, channel->worker, &request, fds, err);
}

/* Answers one packet. False: the channel is of no more use. */
static bool serve_one(struct channel *channel)
{
    int fds[KEYHOLDER_REQUEST_DESCRIPTORS_MAX];
    size_t count = KEYHOLDER_REQUEST_DESCRIPTORS_MAX, received;
    if (!descriptors_receive(channel->socket, channel->request, sizeof channel->request, &received,
                             fds, &count, NULL) ||
        received == 0)
        return false;
    struct slice bytes = slice_of(channel->request, received);
    struct answer *answer = &channel->answer;
    struct error error = {0};
    struct keyholder_reply reply = {.sequence = keyholder_message_sequence(bytes)};
    if (handle(channel, bytes, fds, count, &error)) {
        for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
            reply.fields[i] = buf_slice(&answer->fields[i]);
        if (answer->plain.size > 0)
            reply.fields[2] = secret_slice(&answer->plain);
    } else {
        log_refusal(&error);
        keyholder_message_from_error(&reply, reply.sequence, &error);
    }
    for (size_t i = 0; i < count; i++)
        file_close(&fds[i]);
    bool sent = send_reply(channel->socket, &reply);
    answer_reset(answer);
    return sent;
}

static void *serve(void *context)
{
    struct channel *channel = context;
    answer_init(&channel->answer);
    while (serve_one(channel))
        ;
    answer_done(&channel->answer);
    /* The peer learns of the end at once; the number stays taken until nobody uses it any more. */
    shutdown(channel->socket, SHUT_RDWR);
    return NULL;
}

static bool start(struct channel *channel, struct error *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int failed = pthread_create(&channel->thread, &attributes, serve, channel);
    pthread_attr_destroy(&attributes);
    if (failed != 0)
        return error_set_errno(err, &process_spawn, failed, "keyholder",
                               "a thread for channel %u cannot be started", channel->worker);
    return true;
}

/* When one cannot be served, none is. */
static bool serve_all(struct channel *channels, size_t count, struct error *err)
{
    size_t started = 0;
    while (started < count && start(&channels[started], err))
        started++;
    for (size_t i = 0; i < started && started < count; i++)
        shutdown(channels[i].socket, SHUT_RDWR);
    for (size_t i = 0; i < started; i++)
        pthread_join(channels[i].thread, NULL);
    return started == count;
}

bool serve_channels(const int *sockets, size_t count, const struct server *server,
                    struct error *err)
{
    _cleanup_free_ struct channel *channels = memory_allocate_zero(count, sizeof *channels);
    for (size_t i = 0; i < count; i++)
        channels[i] =
            (struct channel){.server = server, .worker = (unsigned)i, .socket = sockets[i]};
    bool ok = serve_all(channels, count, err);
    for (size_t i = 0; i < count; i++)
        file_close(&channels[i].socket);
    return ok;
}

void serve_none(const int *channels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(channels[i]);
}

void serve_prepare(void)
{
    /* A closed pipe or full disk behind a descriptor is an error of one request. A terminal's ^C
     * and the supervisor's SIGHUP are not for us: we end when the service does. */
    static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGHUP, SIGINT};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    struct rlimit locked;
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
        locked.rlim_cur = locked.rlim_max;
        setrlimit(RLIMIT_MEMLOCK, &locked);
    }
}
