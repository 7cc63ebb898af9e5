/* SPDX-License-Identifier: Apache-2.0 */
#include "process/parent.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* "PID (NAME) STATE PPID …"; the name may be anything, so its end is the last bracket. */
pid_t process_parent(pid_t pid)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

bool process_is_called(pid_t pid, const char *name)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
    return size > 0 && text[size - 1] == '\n' && strlen(name) == (size_t)size - 1 &&
           memcmp(text, name, (size_t)size - 1) == 0;
}
