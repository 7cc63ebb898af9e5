/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/errors.h"
#include "base/file.h"
#include "base/memory.h"

#define DIGITS 20

char *audit_folder_name(char name[AUDIT_NAME_SIZE], uint64_t first)
{
    snprintf(name, AUDIT_NAME_SIZE, "audit-%020llu.log", (unsigned long long)first);
    return name;
}

/* Whether name is one that audit_folder_name makes; 0 when not. */
static uint64_t first_of_name(const char *name)
{
    char again[AUDIT_NAME_SIZE];
    if (strncmp(name, "audit-", 6) != 0 || strlen(name) != AUDIT_NAME_SIZE - 1)
        return 0;
    uint64_t first = strtoull(name + 6, NULL, 10);
    return strcmp(audit_folder_name(again, first), name) == 0 ? first : 0;
}

static int compare_sequences(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static bool read_names(struct audit_folder *folder, DIR *entries, struct error *err)
{
    size_t capacity = 0;
    folder->rotated_count = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(entries);
        if (entry == NULL)
            return errno == 0 ||
                   error_set_errno(err, &audit_unreadable, errno, folder->path, "cannot be listed");
        uint64_t first = first_of_name(entry->d_name);
        if (first == 0)
            continue;
        if (folder->rotated_count == capacity) {
            capacity = capacity == 0 ? 16 : 2 * capacity;
            folder->rotated = memory_resize(folder->rotated, capacity, sizeof *folder->rotated);
        }
        folder->rotated[folder->rotated_count++] = first;
    }
}

bool audit_folder_scan(struct audit_folder *folder, struct error *err)
{
    free(folder->rotated);
    folder->rotated = NULL;
    folder->rotated_count = 0;
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        int number = errno;
        file_close(&fd);
        return error_set_errno(err, &audit_unreadable, number, folder->path, "cannot be listed");
    }
    bool done = read_names(folder, entries, err);
    closedir(entries);
    if (done && folder->rotated_count > 1)
        qsort(folder->rotated, folder->rotated_count, sizeof *folder->rotated, compare_sequences);
    return done;
}

/* audit.log was opened before the names were read: if it was rotated between the two, it is among
 * them too, and stays there. */
static void drop_rotated_current(struct audit_folder *folder)
{
    struct stat current, other;
    if (folder->current < 0 || fstat(folder->current, &current) != 0)
        return;
    for (size_t i = folder->rotated_count; i > 0; i--) {
        char name[AUDIT_NAME_SIZE];
        if (fstatat(folder->fd, audit_folder_name(name, folder->rotated[i - 1]), &other, 0) == 0 &&
            other.st_ino == current.st_ino && other.st_dev == current.st_dev) {
            file_close(&folder->current);
            return;
        }
    }
}

bool audit_folder_open(struct audit_folder *out, const char *path, struct error *err)
{
    struct audit_folder folder = {.path = path, .current = -1};
    folder.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.fd < 0)
        return error_set_errno(err, &audit_unreadable, errno, path, "cannot be opened");
    folder.current = openat(folder.fd, AUDIT_CURRENT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool opened = folder.current >= 0 || errno == ENOENT ||
                  error_set_errno(err, &audit_unreadable, errno, path, "its %s cannot be opened",
                                  AUDIT_CURRENT);
    if (!opened || !audit_folder_scan(&folder, err)) {
        audit_folder_done(&folder);
        return false;
    }
    drop_rotated_current(&folder);
    *out = folder;
    return true;
}

void audit_folder_done(struct audit_folder *folder)
{
    if (folder == NULL)
        return;
    file_close(&folder->fd);
    file_close(&folder->current);
    free(folder->rotated);
    folder->rotated = NULL;
}

size_t audit_folder_count(const struct audit_folder *folder)
{
    return folder->rotated_count + (folder->current >= 0);
}

bool audit_folder_open_file(int *fd, char name[AUDIT_NAME_SIZE], const struct audit_folder *folder,
                            size_t number, struct error *err)
{
    bool current = number >= folder->rotated_count;
    if (current)
        snprintf(name, AUDIT_NAME_SIZE, "%s", AUDIT_CURRENT);
    else
        audit_folder_name(name, folder->rotated[number]);
    *fd = current ? fcntl(folder->current, F_DUPFD_CLOEXEC, 0)
                  : openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *fd >= 0 || errno == ENOENT ||
           error_set_errno(err, &audit_unreadable, errno, name, "cannot be opened");
}
