/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a running server is made of. Several listening addresses share one HTTP thread (loop.c);
 * each has one libmicrohttpd daemon, without a thread of its own, whose epoll descriptor the thread
 * waits for. So everything here belongs to that thread, except what says otherwise.
 */

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/connection.h"
#include "http/date.h"
#include "http/farewell.h"
#include "http/replies.h"
#include "http/server.h"
#include "http/tls.h"

struct listener {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    int epoll_fd; /* the daemon's */
    unsigned port;
    bool tls;
    bool due; /* has work that no descriptor announces */
};

struct http_server {
    size_t (*limit)(void *context, const struct http_request *request);
    void (*handle)(void *context, struct http_request *request);
    void (*refused)(void *context, const struct http_refusal *refusal); /* or NULL */
    void *context;
    const struct clock *clock;
    int64_t date_time;         /* that date says; seconds since 1970 */
    char date[HTTP_DATE_SIZE]; /* the Date of the replies of this second */

    struct listener *listeners; /* unchanging while the thread runs */
    size_t count;
    struct connections connections;
    struct connection *ended; /* those whose client has ended its side, see ending.h */
    struct farewell farewell;
    struct replies *replies; /* any thread */
    size_t body_bytes;       /* of all requests together */
    size_t bodies_limit;
    size_t header_limit;
    int epoll_fd;

    struct tls_files tls_files;
    pthread_mutex_t tls_lock; /* over tls_current, which any thread may replace */
    struct tls_credentials *tls_current;
    gnutls_datum_t ticket_key;

    pthread_t thread;
    bool started;
    atomic_uint_fast64_t turns; /* of its loop */
    atomic_bool stop_asked;
    int64_t stop_wait_ms; /* written before stop_asked */
    bool stopping;        /* replies say that their connection closes */
};
