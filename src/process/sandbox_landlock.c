/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "process/errors.h"

/* Debian 12's headers know ABI 2 of Linux 5.19; these are of later ones. */
#define ACCESS_FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define ACCESS_NET_BIND_TCP (1ULL << 0)  /* ABI 4 */
#define ACCESS_NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)

/* struct landlock_ruleset_attr of ABI 6; older kernels take its beginning. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                              \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                              \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)
/* What a rule about a file, and not a folder, may name. */
#define ACCESS_OF_FILE                                                                   \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE | \
     ACCESS_FS_IOCTL_DEV)

int sandbox_landlock_version(void)
{
    static atomic_int known = -1; /* in the sandbox the kernel cannot be asked any more */
    if (known < 0) {
        long version =
            syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        known = version > 0 ? (int)version : 0;
    }
    return known;
}

/* All that this kernel can take away from the file system. */
static uint64_t known_file_access(int version)
{
    uint64_t access = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (version >= 2)
        access |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        access |= ACCESS_FS_TRUNCATE;
    if (version >= 5)
        access |= ACCESS_FS_IOCTL_DEV;
    return access;
}

static int create(int version, const struct sandbox_landlock *landlock)
{
    struct ruleset ruleset = {.handled_access_fs = known_file_access(version)};
    size_t size = sizeof ruleset.handled_access_fs;
    if (version >= 4) {
        size += sizeof ruleset.handled_access_net;
        ruleset.handled_access_net = (landlock->connect ? 0 : ACCESS_NET_CONNECT_TCP) |
                                     (landlock->listen ? 0 : ACCESS_NET_BIND_TCP);
    }
    if (version >= 6) {
        size += sizeof ruleset.scoped;
        ruleset.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    }
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

/* True also when the path does not exist and need not. */
static bool allow(int ruleset, const char *path, uint64_t access, bool needed, struct error *err)
{
    _cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 && !needed && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return true;
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(err, &process_sandbox, errno, path,
                               "cannot be opened, so that it would stay reachable");
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    if (!S_ISDIR(status.st_mode))
        rule.allowed_access &= ACCESS_OF_FILE;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return error_set_errno(err, &process_sandbox, errno, path, "cannot be kept reachable");
    return true;
}

static bool allow_all(int ruleset, const char *const *const lists[SANDBOX_LANDLOCK_LISTS],
                      uint64_t access, bool needed, struct error *err)
{
    for (size_t i = 0; i < SANDBOX_LANDLOCK_LISTS; i++) {
        for (const char *const *path = lists[i]; path != NULL && *path != NULL; path++) {
            if (!allow(ruleset, *path, access, needed, err))
                return false;
        }
    }
    return true;
}

bool sandbox_landlock(const struct sandbox_landlock *landlock, struct error *err)
{
    int version = sandbox_landlock_version();
    if (version == 0)
        return error_set_errno(err, &process_sandbox, errno, NULL, "the kernel offers no Landlock");
    _cleanup_fd_ int ruleset = create(version, landlock);
    if (ruleset < 0)
        return error_set_errno(err, &process_sandbox, errno, NULL,
                               "the kernel refuses a Landlock rule set");
    uint64_t known = known_file_access(version);
    uint64_t write = ACCESS_READ | ACCESS_WRITE | (landlock->devices ? ACCESS_FS_IOCTL_DEV : 0);
    if (!allow_all(ruleset, landlock->writable, write & known, true, err) ||
        !allow_all(ruleset, landlock->readable, ACCESS_READ, false, err))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return error_set_errno(err, &process_sandbox, errno, NULL,
                               "the kernel refuses to enforce Landlock");
    return true;
}
