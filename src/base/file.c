/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/memory.h"

#define READ_SIZE ((size_t)64 * 1024)
#define TEMPORARY_TRIES 100

void file_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
    *fd = -1;
}

static ssize_t read_some(int fd, void *to, size_t size)
{
    ssize_t got;
    do
        got = read(fd, to, size);
    while (got < 0 && errno == EINTR);
    return got;
}

/* True when nothing is left to read, which tells a full buffer from a file that is too large. */
static bool at_end(int fd, ssize_t *got)
{
    char byte;
    *got = read_some(fd, &byte, 1);
    explicit_bzero(&byte, 1);
    return *got == 0;
}

static bool read_all(struct buf *out, int fd, const char *name, struct error *err)
{
    for (;;) {
        size_t room = out->limit - out->size;
        ssize_t got;
        if (room == 0) {
            if (at_end(fd, &got))
                return true;
            if (got > 0)
                return error_set(err, &base_file_too_large, NULL, name,
                                 "is larger than the %zu bytes that it may have", out->limit);
        } else {
            if (room > READ_SIZE)
                room = READ_SIZE;
            uint8_t *to = buf_reserve(out, room);
            if (to == NULL)
                return buf_ok(out, name, err);
            got = read_some(fd, to, room);
            if (got == 0)
                return true;
        }
        if (got < 0)
            return error_set_errno(err, &base_file_unreadable, errno, name, "cannot be read");
        buf_added(out, (size_t)got);
    }
}

bool file_read_fd(struct buf *out, int fd, const char *name, struct error *err)
{
    size_t before = out->size;
    if (read_all(out, fd, name, err))
        return true;
    if (out->secret && out->data != NULL)
        explicit_bzero(out->data + before, out->size - before);
    out->size = before;
    return false;
}

static bool open_to_read(int *fd, const char *path, struct stat *status, struct error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*fd < 0)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be opened");
    if (fstat(*fd, status) != 0)
        return error_set_errno(err, &base_file_unreadable, errno, path, "cannot be examined");
    if (S_ISDIR(status->st_mode))
        return error_set(err, &base_file_unreadable, NULL, path, "is a folder, not a file");
    return true;
}

bool file_read(struct buf *out, const char *path, struct error *err)
{
    _cleanup_fd_ int fd = -1;
    struct stat status;
    return open_to_read(&fd, path, &status, err) && file_read_fd(out, fd, path, err);
}

bool file_read_private(struct buf *out, const char *path, struct error *err)
{
    _cleanup_fd_ int fd = -1;
    struct stat status;
    if (!open_to_read(&fd, path, &status, err))
        return false;
    if ((status.st_mode & 077) != 0)
        return error_set(err, &base_file_mode, NULL, path,
                         "holds a secret, but its mode is %04o: others than its owner may use it",
                         (unsigned)status.st_mode & 07777);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return error_set(err, &base_file_mode, NULL, path,
                         "holds a secret, but belongs to user %u, who is neither user %u nor root",
                         (unsigned)status.st_uid, (unsigned)geteuid());
    return file_read_fd(out, fd, path, err);
}

bool file_write_fd(int fd, struct slice bytes, const char *name, struct error *err)
{
    while (bytes.size > 0) {
        ssize_t put = write(fd, bytes.data, bytes.size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(err, &base_file_unwritable, errno, name, "cannot be written");
        bytes.data += put;
        bytes.size -= (size_t)put;
    }
    return true;
}

/* The folder of path, allocated. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return memory_copy_text(".");
    if (slash == path)
        return memory_copy_text("/");
    return memory_format("%.*s", (int)(slash - path), path);
}

/* A rename is on the disk only when the folder is. */
static bool sync_folder(const struct file_place *place, struct error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    _cleanup_free_ char *folder = folder_of(place->path);
    _cleanup_fd_ int fd =
        place->folder == AT_FDCWD ? open(folder, flags) : openat(place->folder, ".", flags);
    return (fd >= 0 && fsync(fd) == 0) ||
           error_set_errno(err, &base_file_unwritable, errno, folder, "cannot be flushed");
}

/* Whom a file shall belong to; NULL: to the caller. */
struct owner {
    uid_t user;
    gid_t group;
};

/*
 * By descriptor and before the file has its name: in somebody else's folder a name may lead
 * anywhere a moment later. Where a file system has no owners, or the caller may not give files
 * away, there is nothing to keep.
 */
static void give_owner(int fd, const struct owner *owner)
{
    struct stat status;
    if (owner == NULL || fstat(fd, &status) != 0 ||
        (status.st_uid == owner->user && status.st_gid == owner->group))
        return;
    if (fchown(fd, owner->user, owner->group) != 0)
        return;
}

static bool fill(int fd, struct slice bytes, mode_t mode, const struct owner *owner,
                 const char *path, struct error *err)
{
    if (!file_write_fd(fd, bytes, path, err))
        return false;
    give_owner(fd, owner);
    if (fchmod(fd, mode) != 0)
        return error_set_errno(err, &base_file_unwritable, errno, path, "cannot get its mode");
    if (fsync(fd) != 0)
        return error_set_errno(err, &base_file_unwritable, errno, path, "cannot be flushed");
    return true;
}

/* The new name takes over; or, when nothing may be overwritten, fails with EEXIST. Not every file
 * system knows RENAME_NOREPLACE, but those that do not know links. */
static int put_in_place(const char *temporary, const struct file_place *place, bool replace)
{
    int folder = place->folder;
    if (replace)
        return renameat(folder, temporary, folder, place->name);
    if (renameat2(folder, temporary, folder, place->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(folder, temporary, folder, place->name, 0) != 0)
        return -1;
    unlinkat(folder, temporary, 0);
    return 0;
}

static bool check_replaceable(const struct file_place *place, struct error *err)
{
    struct stat status;
    return fstatat(place->folder, place->name, &status, 0) != 0 || S_ISREG(status.st_mode) ||
           error_set(err, &base_file_unwritable, NULL, place->path,
                     "is something else than a file, and is not replaced by one");
}

/* As mkostemp, in a folder that is known by its descriptor. *name is allocated. */
static int open_temporary(char **name, const struct file_place *place)
{
    static const char kinds[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int fd = -1;
    for (int i = 0; i < TEMPORARY_TRIES && fd < 0; i++) {
        char end[7] = "";
        if (getrandom(end, sizeof end - 1, 0) != sizeof end - 1)
            return -1;
        for (size_t at = 0; at < sizeof end - 1; at++)
            end[at] = kinds[end[at] & 63];
        free(*name);
        *name = memory_format("%s.%s", place->name, end);
        fd = openat(place->folder, *name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return -1;
    }
    return fd;
}

static bool refuse_overwriting(const char *path, struct error *err)
{
    return error_set(err, &base_file_unwritable, NULL, path, "exists, and is not overwritten");
}

static bool write_file(const struct file_place *place, struct slice bytes, mode_t mode,
                       const struct owner *owner, bool replace, struct error *err)
{
    _cleanup_free_ char *temporary = NULL;
    if (replace && !check_replaceable(place, err))
        return false;
    _cleanup_fd_ int fd = open_temporary(&temporary, place);
    if (fd < 0)
        return error_set_errno(err, &base_file_unwritable, errno, place->path, "cannot be created");
    if (!fill(fd, bytes, mode, owner, place->path, err)) {
        unlinkat(place->folder, temporary, 0);
        return false;
    }
    if (put_in_place(temporary, place, replace) != 0) {
        int number = errno;
        unlinkat(place->folder, temporary, 0);
        if (number == EEXIST)
            return refuse_overwriting(place->path, err);
        return error_set_errno(err, &base_file_unwritable, number, place->path,
                               "cannot be replaced");
    }
    return sync_folder(place, err);
}

static struct file_place place_of(const char *path)
{
    return (struct file_place){AT_FDCWD, path, path};
}

bool file_check_replaceable(const char *path, struct error *err)
{
    struct file_place place = place_of(path);
    return check_replaceable(&place, err);
}

bool file_check_absent(const char *path, struct error *err)
{
    struct stat status;
    return (lstat(path, &status) != 0 && errno == ENOENT) || refuse_overwriting(path, err);
}

bool file_replace(const char *path, struct slice bytes, mode_t mode, struct error *err)
{
    struct file_place place = place_of(path);
    return write_file(&place, bytes, mode, NULL, true, err);
}

bool file_replace_at(const struct file_place *place, struct slice bytes, mode_t mode, uid_t user,
                     gid_t group, struct error *err)
{
    struct owner owner = {user, group};
    return write_file(place, bytes, mode, &owner, true, err);
}

bool file_create(const char *path, struct slice bytes, mode_t mode, struct error *err)
{
    struct file_place place = place_of(path);
    return write_file(&place, bytes, mode, NULL, false, err);
}

bool file_create_at(const struct file_place *place, struct slice bytes, mode_t mode,
                    struct error *err)
{
    return write_file(place, bytes, mode, NULL, false, err);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool make_one(const char *path, mode_t mode, struct error *err)
{
    if (mkdir(path, mode) == 0) {
        /* The caller's mode counts, not the umask of whoever called the program. */
        if (chmod(path, mode) == 0)
            return true;
        return error_set_errno(err, &base_folder, errno, path, "cannot get its mode");
    }
    int number = errno;
    if (is_folder(path))
        return true;
    return error_set_errno(err, &base_folder, number, path, "cannot be made");
}

bool file_make_folder(const char *path, mode_t mode, struct error *err)
{
    if (is_folder(path))
        return true;
    _cleanup_free_ char *partial = memory_copy_text(path);
    for (char *slash = strchr(partial + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_one(partial, mode, err))
            return false;
        *slash = '/';
    }
    return make_one(path, mode, err);
}
