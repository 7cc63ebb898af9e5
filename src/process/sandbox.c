/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "process/capability.h"
#include "process/errors.h"
#include "process/sandbox_landlock.h"
#include "process/sandbox_seccomp.h"

#define PASSWD_SIZE ((size_t)64 * 1024)

bool sandbox_undumpable(struct error *err)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, &process_sandbox, errno, NULL,
                               "core dumps and tracing cannot be given up");
    return true;
}

/* What a program that is executed could get back. Without CAP_SETPCAP this fails; no_new_privs then
 * has the same effect. */
static void drop_bounding_set(void)
{
    cap_reset_ambient();
    for (cap_value_t capability = 0; capability < cap_max_bits(); capability++)
        cap_drop_bound(capability);
}

static bool become(const struct passwd *user, struct error *err)
{
    if (geteuid() != 0) {
        if (user->pw_uid == getuid() && user->pw_uid == geteuid())
            return true;
        return error_set(err, &process_user, NULL, user->pw_name,
                         "cannot be become by user %u: only root can", (unsigned)geteuid());
    }
    if (initgroups(user->pw_name, user->pw_gid) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return error_set_errno(err, &process_user, errno, user->pw_name, "cannot be become");
    return true;
}

/* Tries to become root again, which must fail. */
static bool check_no_return(struct error *err)
{
    if (getuid() == 0)
        return true;
    if (setresuid(0, 0, 0) != 0 && (getgid() == 0 || setresgid(0, 0, 0) != 0))
        return true;
    return error_set(err, &process_user, NULL, NULL,
                     "root could be regained after becoming another user");
}

static bool become_named(const char *name, struct error *err)
{
    struct passwd user, *found = NULL;
    _cleanup_free_ char *text = memory_allocate(PASSWD_SIZE);
    int number = getpwnam_r(name, &user, text, PASSWD_SIZE, &found);
    if (number != 0)
        return error_set_errno(err, &process_user, number, name, "cannot be looked up");
    if (found == NULL)
        return error_set(err, &process_user, NULL, name, "no such user");
    return become(&user, err);
}

/* The kernel forgets the parent-death signal when a process changes its user, so that a child of
 * the supervisor could outlive it. */
static bool restore_parent_death(int number, pid_t parent, struct error *err)
{
    if (number != 0 && prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0)
        return error_set_errno(err, &process_sandbox, errno, NULL,
                               "the parent-death signal cannot be set again");
    if (getppid() != parent)
        return error_set(err, &process_sandbox, NULL, NULL, "the supervisor ended meanwhile");
    return true;
}

bool sandbox_drop_user(const char *user, unsigned kept, struct error *err)
{
    int signal_number = 0;
    pid_t parent = getppid();
    prctl(PR_GET_PDEATHSIG, &signal_number, 0, 0, 0);
    drop_bounding_set();
    if (kept != 0 && user != NULL)
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); /* until capability_keep; execve clears it */
    if (user != NULL && !become_named(user, err))
        return false;
    if (!capability_keep(kept, err))
        return false;
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, &process_sandbox, errno, NULL,
                               "new privileges cannot be given up");
    if (!check_no_return(err))
        return false;
    return restore_parent_death(signal_number, parent, err);
}

void sandbox_describe(char *text, size_t size)
{
    int landlock = sandbox_landlock_version();
    bool seccomp = sandbox_seccomp_entered() || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
    char version[32];
    snprintf(version, sizeof version, "landlock %d", landlock);
    snprintf(text, size, "%s, %s", landlock > 0 ? version : "no landlock",
             seccomp ? "seccomp" : "no seccomp");
}
