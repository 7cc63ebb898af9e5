/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/stream.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/errors.h"

/* One read that waits only so long. *got 0: the end. */
static bool read_some(int fd, void *to, size_t size, size_t *got, const char *name,
                      struct error *err)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, STREAM_WAIT_MS);
        if (ready == 0)
            return error_set(err, &base_file_unreadable, NULL, name, "nothing came for %d seconds",
                             STREAM_WAIT_MS / 1000);
        ssize_t count = ready < 0 ? -1 : read(fd, to, size);
        if (count >= 0) {
            *got = (size_t)count;
            return true;
        }
        if (errno != EINTR && errno != EAGAIN)
            return error_set_errno(err, &base_file_unreadable, errno, name, "cannot be read");
    }
}

bool stream_read(int fd, void *to, size_t size, size_t *got, const char *name, struct error *err)
{
    size_t total = 0;
    while (total < size) {
        size_t count;
        if (!read_some(fd, (uint8_t *)to + total, size - total, &count, name, err))
            return false;
        if (count == 0)
            break;
        total += count;
    }
    *got = total;
    return true;
}

bool stream_read_all(struct buf *out, int fd, const char *name, struct error *err)
{
    size_t room = 4096, got = room;
    while (got == room) {
        size_t left = out->limit - out->size;
        if (left == 0) {
            uint8_t further;
            if (!stream_read(fd, &further, 1, &got, name, err))
                return false;
            return got == 0 || error_set(err, &base_file_too_large, NULL, name,
                                         "is larger than %zu bytes", out->limit);
        }
        room = left < room ? left : room;
        if (!stream_read(fd, buf_reserve(out, room), room, &got, name, err))
            return false;
        buf_added(out, got);
    }
    return true;
}

bool stream_read_password(struct secret *out, int fd, struct error *err)
{
    if (fd < 0)
        return true;
    _cleanup_buf_ struct buf text;
    buf_init_secret(&text, STREAM_PASSWORD_MAX);
    if (!stream_read_all(&text, fd, "the password", err))
        return false;
    struct slice password = buf_slice(&text);
    if (password.size > 0 && password.data[password.size - 1] == '\n') {
        password.size--;
        if (password.size > 0 && password.data[password.size - 1] == '\r')
            password.size--; /* a file that was made in Windows */
    }
    secret_copy(out, password);
    return true;
}
