/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/permit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "keyholder/cluster_key.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder.h"

bool permit_open(struct permit *permit, const char *folder, struct error *err)
{
    _cleanup_free_ char *path = memory_format("%s/%s", folder, KEYHOLDER_PERMIT_FILE);
    _cleanup_fd_ int fd =
        open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(err, &keyholder_cluster_key, errno, path, "cannot be opened");
    if (!S_ISREG(status.st_mode))
        return error_set(err, &keyholder_cluster_key, NULL, path, "is not a plain file");
    if (!cluster_key_check_owner(&status, path, err))
        return false;
    *permit = (struct permit){fd, status};
    fd = -1;
    return true;
}

void permit_close(struct permit *permit)
{
    file_close(&permit->fd);
}

bool permit_check(const struct permit *permit, int fd, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_dev != permit->status.st_dev ||
        status.st_ino != permit->status.st_ino)
        return error_set(err, &keyholder_permit, NULL, KEYHOLDER_PERMIT_FILE,
                         "the descriptor that came with the request is not this file");
    /* O_PATH asks neither the file's mode nor Landlock: only a descriptor that reads is a proof. */
    uint8_t nothing;
    if (pread(fd, &nothing, 1, 0) < 0)
        return error_set(err, &keyholder_permit, NULL, KEYHOLDER_PERMIT_FILE,
                         "the descriptor that came with the request is not open for reading");
    return true;
}
