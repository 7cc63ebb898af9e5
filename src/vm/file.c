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
#define LAST_GOOD ".last-good"
#define REPLACED ".replaced" /* where a restore keeps what it replaced */

char *vm_file_last_good(const char *path)
{
    return memory_format("%s" LAST_GOOD, path);
}

void vm_file_close(struct vm_file *file)
{
    free(file->path);
    buf_done(&file->bytes);
    file_close(&file->fd);
    file_close(&file->folder);
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

/* The lock counts only if the name is still that of what was locked: whoever held it before may
 * have put a new file in its place. */
static bool is_current(const struct vm_file *file, int fd, struct stat *status)
{
    struct stat named;
    return fstat(fd, status) == 0 &&
           fstatat(file->folder, file->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           status->st_dev == named.st_dev && status->st_ino == named.st_ino;
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

/* Takes path, allocated, and opens its folder. */
static bool open_folder(struct vm_file *file, char *path, struct error *err)
{
    file->path = path;
    char *slash = strrchr(path, '/');
    file->name = slash != NULL ? slash + 1 : path;
    _cleanup_free_ char *folder =
        slash == NULL ? memory_copy_text(".")
                      : memory_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
    file->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return file->folder >= 0 || error_set_errno(err, &base_file_unreadable, errno, path,
                                                "is in a folder that cannot be opened");
}

static bool open_locked(struct vm_file *file, struct stat *status, struct error *err)
{
    const char *path = file->path;
    for (;;) {
        _cleanup_fd_ int fd = openat(file->folder, file->name,
                                     O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
        if (fd < 0)
            return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be opened");
        if (!wait_for_lock(fd, path, err))
            return false;
        if (!is_current(file, fd, status))
            continue;
        if (!S_ISREG(status->st_mode))
            return error_set(err, &base_file_unreadable, NULL, path, "is not a regular file");
        file->fd = take_fd(&fd);
        return true;
    }
}

bool vm_file_open(struct vm_file *out, const char *path, struct error *err)
{
    _cleanup_vm_file_ struct vm_file file = VM_FILE_CLOSED;
    struct stat status;
    char *real = realpath(path, NULL);
    if (real == NULL)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be found");
    buf_init(&file.bytes, VM_SIZE_MAX);
    if (!open_folder(&file, real, err) || !open_locked(&file, &status, err) ||
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

/* The file itself, or one beside it. */
struct beside {
    char *name, *path;
};

static struct beside beside(const struct vm_file *file, const char *end)
{
    return (struct beside){memory_format("%s%s", file->name, end),
                           memory_format("%s%s", file->path, end)};
}

static void beside_done(struct beside *it)
{
    free(it->name);
    free(it->path);
}
#define _cleanup_beside_ __attribute__((cleanup(beside_done)))

/* Root unlocks files of others: they stay theirs. */
static bool replace(const struct vm_file *file, const char *end, struct slice bytes, mode_t mode,
                    struct error *err)
{
    _cleanup_beside_ struct beside it = beside(file, end);
    struct file_place place = {file->folder, it.name, it.path};
    return file_replace_at(&place, bytes, mode, file->owner, file->group, err);
}

static bool forget(const struct vm_file *file, const char *end, struct error *err)
{
    _cleanup_beside_ struct beside it = beside(file, end);
    return unlinkat(file->folder, it.name, 0) == 0 || errno == ENOENT ||
           error_set_errno(err, &base_file_unwritable, errno, it.path, "cannot be removed");
}

bool vm_file_save(struct vm_file *file, const struct vm *vm, enum vm_file_former former,
                  struct error *err)
{
    struct buf bytes;
    bool good = format(&bytes, vm, file->path, err);
    if (good && former == VM_FILE_KEEP_FORMER)
        good = replace(file, LAST_GOOD, buf_slice(&file->bytes), file->mode, err);
    /* Before the file itself: what a crash leaves half done must be done by doing it again. */
    if (good && former == VM_FILE_FORGET_FORMER)
        good = forget(file, LAST_GOOD, err) && forget(file, REPLACED, err);
    good = good && replace(file, "", buf_slice(&bytes), file->mode, err);
    buf_done(&bytes);
    return good;
}

static bool read_last_good(struct buf *bytes, mode_t *mode, const struct vm_file *file,
                           struct error *err)
{
    _cleanup_beside_ struct beside it = beside(file, LAST_GOOD);
    struct stat status;
    _cleanup_fd_ int fd =
        openat(file->folder, it.name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(err, &vm_no_last_good, errno, it.path, "cannot be opened");
    if (!S_ISREG(status.st_mode))
        return error_set(err, &vm_no_last_good, NULL, it.path, "is not a regular file");
    *mode = status.st_mode & 0777;
    _cleanup_vm_ struct vm vm = {0};
    return file_read_fd(bytes, fd, it.path, err) && vm_parse(&vm, buf_slice(bytes), err);
}

static bool restore(const struct vm_file *file, bool exists, struct error *err)
{
    struct buf bytes;
    buf_init(&bytes, VM_SIZE_MAX);
    mode_t mode = 0600;
    struct file_place place = {file->folder, file->name, file->path};
    bool good = read_last_good(&bytes, &mode, file, err);
    if (good && exists)
        good = replace(file, REPLACED, buf_slice(&file->bytes), file->mode, err) &&
               replace(file, "", buf_slice(&bytes), mode, err);
    else if (good)
        good = file_create_at(&place, buf_slice(&bytes), mode, err);
    buf_done(&bytes);
    return good;
}

static bool open_for_restore(struct vm_file *file, bool exists, const char *path, struct error *err)
{
    return exists ? vm_file_open(file, path, err) : open_folder(file, memory_copy_text(path), err);
}

bool vm_file_restore(const char *path, struct error *err)
{
    _cleanup_vm_file_ struct vm_file file = VM_FILE_CLOSED;
    bool exists = access(path, F_OK) == 0;
    return open_for_restore(&file, exists, path, err) && restore(&file, exists, err);
}

bool vm_file_check_restore(const char *path, struct error *err)
{
    _cleanup_vm_file_ struct vm_file file = VM_FILE_CLOSED;
    _cleanup_buf_ struct buf bytes;
    mode_t mode;
    buf_init(&bytes, VM_SIZE_MAX);
    return open_for_restore(&file, access(path, F_OK) == 0, path, err) &&
           read_last_good(&bytes, &mode, &file, err);
}
