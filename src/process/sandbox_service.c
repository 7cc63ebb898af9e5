/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/sandbox.h"
#include "process/sandbox_landlock.h"
#include "process/sandbox_sanitizer.h"
#include "process/sandbox_seccomp.h"
#include "process/sandbox_threads.h"

/*
 * The service has libraries for HTTP, TLS and a database in it, whose next version may try a new
 * system call first: a call without a rule answers ENOSYS, so that they fall back. What only an
 * attack would call kills.
 */
static const struct sandbox_rule socket_rules[] = {
    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_UNIX),
    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_INET),
    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_INET6),
    SANDBOX_ALLOW(accept),
    SANDBOX_ALLOW(accept4),
    SANDBOX_ALLOW(bind),
    SANDBOX_ALLOW(getpeername),
    SANDBOX_ALLOW(getsockname),
    SANDBOX_ALLOW(listen),
    SANDBOX_ALLOW(recvmmsg),
    SANDBOX_ALLOW(select),
    SANDBOX_ALLOW(pselect6),
    SANDBOX_ALLOW(sendfile),
    SANDBOX_ALLOW(sendmmsg),
    SANDBOX_ALLOW(setsockopt),
    SANDBOX_ALLOW(signalfd4),
    SANDBOX_ALLOW(socketpair),
    SANDBOX_ALLOW(timerfd_create),
    SANDBOX_ALLOW(timerfd_gettime),
    SANDBOX_ALLOW(timerfd_settime),
    SANDBOX_IF(SCMP_ACT_ALLOW, ioctl, 1, FIONBIO),
    SANDBOX_IF(SCMP_ACT_ALLOW, ioctl, 1, FIONREAD),
    SANDBOX_IF(SCMP_ACT_ALLOW, ioctl, 1, SIOCOUTQ),
    SANDBOX_IF(SCMP_ACT_ALLOW, ioctl, 1, TCGETS),

    SANDBOX_ALLOW(capget),
    SANDBOX_ALLOW(getcpu),
    SANDBOX_ALLOW(getgroups),
    SANDBOX_ALLOW(getpgrp),
    SANDBOX_ALLOW(getresgid),
    SANDBOX_ALLOW(getresuid),
    SANDBOX_ALLOW(rt_sigpending),
    SANDBOX_ALLOW(rt_sigsuspend),
    SANDBOX_ALLOW(rt_sigtimedwait),
    SANDBOX_ALLOW(sched_getparam),
    SANDBOX_ALLOW(sched_getscheduler),
    SANDBOX_IF_BOTH(SCMP_ACT_ALLOW, sched_setscheduler, 0, 0, 1, SCHED_BATCH), /* its own threads */
    SANDBOX_ALLOW(sysinfo),
    SANDBOX_ALLOW(times),
};

/* Memory that is written never becomes executable, and no library is loaded any more. */
#define REFUSED SCMP_ACT_ERRNO(EPERM)
static const struct sandbox_rule code_rules[] = {
    SANDBOX_IF_BITS(REFUSED, mmap, 2, PROT_EXEC),
    SANDBOX_IF_BITS(REFUSED, mprotect, 2, PROT_EXEC),
};

/*
 * The sockets of others that root may connect to do anything for it (systemd's, a container
 * engine's), and Landlock does not know them. Another user's connections are bounded by those
 * sockets' modes; they ask who a user is (sssd, nscd).
 */
static const struct sandbox_rule refused_to_root[] = {SANDBOX_DO(REFUSED, connect)};
static const struct sandbox_rule allowed_to_users[] = {SANDBOX_ALLOW(connect)};

#define TABLE(rules)                            \
    {                                           \
        rules, sizeof(rules) / sizeof(rules)[0] \
    }

static const struct sandbox_table root_rules = TABLE(refused_to_root);
static const struct sandbox_table user_rules = TABLE(allowed_to_users);

/* What libraries look at, and anybody may know. */
static const char *const always_readable[] = {
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/sys/devices/system/cpu",
    "/usr/share/zoneinfo",
    NULL,
};

bool sandbox_service(const struct sandbox_service_paths *paths, struct error *err)
{
    const struct sandbox_table tables[] = {
        sandbox_basic_calls,
        sandbox_file_calls,
        TABLE(socket_rules),
        TABLE(code_rules),
        sandbox_refused_calls,
        sandbox_killed_calls,
        geteuid() == 0 ? root_rules : user_rules,
    };
    const struct sandbox_landlock landlock = {.writable = {paths->writable},
                                              .readable = {always_readable, paths->readable},
                                              .listen = true};
    sandbox_sanitizer_quiet();
    return sandbox_threads_none(err) && sandbox_undumpable(err) &&
           sandbox_landlock(&landlock, err) &&
           sandbox_seccomp(SCMP_ACT_ERRNO(ENOSYS), tables, sizeof tables / sizeof tables[0], err);
}
