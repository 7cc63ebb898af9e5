/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "process/sandbox.h"
#include "process/sandbox_landlock.h"
#include "process/sandbox_sanitizer.h"
#include "process/sandbox_seccomp.h"
#include "process/sandbox_threads.h"

/*
 * Beyond what every profile has, a keyholder may do nothing: a call without a rule is an attack or
 * a bug, and kills. The exceptions answer with an error, because a library tries them and can do
 * without: looking for files (a time zone, a configuration, a character set), asking what a
 * descriptor is.
 */
#define NO_FILES SCMP_ACT_ERRNO(EACCES)

static const struct sandbox_rule rules[] = {
    SANDBOX_DO(NO_FILES, access),
    SANDBOX_DO(NO_FILES, faccessat),
    SANDBOX_DO(NO_FILES, faccessat2),
    SANDBOX_DO(NO_FILES, lstat),
    SANDBOX_DO(NO_FILES, open),
    SANDBOX_DO(NO_FILES, openat2),
    SANDBOX_DO(NO_FILES, readlink),
    SANDBOX_DO(NO_FILES, readlinkat),
    SANDBOX_DO(NO_FILES, stat),
    SANDBOX_DO(SCMP_ACT_ERRNO(ENOSYS), statx),
    /* libc's fstat. A path beside the flag would tell metadata of a file, no more. */
    SANDBOX_IF_BITS(SCMP_ACT_ALLOW, newfstatat, 3, AT_EMPTY_PATH),
    SANDBOX_IF_NO_BITS(NO_FILES, newfstatat, 3, AT_EMPTY_PATH),

    /* A line to whoever is given its other end; it leads nowhere by itself. */
    SANDBOX_IF(SCMP_ACT_ALLOW, socketpair, 0, AF_UNIX),

    SANDBOX_DO(SCMP_ACT_ERRNO(ENOTTY), ioctl),
    SANDBOX_IF(SCMP_ACT_ALLOW, fcntl, 1, F_GETFD),
    SANDBOX_IF(SCMP_ACT_ALLOW, fcntl, 1, F_GETFL),
    SANDBOX_IF(SCMP_ACT_ALLOW, fcntl, 1, F_SETFD),
    SANDBOX_IF(SCMP_ACT_ALLOW, fcntl, 1, F_SETFL),
};
static const struct sandbox_table table = {rules, sizeof rules / sizeof rules[0]};

static const struct sandbox_rule no_file_rules[] = {SANDBOX_DO(NO_FILES, openat)};
static const struct sandbox_table no_files = {no_file_rules, 1};

/* To read, and nothing else; Landlock says where. O_PATH is no reading, and Landlock is not asked.
 */
static const struct sandbox_rule reading_rules[] = {
    SANDBOX_IF_NO_BITS(SCMP_ACT_ALLOW, openat, 2, O_ACCMODE | O_CREAT | O_TRUNC | O_PATH),
    SANDBOX_IF_BITS(NO_FILES, openat, 2, O_WRONLY),
    SANDBOX_IF_BITS(NO_FILES, openat, 2, O_RDWR),
    SANDBOX_IF_BITS(NO_FILES, openat, 2, O_CREAT),
    SANDBOX_IF_BITS(NO_FILES, openat, 2, O_TRUNC),
    SANDBOX_IF_BITS(NO_FILES, openat, 2, O_PATH),
    SANDBOX_ALLOW(getdents64),
};
static const struct sandbox_table reading = {reading_rules,
                                             sizeof reading_rules / sizeof reading_rules[0]};

static bool enter(const char *const *readable, const struct sandbox_table *files, struct error *err)
{
    const struct sandbox_landlock landlock = {.readable = {readable}};
    const struct sandbox_table tables[] = {sandbox_basic_calls, table, *files,
                                           sandbox_sanitizer_calls};
    sandbox_sanitizer_quiet();
    return sandbox_threads_none(err) && sandbox_undumpable(err) &&
           sandbox_landlock(&landlock, err) &&
           sandbox_seccomp(SCMP_ACT_KILL_PROCESS, tables, 4, err);
}

bool sandbox_keyholder(struct error *err)
{
    return enter(NULL, &no_files, err);
}

bool sandbox_keyholder_reading(const char *folder, struct error *err)
{
    const char *const readable[] = {folder, NULL};
    return enter(readable, &reading, err);
}
