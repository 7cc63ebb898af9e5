/* SPDX-License-Identifier: Apache-2.0 */
#include "http/farewell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

void farewell_init(struct farewell *farewell, int epoll_fd)
{
    farewell->epoll_fd = epoll_fd;
    for (int i = 0; i < FAREWELL_MOST; i++)
        farewell->sockets[i].fd = -1;
}

static void let_go(struct farewell_socket *socket)
{
    close(socket->fd); /* the only descriptor left: this also takes it out of the epoll set */
    socket->fd = -1;
}

void farewell_start(struct farewell *farewell, int fd)
{
    struct farewell_socket *free_one = NULL;
    for (int i = 0; i < FAREWELL_MOST && free_one == NULL; i++)
        if (farewell->sockets[i].fd < 0)
            free_one = &farewell->sockets[i];
    int copy = free_one != NULL ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy < 0)
        return;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = free_one};
    if (shutdown(copy, SHUT_WR) != 0 ||
        epoll_ctl(farewell->epoll_fd, EPOLL_CTL_ADD, copy, &event) != 0) {
        close(copy);
        return;
    }
    *free_one = (struct farewell_socket){copy, clock_monotonic_ms() + FAREWELL_MS, FAREWELL_BYTES};
}

static void throw_away(struct farewell_socket *socket)
{
    /* MSG_TRUNC throws the bytes away in the kernel. One call an event: others have their turn. */
    /* cppcheck-suppress nullPointer ; with MSG_TRUNC it is allowed */
    ssize_t got = recv(socket->fd, NULL, 1024 * 1024, MSG_TRUNC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || (uint64_t)got >= socket->left)
        let_go(socket);
    else
        socket->left -= (uint64_t)got;
}

bool farewell_event(struct farewell *farewell, void *pointer)
{
    struct farewell_socket *socket = pointer;
    if (socket < farewell->sockets || socket >= farewell->sockets + FAREWELL_MOST)
        return false;
    if (socket->fd >= 0)
        throw_away(socket);
    return true;
}

int farewell_sweep(struct farewell *farewell)
{
    int64_t now = 0;
    int64_t next = -1;
    for (int i = 0; i < FAREWELL_MOST; i++) {
        struct farewell_socket *socket = &farewell->sockets[i];
        if (socket->fd < 0)
            continue;
        if (now == 0)
            now = clock_monotonic_ms();
        int64_t left = socket->until - now;
        if (left <= 0)
            let_go(socket);
        else if (next < 0 || left < next)
            next = left;
    }
    return (int)next;
}

void farewell_done(struct farewell *farewell)
{
    for (int i = 0; i < FAREWELL_MOST; i++)
        if (farewell->sockets[i].fd >= 0)
            let_go(&farewell->sockets[i]);
}
