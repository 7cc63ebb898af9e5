/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Backups. The first byte chooses: a header; a stream of chunks as it came from outside; or a
 * plaintext that a holder of the password encrypted with ill will.
 */

#include "require.h"
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "keyholder/backup.h"

static const uint8_t key[AEAD_KEY_SIZE] = {1};
static const uint8_t binding[CHUNKS_BINDING_SIZE] = {2};

static int memory_file(void)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0);
    return fd;
}

static void try_header(struct slice bytes)
{
    struct backup_header header;
    if (!backup_parse_header(&header, bytes, NULL))
        return;
    uint8_t formatted[BACKUP_HEADER_SIZE];
    backup_format_header(formatted, &header);
    require(bytes.size == sizeof formatted && memcmp(formatted, bytes.data, bytes.size) == 0);
}

static void read_back(int fd)
{
    require(lseek(fd, 0, SEEK_SET) == 0);
    _cleanup_fd_ int document = memory_file();
    _cleanup_chunks_ struct chunks chunks;
    chunks_init(&chunks, fd, "fuzz", slice_of(key, sizeof key), binding);
    backup_read_document(&chunks, document, slice_of(key, sizeof key), NULL);
}

static void try_stream(struct slice bytes)
{
    _cleanup_fd_ int fd = memory_file();
    require(file_write_fd(fd, bytes, "fuzz", NULL));
    read_back(fd);
}

static void try_plaintext(struct slice bytes)
{
    _cleanup_fd_ int fd = memory_file();
    struct chunks chunks;
    chunks_init(&chunks, fd, "fuzz", slice_of(key, sizeof key), binding);
    require(chunks_write(&chunks, bytes, NULL) && chunks_finish(&chunks, NULL));
    chunks_done(&chunks);
    read_back(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = {data + 1, size - 1};
    if (data[0] % 3 == 0)
        try_header(rest);
    else if (data[0] % 3 == 1)
        try_stream(rest);
    else
        try_plaintext(rest);
    return 0;
}
