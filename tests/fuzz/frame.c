/* SPDX-License-Identifier: Apache-2.0 */

/* The administration socket: frames as any user of the machine may send them, before anybody asked
 * who it is. What arrives was sent, and never more than the limit. */

#include "admin/frame.h"
#include "base/file.h"

#include <sys/socket.h>
#include <unistd.h>

#include "require.h"

#define LIMIT 4096
/* A socket holds as much before anybody reads. */
#define INPUT_MAX 65536

static bool receive(int socket)
{
    struct error err = {0};
    int fds[FRAME_DESCRIPTORS_MAX];
    size_t count = FRAME_DESCRIPTORS_MAX;
    bool closed = false;
    _cleanup_buf_ struct buf json;
    buf_init(&json, LIMIT);
    bool received = frame_receive(socket, &json, LIMIT, fds, &count, &closed, &err);
    require(count == 0 && (received || err.code != NULL));
    return received && !closed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    if (size > INPUT_MAX)
        return 0;
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    require(file_write_fd(ends[0], slice_of(data, size), "fuzz", NULL));
    file_close(&ends[0]);
    while (receive(ends[1]))
        ;
    file_close(&ends[1]);
    return 0;
}
