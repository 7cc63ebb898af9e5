/* SPDX-License-Identifier: Apache-2.0 */
#include "process/parent.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* The beginning of a file of pid's in /proc, as text; false when there is none. */
static bool read_file(char *text, size_t size, pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* "PID (NAME) STATE PPID …"; the name may be anything, so its end is the last bracket. */
pid_t process_parent(pid_t pid)
{
    char text[512];
    int parent = 0;
    if (!read_file(text, sizeof text, pid, "stat"))
        return 0;
    const char *end = strrchr(text, ')');
    return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* "Uid: REAL EFFECTIVE …"; a newline in its name is escaped there. */
static bool works_as(pid_t pid, uid_t user)
{
    char text[4096];
    unsigned effective;
    if (!read_file(text, sizeof text, pid, "status"))
        return false;
    const char *line = strstr(text, "\nUid:");
    return line != NULL && sscanf(line, "\nUid: %*u %u", &effective) == 1 && effective == user;
}

bool process_sibling_is(pid_t pid, uid_t user)
{
    pid_t parent = process_parent(pid);
    DIR *processes = parent > 0 ? opendir("/proc") : NULL;
    bool found = false;
    if (processes == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(processes)) != NULL;) {
        pid_t other = (pid_t)atoi(entry->d_name); /* 0: no process */
        found =
            other > 0 && other != pid && process_parent(other) == parent && works_as(other, user);
    }
    closedir(processes);
    return found;
}

bool process_is_called(pid_t pid, const char *name)
{
    char text[64];
    if (!read_file(text, sizeof text, pid, "comm"))
        return false;
    size_t size = strlen(text);
    return text[size - 1] == '\n' && strlen(name) == size - 1 && memcmp(text, name, size - 1) == 0;
}
