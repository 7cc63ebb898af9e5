/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pool_memory.h"

#include <linux/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Pools of this size and less are not mapped but allocated. */
#define POOL_MEMORY_ALLOCATED (32UL * 1024)

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t pool_memory_size(size_t size)
{
    size_t page = page_size();
    if (strcmp(MHD_get_version(), POOL_MEMORY_VERSION) != 0 || size <= POOL_MEMORY_ALLOCATED ||
        size < 2 * page)
        return 0;
    return (size + page - 1) / page * page;
}

/*
 * A request line stands at the front of the pool, unless empty lines came before it. So a method at
 * the start of a page is the front of the mapping or whole pages of empty lines behind it. It is
 * the front if, of all bytes that ever came in, less than a page is neither head nor body.
 */
void pool_memory_learn(struct connection *connection, const char *method, size_t size)
{
    size_t page = page_size();
    struct tcp_info info = {0};
    socklen_t info_size = sizeof info;
    if (connection->pool_size == 0 || (uintptr_t)method % page != 0 ||
        getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) != 0 ||
        info_size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t))
        return;
    if (info.tcpi_bytes_received >= size && info.tcpi_bytes_received - size < page)
        connection->pool = (void *)(uintptr_t)method;
}

void pool_memory_release(const struct connection *connection)
{
    size_t page = page_size();
    if (connection->pool != NULL)
        madvise((char *)connection->pool + page, connection->pool_size - page, MADV_DONTNEED);
}
