/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/memory.h"
#include "http/errors.h"

#define LISTEN_BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct target {
    union address address;
    socklen_t size;
    bool both; /* IPv6 socket that takes IPv4 too */
};

static bool parse_port(in_port_t *out, const char *text)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > 65535)
        return false;
    *out = htons((in_port_t)value);
    return true;
}

static void set_v4(struct target *target, struct in_addr host, in_port_t port)
{
    target->address.v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = host, .sin_port = port};
    target->size = sizeof target->address.v4;
}

static void set_v6(struct target *target, struct in6_addr host, in_port_t port)
{
    target->address.v6 =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = host, .sin6_port = port};
    target->size = sizeof target->address.v6;
}

static bool parse(struct target *out, const char *text, struct error *err)
{
    const char *colon = strrchr(text, ':');
    in_port_t port = 0;
    if (colon == NULL || !parse_port(&port, colon + 1))
        return error_set(err, &http_address_unusable, NULL, text,
                         "has no port: write it as 127.0.0.1:8080, [::1]:8080 or *:8080");
    size_t size = (size_t)(colon - text);
    bool brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    _cleanup_free_ char *host =
        memory_format("%.*s", (int)(brackets ? size - 2 : size), brackets ? text + 1 : text);
    struct in_addr v4;
    struct in6_addr v6;
    *out = (struct target){0};
    if (!brackets && strcmp(host, "*") == 0) {
        set_v6(out, in6addr_any, port);
        out->both = true;
        return true;
    }
    if (!brackets && inet_pton(AF_INET, host, &v4) == 1) {
        set_v4(out, v4, port);
        return true;
    }
    if (brackets && inet_pton(AF_INET6, host, &v6) == 1) {
        set_v6(out, v6, port);
        return true;
    }
    return error_set(err, &http_address_unusable, NULL, text,
                     "is not a numeric address: names are not looked up; write 127.0.0.1:PORT, "
                     "[::1]:PORT, or *:PORT for all addresses");
}

static bool refuse(int number, const char *text, struct error *err)
{
    switch (number) {
    case EADDRINUSE:
        return error_set(err, &http_address_unusable, NULL, text, "is in use by another program");
    case EACCES:
        return error_set(err, &http_address_unusable, NULL, text,
                         "is not permitted to this user: ports below 1024 need "
                         "CAP_NET_BIND_SERVICE");
    case EADDRNOTAVAIL:
        return error_set(err, &http_address_unusable, NULL, text,
                         "is not an address of this machine (ip address)");
    default:
        return error_set_errno(err, &http_address_unusable, number, text, "cannot be bound");
    }
}

static bool bind_to(int *out, const struct target *target, const char *text, struct error *err)
{
    int on = 1;
    int only_v6 = target->both ? 0 : 1;
    _cleanup_fd_ int fd = socket(target->address.any.sa_family,
                                 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0)
        return refuse(errno, text, err);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return refuse(errno, text, err);
    if (target->address.any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0)
        return refuse(errno, text, err);
    if (bind(fd, &target->address.any, target->size) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
        return refuse(errno, text, err);
    *out = fd;
    fd = -1;
    return true;
}

static bool bound_port(unsigned *out, int fd, const char *text, struct error *err)
{
    union address address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0)
        return refuse(errno, text, err);
    in_port_t port = address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port;
    *out = ntohs(port);
    return true;
}

static bool has_v6(void)
{
    _cleanup_fd_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    return fd >= 0;
}

bool listen_check(const char *address, struct error *err)
{
    struct target target;
    return parse(&target, address, err);
}

bool listen_open(int *fd, unsigned *port, const char *address, struct error *err)
{
    struct target target;
    if (!parse(&target, address, err))
        return false;
    _cleanup_fd_ int bound = -1;
    unsigned number = 0;
    /* A kernel without IPv6 still has all of IPv4 for "*". */
    if (target.both && !has_v6())
        set_v4(&target, (struct in_addr){INADDR_ANY}, target.address.v6.sin6_port);
    if (!bind_to(&bound, &target, address, err) || !bound_port(&number, bound, address, err))
        return false;
    *fd = bound;
    bound = -1;
    *port = number;
    return true;
}
