/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "vm/errors.h"

#define LOCK_WAIT_MS (60 * 1000)
#define LOCK_PAUSE_NS (20 * 1000 * 1000)

char *vm_file_last_good(const char *path)
{
    return memory_format("%s.last-good", path);
}

/* Where a restore keeps what it replaced. */
static char *replaced_of(const char *path)
{
    return memory_format("%s.replaced", path);
}

void vm_file_close(struct vm_file *file)
{
    free(file->path);
    buf_done(&file->bytes);
    file_close(&file->fd);
    *file = VM_FILE_CLOSED;
}

static bool wait_for_lock(int fd, const char *path, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be locked");
        if (clock_monotonic_ms() > deadline)
            return error_set(err, &vm_busy, NULL, path, "is locked by another process");
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return true;
}

/* The lock counts only if path still names what was locked: whoever held it before may have put a
 * new file in its place. */
static bool is_current(int fd, const char *path, struct stat *status)
{
    struct stat named;
    return fstat(fd, status) == 0 && stat(path, &named) == 0 && status->st_dev == named.st_dev &&
           status->st_ino == named.st_ino;
}

static int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static struct vm_file take_file(struct vm_file *file)
{
    struct vm_file taken = *file;
    *file = VM_FILE_CLOSED;
    return taken;
}

static bool open_locked(int *out, const char *path, struct stat *status, struct error *err)
{
    for (;;) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
            return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be opened");
        if (!wait_for_lock(fd, path, err))
            return false;
        if (!is_current(fd, path, status))
            continue;
        if (!S_ISREG(status->st_mode))
            return error_set(err, &base_file_unreadable, NULL, path, "is not a regular file");
        *out = take_fd(&fd);
        return true;
    }
}

bool vm_file_open(struct vm_file *out, const char *path, struct error *err)
{
    _cleanup_vm_file_ struct vm_file file = VM_FILE_CLOSED;
    struct stat status;
    file.path = realpath(path, NULL);
    if (file.path == NULL)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be found");
    buf_init(&file.bytes, VM_SIZE_MAX);
    if (!open_locked(&file.fd, file.path, &status, err) ||
        !file_read_fd(&file.bytes, file.fd, path, err))
        return false;
    file.mode = status.st_mode & 0777;
    file.owner = status.st_uid;
    file.group = status.st_gid;
    *out = take_file(&file);
    return true;
}

bool vm_file_read(struct vm *out, const char *path, struct error *err)
{
    struct buf bytes;
    buf_init(&bytes, VM_SIZE_MAX);
    bool good = file_read(&bytes, path, err) &&
                (vm_parse(out, buf_slice(&bytes), err) || error_name_object(err, path));
    buf_done(&bytes);
    return good;
}

static bool format(struct buf *out, const struct vm *vm, const char *path, struct error *err)
{
    buf_init(out, VM_SIZE_MAX);
    vm_format(out, vm);
    return buf_ok(out, path, err);
}

bool vm_file_create(const char *path, const struct vm *vm, struct error *err)
{
    struct buf bytes;
    bool good = format(&bytes, vm, path, err) && file_create(path, buf_slice(&bytes), 0600, err);
    buf_done(&bytes);
    return good;
}

/* Root unlocks files of others: they stay theirs. */
static bool replace(const struct vm_file *file, const char *path, struct slice bytes, mode_t mode,
                    struct error *err)
{
    return file_replace_for(path, bytes, mode, file->owner, file->group, err);
}

static bool forget(const char *path, struct error *err)
{
    return unlink(path) == 0 || errno == ENOENT ||
           error_set_errno(err, &base_file_unwritable, errno, path, "cannot be removed");
}

bool vm_file_save(struct vm_file *file, const struct vm *vm, enum vm_file_former former,
                  struct error *err)
{
    _cleanup_free_ char *last_good = vm_file_last_good(file->path);
    _cleanup_free_ char *replaced = replaced_of(file->path);
    struct buf bytes;
    bool good = format(&bytes, vm, file->path, err);
    if (good && former == VM_FILE_KEEP_FORMER)
        good = replace(file, last_good, buf_slice(&file->bytes), file->mode, err);
    /* Before the file itself: what a crash leaves half done must be done by doing it again. */
    if (good && former == VM_FILE_FORGET_FORMER)
        good = forget(last_good, err) && forget(replaced, err);
    good = good && replace(file, file->path, buf_slice(&bytes), file->mode, err);
    buf_done(&bytes);
    return good;
}

static bool read_last_good(struct buf *bytes, mode_t *mode, const char *path, struct error *err)
{
    _cleanup_free_ char *last_good = vm_file_last_good(path);
    struct stat status;
    if (stat(last_good, &status) != 0)
        return error_set_errno(err, &vm_no_last_good, errno, last_good, "cannot be found");
    *mode = status.st_mode & 0777;
    _cleanup_vm_ struct vm vm = {0};
    return file_read(bytes, last_good, err) && vm_parse(&vm, buf_slice(bytes), err);
}

static bool keep_replaced(const struct vm_file *file, struct error *err)
{
    _cleanup_free_ char *replaced = replaced_of(file->path);
    return replace(file, replaced, buf_slice(&file->bytes), file->mode, err);
}

bool vm_file_restore(const char *path, struct error *err)
{
    _cleanup_vm_file_ struct vm_file file = VM_FILE_CLOSED;
    bool exists = access(path, F_OK) == 0;
    if (exists && !vm_file_open(&file, path, err))
        return false;
    const char *target = exists ? file.path : path;
    struct buf bytes;
    buf_init(&bytes, VM_SIZE_MAX);
    mode_t mode = 0600;
    bool good = read_last_good(&bytes, &mode, target, err);
    if (good && exists)
        good = keep_replaced(&file, err) && replace(&file, target, buf_slice(&bytes), mode, err);
    else if (good)
        good = file_create(target, buf_slice(&bytes), mode, err);
    buf_done(&bytes);
    return good;
}
