/* SPDX-License-Identifier: Apache-2.0 */
#include "http/replies.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "http/request.h"

struct replies *replies_new(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return NULL;
    struct replies *replies = memory_allocate_zero(1, sizeof *replies);
    atomic_init(&replies->users, 1);
    atomic_init(&replies->newest, NULL);
    replies->wake_fd = fd;
    return replies;
}

struct replies *replies_hold(struct replies *replies)
{
    atomic_fetch_add(&replies->users, 1);
    return replies;
}

void replies_release(struct replies *replies)
{
    if (replies == NULL || atomic_fetch_sub(&replies->users, 1) != 1)
        return;
    close(replies->wake_fd);
    free(replies);
}

void replies_wake(struct replies *replies)
{
    eventfd_write(replies->wake_fd, 1);
}

void replies_push(struct replies *replies, struct http_request *request)
{
    struct http_request *newest = atomic_load(&replies->newest);
    do
        request->next = newest;
    while (!atomic_compare_exchange_weak(&replies->newest, &newest, request));
    /* Whoever pushed onto a stack that was not empty need not knock again. */
    if (newest == NULL)
        replies_wake(replies);
}

struct http_request *replies_take(struct replies *replies)
{
    eventfd_t count;
    eventfd_read(replies->wake_fd, &count);
    struct http_request *newest = atomic_exchange(&replies->newest, NULL);
    struct http_request *oldest = NULL;
    while (newest != NULL) {
        struct http_request *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}
