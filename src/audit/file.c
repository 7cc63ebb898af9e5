/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* Never over another file. */
static bool rename_current(struct audit_file *file, const char *name, struct error *err)
{
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
    if (file->folder.rotated_count == 0)
        return true;
    return audit_folder_open_file(&fd, name, &file->folder, file->folder.rotated_count - 1, err) &&
           (fd < 0 || audit_walk(walk, fd, name, head, err));
}

/* audit.log is not written to, and not changed either. */
static void displace(struct audit_file *file, const struct audit_walk *walk)
{
    file->displaced = true;
    file->displaced_first = walk->first > 0 ? walk->first : file->last.sequence + 1;
    file->size = walk->size;
    file->first = 0;
}

/*
 * What is behind the good lines of audit.log goes when it was never told to be on disk: the
 * beginning of one line, or anything behind the head. Otherwise somebody changed what was written.
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
        found->damage = AUDIT_DAMAGE_CHANGED;
        displace(file, walk);
        return true;
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
    bool cut = head->sequence > file->last.sequence;
    found->last = file->last.sequence;
    found->known = head->sequence > 0 ? *head : file->last;
    if (found->damage == AUDIT_DAMAGE_NONE && (cut || head_wrong))
        found->damage = cut ? AUDIT_DAMAGE_CUT : AUDIT_DAMAGE_OTHER;
    if (cut)
        file->last.sequence = head->sequence;
    if (cut || head_wrong)
        memcpy(file->last.hash, head->hash, AUDIT_HASH_SIZE);
}

/*
 * Whether audit.log is none that this trail could have: it begins before the newest rotated file
 * does, or behind the head without a rotated file that leads up to it. before: the newest rotated
 * file.
 */
static bool is_alien(const struct audit_file *file, const struct audit_walk *walk,
                     const struct audit_walk *before, const struct audit_place *head)
{
    size_t count = file->folder.rotated_count;
    if (walk->first == 0)
        return false;
    if (count > 0 && file->folder.rotated[count - 1] >= walk->first)
        return true;
    return head->sequence > 0 && walk->first > head->sequence &&
           (before->last.sequence + 1 != walk->first ||
            memcmp(before->last.hash, walk->previous, AUDIT_HASH_SIZE) != 0);
}

/* What audit.log (walk) goes on from: the newest rotated file, when it is needed to tell. */
static bool walk_before(struct audit_file *file, const struct audit_walk *walk,
                        const struct audit_place *head, struct audit_walk *before,
                        struct error *err)
{
    *before = (struct audit_walk){0};
    if (!audit_folder_scan(&file->folder, err))
        return false;
    size_t count = file->folder.rotated_count;
    bool needed = walk->first == 0 || walk->first > head->sequence ||
                  (count > 0 && file->folder.rotated[count - 1] >= walk->first);
    return !needed || walk_rotated(file, head, before, err);
}

static bool open_trail(struct audit_file *file, const struct audit_place *head,
                       struct audit_found *found, struct error *err)
{
    struct audit_walk walk, before;
    if (!open_current(file, err) || !audit_walk(&walk, file->fd, AUDIT_CURRENT, head, err) ||
        !walk_before(file, &walk, head, &before, err))
        return false;
    bool alien = is_alien(file, &walk, &before, head);
    const struct audit_walk *newest = walk.first == 0 || alien ? &before : &walk;
    file->last = newest->last;
    file->unsigned_records = newest->unsigned_records;
    memcpy(file->last_time, newest->time, sizeof file->last_time);
    file->first = walk.first;
    file->size = walk.good;
    file->displaced = false;
    *found = (struct audit_found){.first = walk.first};
    if (alien) {
        found->damage = AUDIT_DAMAGE_ALIEN;
        displace(file, &walk);
    } else if (!settle_tail(file, &walk, head, found, err))
        return false;
    settle_head(file, newest->head_wrong, head, found);
    return true;
}

void audit_file_describe(const struct audit_found *found, struct error *err)
{
    uint64_t known = found->known.sequence;
    switch (found->damage) {
    case AUDIT_DAMAGE_ALIEN:
        error_set(err, &audit_damaged, NULL, AUDIT_CURRENT,
                  "begins with record %" PRIu64 " and does not follow the files before it, which "
                  "end with record %" PRIu64 "; %" PRIu64 " were written",
                  found->first, found->last, known);
        return;
    case AUDIT_DAMAGE_CHANGED:
        error_set(err, &audit_damaged, NULL, AUDIT_CURRENT,
                  "its chain breaks behind record %" PRIu64 " of %" PRIu64
                  ": something there was changed",
                  found->last, known);
        return;
    case AUDIT_DAMAGE_OTHER:
        error_set(err, &audit_damaged, NULL, AUDIT_CURRENT,
                  "its record %" PRIu64 " is not the one that was written", known);
        return;
    case AUDIT_DAMAGE_CUT:
    case AUDIT_DAMAGE_NONE:
        error_set(err, &audit_damaged, NULL, AUDIT_CURRENT,
                  "ends with record %" PRIu64 "; %" PRIu64 " were written", found->last, known);
        return;
    }
}

bool audit_file_accept(struct audit_file *file, char kept[AUDIT_KEPT_SIZE], struct error *err)
{
    *kept = '\0';
    if (file->displaced) {
        audit_folder_name(kept, file->displaced_first);
        for (int i = 1; i < 100 && faccessat(file->folder.fd, kept, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
             i++)
            snprintf(kept, AUDIT_KEPT_SIZE, "audit-%020" PRIu64 ".kept-%d.log",
                     file->displaced_first, i);
        if (!rename_current(file, kept, err))
            return false;
        file->displaced = false;
    }
    return file->fd >= 0 || open_current(file, err);
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
    assert(!file->displaced);
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

bool audit_file_recover(struct audit_file *file, bool *reopened, struct audit_found *found,
                        struct error *err)
{
    *found = (struct audit_found){0};
    *reopened = false;
    if (file->fd < 0)
        return open_current(file, err);
    if (file->tail_left && !take_back(file))
        return fail(file, errno, "an unfinished line cannot be taken back", err);
    if (check_intact(file, NULL))
        return true;
    struct audit_place known = file->last;
    file_close(&file->fd);
    *reopened = true;
    return open_trail(file, &known, found, err);
}

bool audit_file_rotate(struct audit_file *file, struct error *err)
{
    if (file->fd < 0)
        return open_current(file, err);
    if (file->first == 0)
        return true;
    char name[AUDIT_NAME_SIZE];
    return check_intact(file, err) &&
           rename_current(file, audit_folder_name(name, file->first), err) &&
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
