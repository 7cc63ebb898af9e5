/* SPDX-License-Identifier: Apache-2.0 */

/*
 * LD_PRELOADed by vm_crash.py into hgs: kills the process at the n-th step (HGS_CRASH_AT) that
 * changes a file, as kill -9 would: before the step, or in the middle of a write.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int left = -1; /* steps until death; -1: not asked yet */

static bool is_the_step(void)
{
    if (left < 0) {
        const char *text = getenv("HGS_CRASH_AT");
        left = text != NULL ? atoi(text) : 0;
    }
    return left > 0 && --left == 0;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
}

/* Sets *(function *)real to the function that this one stands before. ISO C knows no cast from an
 * object's pointer to a function's. */
static void find_next(void *real, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(real, &found, sizeof found);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    ssize_t (*real)(int, const void *, size_t);
    find_next(&real, "write");
    if (is_the_step()) {
        (void)!real(fd, bytes, size / 2);
        die();
    }
    return real(fd, bytes, size);
}

int openat(int folder, const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if ((flags & O_CREAT) != 0 && is_the_step())
        die();
    int (*real)(int, const char *, int, ...);
    find_next(&real, "openat64");
    return real(folder, name, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
    if (is_the_step())
        die();
    int (*real)(const char *, mode_t);
    find_next(&real, "mkdir");
    return real(path, mode);
}

int fchmod(int fd, mode_t mode)
{
    if (is_the_step())
        die();
    int (*real)(int, mode_t);
    find_next(&real, "fchmod");
    return real(fd, mode);
}

int fsync(int fd)
{
    if (is_the_step())
        die();
    int (*real)(int);
    find_next(&real, "fsync");
    return real(fd);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    if (is_the_step())
        die();
    int (*real)(int, const char *, int, const char *);
    find_next(&real, "renameat");
    return real(from_folder, from, to_folder, to);
}

int unlinkat(int folder, const char *name, int flags)
{
    if (is_the_step())
        die();
    int (*real)(int, const char *, int);
    find_next(&real, "unlinkat");
    return real(folder, name, flags);
}
