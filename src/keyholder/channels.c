/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/channels.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "keyholder/errors.h"
#include "process/descriptors.h"

struct channel {
    struct channel *next_free; /* while nobody uses it */
    struct channel *next;      /* in the list of all that are open */
    int socket;
    uint64_t generation;
    int64_t timeout_ms; /* what the socket's timeouts are set to */
    uint32_t sequence;
};

struct channels {
    pthread_mutex_t mutex; /* all but alive */
    pthread_cond_t freed;  /* a channel became free, or there are none any more */
    struct channel *free;  /* the last used first: its thread is the warmest */
    struct channel *open;
    uint64_t generation;
    unsigned silent; /* exchanges of this generation in a row that came to their deadline */
    bool lost;       /* a channel of it was given up although its peer is there */
    bool told;       /* stuck was called for it */
    void (*stuck)(void *context);
    void *context;
    atomic_bool alive;
};

static bool away(struct channels *channels, const char *why, struct error *err)
{
    atomic_store(&channels->alive, false);
    return error_set(err, &keyholder_away, NULL, "keyholder", "%s", why);
}

static bool late(struct channels *channels, const char *what, int64_t deadline_ms,
                 struct error *err)
{
    atomic_store(&channels->alive, false);
    return error_set(err, &keyholder_stuck, NULL, "keyholder", "%s within %lld.%03lld s", what,
                     (long long)deadline_ms / 1000, (long long)deadline_ms % 1000);
}

/* Under the mutex. */
static void add(struct channels *channels, const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct channel *channel = memory_allocate_zero(1, sizeof *channel);
        channel->socket = sockets[i];
        channel->generation = channels->generation;
        channel->next = channels->open;
        channels->open = channel;
        channel->next_free = channels->free;
        channels->free = channel;
    }
}

/* Under the mutex, for a channel that is not in the free list. */
static void discard(struct channels *channels, struct channel *channel)
{
    struct channel **link = &channels->open;
    while (*link != channel)
        link = &(*link)->next;
    *link = channel->next;
    file_close(&channel->socket);
    free(channel);
}

/* Under the mutex. */
static void discard_free(struct channels *channels)
{
    while (channels->free != NULL) {
        struct channel *channel = channels->free;
        channels->free = channel->next_free;
        discard(channels, channel);
    }
}

struct channels *channels_new(const int *sockets, size_t count)
{
    struct channels *channels = memory_allocate_zero(1, sizeof *channels);
    pthread_mutex_init(&channels->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&channels->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    add(channels, sockets, count);
    atomic_init(&channels->alive, count > 0);
    return channels;
}

void channels_free(struct channels **channels)
{
    if (*channels == NULL)
        return;
    discard_free(*channels);
    pthread_cond_destroy(&(*channels)->freed);
    pthread_mutex_destroy(&(*channels)->mutex);
    free(*channels);
    *channels = NULL;
}

void channels_replace(struct channels *channels, const int *sockets, size_t count)
{
    pthread_mutex_lock(&channels->mutex);
    channels->generation++;
    channels->silent = 0;
    channels->lost = channels->told = false;
    discard_free(channels);
    /* Those in use are closed by their users, whom this wakes. */
    for (struct channel *channel = channels->open; channel != NULL; channel = channel->next)
        shutdown(channel->socket, SHUT_RDWR);
    add(channels, sockets, count);
    atomic_store(&channels->alive, count > 0);
    pthread_cond_broadcast(&channels->freed);
    pthread_mutex_unlock(&channels->mutex);
}

bool channels_alive(const struct channels *channels)
{
    return atomic_load((atomic_bool *)&channels->alive);
}

/* Under the mutex: whether any channel of the keyholder of today is left. */
static bool any_open(const struct channels *channels)
{
    for (const struct channel *channel = channels->open; channel != NULL; channel = channel->next)
        if (channel->generation == channels->generation)
            return true;
    return false;
}

void channels_watch(struct channels *channels, void (*stuck)(void *context), void *context)
{
    channels->stuck = stuck;
    channels->context = context;
}

static struct timespec timespec_of(int64_t milliseconds)
{
    return (struct timespec){.tv_sec = (time_t)(milliseconds / 1000),
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
}

/* A channel for one call; NULL with err set. until_ms: on clock_monotonic_ms. */
static struct channel *acquire(struct channels *channels, int64_t until_ms, int64_t deadline_ms,
                               struct error *err)
{
    const struct timespec until = timespec_of(until_ms);
    bool there = true, in_time = true;
    pthread_mutex_lock(&channels->mutex);
    while (channels->free == NULL && there && in_time) {
        there = any_open(channels);
        in_time = !there ||
                  pthread_cond_timedwait(&channels->freed, &channels->mutex, &until) != ETIMEDOUT;
    }
    struct channel *channel = channels->free;
    if (channel != NULL)
        channels->free = channel->next_free;
    pthread_mutex_unlock(&channels->mutex);
    if (channel == NULL && there)
        late(channels, "none of its channels became free", deadline_ms, err);
    else if (channel == NULL)
        away(channels, "it is not there", err);
    return channel;
}

/* How an exchange ended: in step; without an answer in time; out of step; or the peer is gone. */
enum outcome { ANSWERED, SILENT, CONFUSED, ENDED };

/* Under the mutex, for an exchange of today's generation: whether stuck is to be called now. */
static bool note(struct channels *channels, enum outcome outcome)
{
    channels->silent = outcome == SILENT ? channels->silent + 1 : 0;
    channels->lost = channels->lost || outcome == SILENT || outcome == CONFUSED;
    bool stuck = channels->silent >= CHANNELS_SILENT_MAX || (channels->lost && !any_open(channels));
    bool tell = stuck && !channels->told && channels->stuck != NULL;
    channels->told = channels->told || tell;
    return tell;
}

/* Gives a channel back; only one that answered can be used again: its next reply will be the one to
 * its next request. */
static void release(struct channels *channels, struct channel *channel, enum outcome outcome)
{
    bool tell = false;
    pthread_mutex_lock(&channels->mutex);
    bool of_today = channel->generation == channels->generation;
    if (outcome == ANSWERED && of_today) {
        channel->next_free = channels->free;
        channels->free = channel;
        channels->silent = 0;
        pthread_cond_signal(&channels->freed);
    } else {
        discard(channels, channel);
        tell = of_today && note(channels, outcome);
        pthread_cond_broadcast(&channels->freed);
    }
    pthread_mutex_unlock(&channels->mutex);
    if (tell)
        channels->stuck(channels->context);
}

/* The socket itself waits with a limit, which saves a poll in each call. The limit is rounded so
 * that it hardly ever has to be set anew. */
static void limit_wait(struct channel *channel, int64_t left_ms, int64_t deadline_ms)
{
    int64_t step = deadline_ms / 8 > 0 ? deadline_ms / 8 : 1;
    int64_t timeout = left_ms > 0 ? (left_ms + step - 1) / step * step : 1;
    if (timeout == channel->timeout_ms)
        return;
    struct timeval value = {.tv_sec = (time_t)(timeout / 1000),
                            .tv_usec = (suseconds_t)(timeout % 1000) * 1000};
    setsockopt(channel->socket, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
    setsockopt(channel->socket, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
    channel->timeout_ms = timeout;
}

static bool send_request(struct channel *channel, const struct keyholder_request *request,
                         const int *fds, size_t count)
{
    uint8_t head[KEYHOLDER_REQUEST_HEAD];
    keyholder_message_format_request(head, request);
    if (count > 0) /* requests with descriptors have no payload */
        return descriptors_send(channel->socket, slice_of(head, sizeof head), fds, count, NULL);
    struct iovec parts[] = {{head, sizeof head},
                            {(void *)request->payload.data, request->payload.size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;
    do
        sent = sendmsg(channel->socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* One packet, whole: its size, 0 when the peer is gone, or negative. A signal does not prolong the
 * wait. */
static ssize_t receive(struct channel *channel, void *bytes, size_t size, int64_t until_ms,
                       int64_t deadline_ms)
{
    for (;;) {
        ssize_t got = recv(channel->socket, bytes, size, MSG_TRUNC);
        if (got >= 0 || errno != EINTR)
            return got;
        limit_wait(channel, until_ms - clock_monotonic_ms(), deadline_ms);
    }
}

/* Whether the reply is the one to this request. */
static enum outcome check_reply(struct keyholder_reply *reply, uint32_t sequence,
                                struct slice bytes, size_t got, struct error *err)
{
    if (got > bytes.size)
        error_set(err, &keyholder_message, NULL, "keyholder reply", "a reply has %zu bytes", got);
    else if (keyholder_message_parse_reply(reply, slice_of(bytes.data, got), err)) {
        if (reply->sequence == sequence)
            return ANSWERED;
        error_set(err, &keyholder_message, NULL, "keyholder reply",
                  "a reply belongs to another request");
    }
    return CONFUSED;
}

static enum outcome exchange(struct channels *channels, struct channel *channel,
                             const struct keyholder_request *request, const int *fds, size_t count,
                             int64_t until_ms, int64_t deadline_ms, struct slice bytes,
                             struct keyholder_reply *reply, struct error *err)
{
    if (!send_request(channel, request, fds, count)) {
        if (errno == EAGAIN) {
            late(channels, "it took no request", deadline_ms, err);
            return SILENT;
        }
        away(channels, "it ended while it was asked", err);
        return ENDED;
    }
    ssize_t got = receive(channel, (uint8_t *)bytes.data, bytes.size, until_ms, deadline_ms);
    if (got > 0)
        return check_reply(reply, request->sequence, bytes, (size_t)got, err);
    if (got < 0 && errno == EAGAIN) {
        late(channels, "it did not answer", deadline_ms, err);
        return SILENT;
    }
    away(channels, got < 0 ? "its channel failed" : "it ended before it answered", err);
    return ENDED;
}

bool channels_exchange(struct channels *channels, struct keyholder_request *request, const int *fds,
                       size_t count, int64_t deadline_ms, void *bytes, size_t size,
                       struct keyholder_reply *reply, struct error *err)
{
    int64_t until_ms = clock_monotonic_ms() + deadline_ms;
    struct channel *channel = acquire(channels, until_ms, deadline_ms, err);
    if (channel == NULL)
        return false;
    limit_wait(channel, until_ms - clock_monotonic_ms(), deadline_ms);
    request->sequence = ++channel->sequence;
    enum outcome outcome = exchange(channels, channel, request, fds, count, until_ms, deadline_ms,
                                    slice_of(bytes, size), reply, err);
    release(channels, channel, outcome);
    if (outcome == ANSWERED)
        atomic_store(&channels->alive, true);
    return outcome == ANSWERED;
}
