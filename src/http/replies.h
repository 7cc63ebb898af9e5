/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The requests that worker threads have replied to, on their way back to the HTTP thread: a
 * lock-free stack, and a descriptor that becomes readable when it was empty. It outlives the server
 * while a worker still holds it, so that a late reply finds something that is there.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct http_request;

struct replies {
    atomic_uint users;
    _Atomic(struct http_request *) newest;
    int wake_fd;
    pthread_t thread; /* the HTTP thread */
};

/* Belongs to one user; NULL with errno when there is no descriptor left. */
struct replies *replies_new(void);
struct replies *replies_hold(struct replies *replies);
void replies_release(struct replies *replies);
void replies_push(struct replies *replies, struct http_request *request);
/* Everything pushed so far, oldest first, linked by `next`; and the descriptor is quiet again. */
struct http_request *replies_take(struct replies *replies);
/* Makes the HTTP thread look around. */
void replies_wake(struct replies *replies);
