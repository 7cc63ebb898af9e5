/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/errors.h"
#include "base/file.h"
#include "process/errors.h"

#define CHUNK 65536

static void put_length(uint8_t head[4], size_t size)
{
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(size >> (8 * i));
}

/* The first byte carries the descriptors; what sendmsg leaves over follows as plain bytes. */
static bool send_with_descriptors(int socket, struct slice bytes, const int *fds, size_t count,
                                  size_t *sent, struct error *err)
{
    union {
        char bytes[CMSG_SPACE(FRAME_DESCRIPTORS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {(void *)bytes.data, bytes.size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    ssize_t n;
    do {
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return error_set_errno(err, &process_socket, errno, "administration socket", "cannot send");
    *sent = (size_t)n;
    return true;
}

bool frame_send(int socket, struct slice json, const int *fds, size_t count, struct error *err)
{
    uint8_t head[4];
    if (json.size > FRAME_REPLY_MAX || count > FRAME_DESCRIPTORS_MAX)
        return error_set(err, &admin_message, NULL, "administration socket",
                         "a frame of %zu bytes with %zu descriptors is too large", json.size,
                         count);
    put_length(head, json.size);
    size_t sent = 0;
    if (!send_with_descriptors(socket, slice_of(head, sizeof head), fds, count, &sent, err))
        return false;
    while (sent < sizeof head + json.size) {
        struct slice rest = sent < sizeof head ? slice_of(head + sent, sizeof head - sent)
                                               : slice_of(json.data + (sent - sizeof head),
                                                          json.size - (sent - sizeof head));
        size_t more = 0;
        if (!send_with_descriptors(socket, rest, NULL, 0, &more, err))
            return false;
        sent += more;
    }
    return true;
}

/* What one receive brings: bytes, and the descriptors that came with them. */
struct arrival {
    int *fds;
    size_t capacity, count;
};

static void close_all(struct arrival *arrival)
{
    for (size_t i = 0; i < arrival->count; i++)
        file_close(&arrival->fds[i]);
    arrival->count = 0;
}

/* Takes over a descriptor, or closes it when there is no place for it. */
static bool take_descriptor(struct arrival *arrival, int fd)
{
    bool room = arrival->count < arrival->capacity;
    if (room)
        arrival->fds[arrival->count++] = fd;
    else
        close(fd);
    return room;
}

static bool take_descriptors(struct msghdr *message, struct arrival *arrival)
{
    bool whole = (message->msg_flags & MSG_CTRUNC) == 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            whole = take_descriptor(arrival, fd) && whole;
        }
    }
    return whole;
}

/* Up to size bytes into data; *got 0 at the peer's end. */
static bool receive_some(int socket, uint8_t *data, size_t size, size_t *got,
                         struct arrival *arrival, struct error *err)
{
    union {
        char bytes[CMSG_SPACE(FRAME_DESCRIPTORS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {data, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do {
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return error_set(err, &process_socket, NULL, "administration socket",
                         "the other side did not go on in time");
    if (n < 0)
        return error_set_errno(err, &process_socket, errno, "administration socket",
                               "cannot receive");
    *got = (size_t)n;
    if (!take_descriptors(&message, arrival))
        return error_set(err, &admin_message, NULL, "administration socket",
                         "more than %d descriptors came with a frame", FRAME_DESCRIPTORS_MAX);
    return true;
}

static bool receive_head(int socket, size_t *size, struct arrival *arrival, bool *closed,
                         struct error *err)
{
    uint8_t head[4];
    for (size_t have = 0; have < sizeof head;) {
        size_t got = 0;
        if (!receive_some(socket, head + have, sizeof head - have, &got, arrival, err))
            return false;
        if (got == 0 && have == 0) {
            *closed = true;
            return true;
        }
        if (got == 0)
            return error_set(err, &admin_message, NULL, "administration socket", "a frame was cut");
        have += got;
    }
    struct reader reader = reader_of(slice_of(head, sizeof head));
    *size = reader_u32_le(&reader);
    return true;
}

static bool receive_body(int socket, struct buf *json, size_t size, struct arrival *arrival,
                         struct error *err)
{
    while (size > 0) {
        size_t want = size < CHUNK ? size : CHUNK, got = 0;
        uint8_t *to = buf_reserve(json, want);
        if (to == NULL)
            return buf_ok(json, "administration socket", err);
        if (!receive_some(socket, to, want, &got, arrival, err))
            return false;
        if (got == 0)
            return error_set(err, &admin_message, NULL, "administration socket", "a frame was cut");
        buf_added(json, got);
        size -= got;
    }
    return true;
}

bool frame_receive(int socket, struct buf *json, size_t limit, int *fds, size_t *count,
                   bool *closed, struct error *err)
{
    struct arrival arrival = {fds, *count, 0};
    size_t size = 0;
    *closed = false;
    bool ok = receive_head(socket, &size, &arrival, closed, err);
    if (ok && !*closed && size > limit)
        ok = error_set(err, &admin_message, NULL, "administration socket",
                       "a frame announces %zu bytes; at most %zu are taken", size, limit);
    if (ok && !*closed)
        ok = receive_body(socket, json, size, &arrival, err);
    if (!ok)
        close_all(&arrival);
    *count = arrival.count;
    return ok;
}
