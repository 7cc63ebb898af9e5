/* SPDX-License-Identifier: Apache-2.0 */
#include "http/ending.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "http/refusal.h"

void ending_watch(struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    epoll_ctl(connection->listener->server->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
}

void ending_forget(struct connection *connection)
{
    struct http_server *server = connection->listener->server;
    /* Closing is not enough: the socket may stay open for a farewell. */
    epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    for (struct connection **at = &server->ended; *at != NULL; at = &(*at)->next_ended)
        if (*at == connection) {
            *at = connection->next_ended;
            return;
        }
}

void ending_noticed(struct connection *connection)
{
    struct http_server *server = connection->listener->server;
    if (connection->ended)
        return;
    connection->ended = true;
    connection->next_ended = server->ended;
    server->ended = connection;
}

/* Nothing more will come, and the library has all that came. */
static bool is_exhausted(const struct connection *connection)
{
    int unread = 0;
    return (connection->phase == CONNECTION_IDLE || connection->phase == CONNECTION_REQUEST) &&
           !connection->listener->due && ioctl(connection->fd, SIOCINQ, &unread) == 0 &&
           unread == 0;
}

void ending_sweep(struct http_server *server)
{
    for (struct connection *connection = server->ended; connection != NULL;
         connection = connection->next_ended)
        if (is_exhausted(connection)) {
            refusal_ended(connection);
            connection_cut(&server->connections, connection);
        }
}
