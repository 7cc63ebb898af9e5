/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/errors.h"
#include "audit/lines.h"
#include "audit/walk.h"
#include "base/file.h"
#include "base/memory.h"

static bool fail(const struct audit_file *file, int number, const char *what, struct error *err)
{
    return error_set_errno(err, &audit_unwritable, number, file->path, "%s", what);
}

static bool sync_folder(const struct audit_file *file, struct error *err)
{
    return fsync(file->folder.fd) == 0 || fail(file, errno, "the folder cannot be synced", err);
}

/* audit.log, made when there is none. */
static bool open_current(struct audit_file *file, struct error *err)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file->fd = openat(file->folder.fd, AUDIT_CURRENT, flags | O_CREAT, 0600);
    if (file->fd < 0)
        return fail(file, errno, AUDIT_CURRENT " cannot be opened for writing", err);
    struct stat status;
    if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        file_close(&file->fd);
        return error_set(err, &audit_unwritable, NULL, file->path,
                         AUDIT_CURRENT " is not a regular file");
    }
    return sync_folder(file, err);
}

/* Renames audit.log to the rotated file of that first record; never over another file. */
static bool rename_current(struct audit_file *file, uint64_t first, struct error *err)
{
    char name[AUDIT_NAME_SIZE];
    audit_folder_name(name, first);
    if (renameat2(file->folder.fd, AUDIT_CURRENT, file->folder.fd, name, RENAME_NOREPLACE) != 0)
        return error_set_errno(err, &audit_unwritable, errno, file->path,
                               AUDIT_CURRENT " cannot be renamed to %s", name);
    file_close(&file->fd);
    file->size = 0;
    file->first = 0;
    return sync_folder(file, err);
}

/* The last record of the newest rotated file, for an audit.log that is still empty. */
static bool walk_rotated(struct audit_file *file, const struct audit_place *head,
                         struct audit_walk *walk, struct error *err)
{
    char name[AUDIT_NAME_SIZE];
    _cleanup_fd_ int fd = -1;
    *walk = (struct audit_walk){0};
    if (!audit_folder_scan(&file->folder, err))
        return false;
    if (file->folder.rotated_count == 0)
        return true;
    return audit_folder_open_file(&fd, name, &file->folder, file->folder.rotated_count - 1, err) &&
           (fd < 0 || audit_walk(walk, fd, name, head, err));
}

/*
 * What is behind the good lines of audit.log goes when it was never told to be on disk: the
 * beginning of one line, or anything behind the head. Otherwise somebody changed what was written,
 * and the file is put aside as it is.
 */
static bool settle_tail(struct audit_file *file, const struct audit_walk *walk,
                        const struct audit_place *head, struct audit_found *found,
                        struct error *err)
{
    if (walk->good == walk->size)
        return true;
    bool unfinished =
        walk->cut_line || (head->sequence > 0 && file->last.sequence >= head->sequence);
    if (!unfinished) {
        found->damaged = true;
        uint64_t first = walk->first > 0 ? walk->first : file->last.sequence + 1;
        return rename_current(file, first, err) && open_current(file, err);
    }
    if (ftruncate(file->fd, walk->good) != 0 || fdatasync(file->fd) != 0)
        return fail(file, errno, "the beginning of a line cannot be cut off", err);
    found->cut = walk->size - walk->good;
    return true;
}

/* Goes on behind the head when the files do not reach it, or disagree with it. */
static void settle_head(struct audit_file *file, bool head_wrong, const struct audit_place *head,
                        struct audit_found *found)
{
    found->last = file->last.sequence;
    found->known = head->sequence > 0 ? *head : file->last;
    if (head->sequence > file->last.sequence || head_wrong) {
        found->damaged = true;
        file->last.sequence =
            head->sequence > file->last.sequence ? head->sequence : file->last.sequence;
        memcpy(file->last.hash, head->hash, AUDIT_HASH_SIZE);
    }
}

static bool open_trail(struct audit_file *file, const struct audit_place *head,
                       struct audit_found *found, struct error *err)
{
    struct audit_walk walk, before;
    if (!open_current(file, err) || !audit_walk(&walk, file->fd, AUDIT_CURRENT, head, err))
        return false;
    before = walk;
    if (walk.first == 0 && !walk_rotated(file, head, &before, err))
        return false;
    file->last = before.last;
    file->unsigned_records = before.unsigned_records;
    file->first = walk.first;
    file->size = walk.good;
    *found = (struct audit_found){0};
    if (!settle_tail(file, &walk, head, found, err))
        return false;
    settle_head(file, before.head_wrong, head, found);
    return true;
}

static bool lock_folder(struct audit_file *file, struct error *err)
{
    file->folder.path = file->path;
    file->folder.fd = open(file->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->folder.fd < 0)
        return fail(file, errno, "the folder cannot be opened", err);
    if (flock(file->folder.fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    return errno == EWOULDBLOCK ? error_set(err, &audit_unwritable, NULL, file->path,
                                            "another process writes this trail")
                                : fail(file, errno, "the folder cannot be locked", err);
}

bool audit_file_open(struct audit_file *out, const char *folder, const struct audit_place *head,
                     struct audit_found *found, struct error *err)
{
    struct audit_file file = AUDIT_FILE_NONE;
    file.path = memory_copy_text(folder);
    if (!lock_folder(&file, err) || !open_trail(&file, head, found, err)) {
        audit_file_close(&file);
        return false;
    }
    *out = file;
    return true;
}

void audit_file_close(struct audit_file *file)
{
    file_close(&file->fd);
    audit_folder_done(&file->folder);
    free(file->path);
    file->path = NULL;
}

/* Whether audit.log is still the file that we write, and as long as we left it: a rotation by
 * others, or an editor, would make us write into the void. */
static bool check_intact(const struct audit_file *file, struct error *err)
{
    struct stat named, ours;
    if (fstat(file->fd, &ours) != 0)
        return fail(file, errno, AUDIT_CURRENT " cannot be looked at", err);
    if (fstatat(file->folder.fd, AUDIT_CURRENT, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return fail(file, errno, AUDIT_CURRENT " was taken away from under the service", err);
    if (named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
        return error_set(err, &audit_unwritable, NULL, file->path,
                         AUDIT_CURRENT " was replaced by another file");
    if (ours.st_size != file->size)
        return error_set(err, &audit_unwritable, NULL, file->path,
                         AUDIT_CURRENT " has %lld bytes; %lld were written",
                         (long long)ours.st_size, (long long)file->size);
    return true;
}

static bool write_all(struct audit_file *file, struct slice lines)
{
    size_t written = 0;
    while (written < lines.size) {
        ssize_t sent = pwrite(file->fd, lines.data + written, lines.size - written,
                              file->size + (off_t)written);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            errno = sent == 0 ? ENOSPC : errno;
            return false;
        }
        written += (size_t)sent;
    }
    return fdatasync(file->fd) == 0;
}

/* Also flushed: lines whose waiters were told that they failed should not come back. */
static bool take_back(struct audit_file *file)
{
    file->tail_left = ftruncate(file->fd, file->size) != 0 || fdatasync(file->fd) != 0;
    return !file->tail_left;
}

bool audit_file_write(struct audit_file *file, struct slice lines, const struct audit_place *last,
                      struct error *err)
{
    if ((file->fd < 0 && !open_current(file, err)) || !check_intact(file, err))
        return false;
    if (!write_all(file, lines)) {
        int number = errno;
        take_back(file);
        return fail(file, number, AUDIT_CURRENT " cannot be written", err);
    }
    if (file->first == 0)
        file->first = file->last.sequence + 1;
    file->size += (off_t)lines.size;
    file->last = *last;
    return true;
}

bool audit_file_recover(struct audit_file *file, struct audit_found *found, struct error *err)
{
    *found = (struct audit_found){0};
    if (file->fd < 0)
        return open_current(file, err);
    if (file->tail_left && !take_back(file))
        return fail(file, errno, "an unfinished line cannot be taken back", err);
    if (check_intact(file, NULL))
        return true;
    struct audit_place known = file->last;
    file_close(&file->fd);
    return open_trail(file, &known, found, err);
}

bool audit_file_rotate(struct audit_file *file, struct error *err)
{
    if (file->fd < 0)
        return open_current(file, err);
    if (file->first == 0)
        return true;
    return check_intact(file, err) && rename_current(file, file->first, err) &&
           open_current(file, err);
}

/* The last record of a file, without reading all of it. */
static bool read_last(struct audit_place *out, int fd, const char *name, struct error *err)
{
    off_t size = 0;
    if (!audit_lines_size(&size, fd, name, err))
        return false;
    struct audit_lines lines;
    audit_lines_init(&lines, fd, name, size, size);
    bool found = true, done = true;
    while (found) {
        struct slice line;
        struct audit_record record;
        done = audit_lines_previous(&lines, &line, &found, err);
        if (!done || !found)
            break;
        if (!audit_record_parse(&record, line))
            continue;
        out->sequence = record.sequence;
        digest_sha256(out->hash, line);
        break;
    }
    audit_lines_done(&lines);
    return done;
}

bool audit_file_oldest(struct audit_file *file, size_t keep, struct audit_oldest *out, bool *any,
                       struct error *err)
{
    _cleanup_fd_ int fd = -1;
    *any = false;
    *out = (struct audit_oldest){0};
    if (!audit_folder_scan(&file->folder, err))
        return false;
    if (file->folder.rotated_count <= keep)
        return true;
    if (!audit_folder_open_file(&fd, out->name, &file->folder, 0, err) ||
        (fd >= 0 && !read_last(&out->last, fd, out->name, err)))
        return false;
    *any = fd >= 0;
    out->first = file->folder.rotated[0];
    return true;
}

bool audit_file_remove(struct audit_file *file, const struct audit_oldest *oldest,
                       struct error *err)
{
    if (unlinkat(file->folder.fd, oldest->name, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, &audit_unwritable, errno, file->path, "%s cannot be removed",
                               oldest->name);
    return sync_folder(file, err);
}
