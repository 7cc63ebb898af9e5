/* SPDX-License-Identifier: Apache-2.0 */
#include "process/descriptors.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "process/errors.h"

static const char object[] = "socket";

/* Room for the control message; the union aligns it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

bool descriptors_send(int socket, struct slice bytes, const int *fds, size_t count,
                      struct error *err)
{
    assert(count <= DESCRIPTORS_MAX);
    union control control = {0};
    struct iovec vector = {(void *)bytes.data, bytes.size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return error_set_errno(err, &process_socket, errno, object, "cannot send a message");
    if ((size_t)sent != bytes.size)
        return error_set(err, &process_socket, NULL, object, "took only %zd of %zu bytes", sent,
                         bytes.size);
    return true;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* Every descriptor that came, from however many control messages. */
static size_t collect(struct msghdr *message, int came[DESCRIPTORS_MAX])
{
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t more = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        assert(count + more <= DESCRIPTORS_MAX);
        memcpy(came + count, CMSG_DATA(header), more * sizeof(int));
        count += more;
    }
    return count;
}

/* What is wrong with a message that arrived, or NULL. */
static const char *fault_of(const struct msghdr *message, ssize_t received, size_t came,
                            size_t wanted)
{
    if (message->msg_flags & MSG_TRUNC)
        return "sent a message that is too long";
    if (message->msg_flags & MSG_CTRUNC || came > wanted)
        return "sent too many descriptors";
    if (received == 0 && came > 0)
        return "sent descriptors without a message";
    return NULL;
}

bool descriptors_receive(int socket, void *bytes, size_t size, size_t *received, int *fds,
                         size_t *count, struct error *err)
{
    union control control;
    struct iovec vector = {bytes, size};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set_errno(err, &process_socket, errno, object, "cannot receive a message");
    int came[DESCRIPTORS_MAX];
    size_t came_count = collect(&message, came);
    const char *fault = fault_of(&message, got, came_count, *count);
    if (fault != NULL) {
        close_all(came, came_count);
        return error_set(err, &process_socket, NULL, object, "the peer %s", fault);
    }
    if (came_count > 0)
        memcpy(fds, came, came_count * sizeof(int));
    *count = came_count;
    *received = (size_t)got;
    return true;
}

/* The kernel tells the size that it wants when it is given none. */
static bool peer_groups(int socket, gid_t **groups, size_t *count)
{
    socklen_t size = 0;
    *groups = NULL;
    *count = 0;
    /* cppcheck-suppress nullPointer ; the kernel is asked for nothing but the size */
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
        return true;
    if (errno != ERANGE)
        return false;
    gid_t *list = memory_allocate(size);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, list, &size) != 0) {
        free(list);
        return false;
    }
    *groups = list;
    *count = size / sizeof *list;
    return true;
}

bool descriptors_peer(int socket, uid_t *uid, gid_t *gid, pid_t *pid, gid_t **groups,
                      size_t *group_count, struct error *err)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer ||
        !peer_groups(socket, groups, group_count))
        return error_set_errno(err, &process_socket, errno, object,
                               "does not tell who its peer is");
    *uid = peer.uid;
    *gid = peer.gid;
    *pid = peer.pid;
    return true;
}
