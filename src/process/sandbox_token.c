/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/sandbox.h"
#include "process/sandbox_landlock.h"
#include "process/sandbox_sanitizer.h"
#include "process/sandbox_seccomp.h"
#include "process/sandbox_threads.h"

/*
 * The module of a token's maker is code that nobody here has read: it loads libraries, reads its
 * configuration, and talks to a device, a daemon or an HSM in the network. So this profile cannot
 * be as narrow as that of software keys; what can be taken away without a module noticing is.
 * Unknown calls answer ENOSYS, so that libraries fall back.
 */
static const struct sandbox_rule rules[] = {
    /* Libraries are loaded, and memory that can be written never becomes executable. */
    SANDBOX_IF_MASKED(SCMP_ACT_ALLOW, mmap, 2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
    SANDBOX_IF_MASKED(SCMP_ACT_ERRNO(EPERM), mmap, 2, PROT_EXEC | PROT_WRITE,
                      PROT_EXEC | PROT_WRITE),
    SANDBOX_IF_BITS(SCMP_ACT_ERRNO(EPERM), mprotect, 2, PROT_EXEC),

    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_UNIX),
    SANDBOX_ALLOW(getpeername),
    SANDBOX_ALLOW(getsockname),
    SANDBOX_ALLOW(ioctl), /* Landlock says of which devices */
    SANDBOX_ALLOW(pselect6),
    SANDBOX_ALLOW(recvmmsg),
    SANDBOX_ALLOW(select),
    SANDBOX_ALLOW(sendmmsg),
    SANDBOX_ALLOW(setsockopt),
    SANDBOX_ALLOW(socketpair),
    SANDBOX_ALLOW(timerfd_create),
    SANDBOX_ALLOW(timerfd_gettime),
    SANDBOX_ALLOW(timerfd_settime),

    /* Memory and semaphores that are shared with a maker's daemon. */
    SANDBOX_ALLOW(semctl),
    SANDBOX_ALLOW(semget),
    SANDBOX_ALLOW(semop),
    SANDBOX_ALLOW(semtimedop),
    SANDBOX_ALLOW(shmat),
    SANDBOX_ALLOW(shmctl),
    SANDBOX_ALLOW(shmdt),
    SANDBOX_ALLOW(shmget),

    SANDBOX_ALLOW(getcpu),
    SANDBOX_ALLOW(getgroups),
    SANDBOX_ALLOW(getpgrp),
    SANDBOX_ALLOW(getresgid),
    SANDBOX_ALLOW(getresuid),
    SANDBOX_ALLOW(rt_sigtimedwait),
    SANDBOX_ALLOW(sched_getparam),
    SANDBOX_ALLOW(sched_getscheduler),
    SANDBOX_ALLOW(sysinfo),
    SANDBOX_ALLOW(times),
};

#define REFUSED SCMP_ACT_ERRNO(EPERM)
/* Nobody is let in. */
static const struct sandbox_rule listen_rules[] = {
    SANDBOX_DO(REFUSED, accept),
    SANDBOX_DO(REFUSED, accept4),
    SANDBOX_DO(REFUSED, listen),
};

/* An HSM in the network, and what finds its address. */
static const struct sandbox_rule network_rules[] = {
    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_INET),
    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_INET6),
    SANDBOX_IF(SCMP_ACT_ALLOW, socket, 0, AF_NETLINK),
    SANDBOX_ALLOW(bind),
};
/* As in sandbox_service.c: the sockets that root may connect to do anything for it. */
static const struct sandbox_rule connect_rules[] = {SANDBOX_ALLOW(connect)};
static const struct sandbox_rule no_connect_rules[] = {SANDBOX_DO(REFUSED, connect)};

#define TABLE(rules)                            \
    {                                           \
        rules, sizeof(rules) / sizeof(rules)[0] \
    }
static const struct sandbox_table network_table = TABLE(network_rules);
static const struct sandbox_table connect_table = TABLE(connect_rules);
static const struct sandbox_table no_connect_table = TABLE(no_connect_rules);
static const struct sandbox_table no_table = {NULL, 0};

const char *const sandbox_token_readable[] = {
    "/bin",           "/etc/gai.conf",
    "/etc/group",     "/etc/host.conf",
    "/etc/hosts",     "/etc/ld.so.cache",
    "/etc/localtime", "/etc/nsswitch.conf",
    "/etc/opensc",    "/etc/passwd",
    "/etc/pkcs11",    "/etc/resolv.conf",
    "/etc/services",  "/etc/softhsm",
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf",
    "/lib",           "/lib64",
    "/opt",           "/run/systemd/resolve",
    "/sbin",          "/sys",
    "/usr",           NULL,
};

/* These are of the kernel and of the process itself; nobody keeps keys there. */
static const char *const kernel_readable[] = {
    "/dev/random",   "/dev/urandom", "/dev/zero", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/self",   "/proc/sys", NULL,
};
static const char *const always_writable[] = {"/dev/null", NULL};

bool sandbox_token(const struct sandbox_token_reach *reach, struct error *err)
{
    bool connects = geteuid() != 0 || reach->network;
    const struct sandbox_table tables[] = {
        sandbox_basic_calls,
        sandbox_file_calls,
        TABLE(rules),
        TABLE(listen_rules),
        sandbox_refused_calls,
        reach->network ? network_table : no_table,
        connects ? connect_table : no_connect_table,
        sandbox_killed_calls,
        sandbox_sanitizer_calls,
    };
    const struct sandbox_landlock landlock = {
        .writable = {always_writable, reach->writable},
        .readable = {sandbox_token_readable, kernel_readable, reach->readable},
        .devices = true,
        .connect = reach->network};
    sandbox_sanitizer_quiet();
    return sandbox_threads_none(err) && sandbox_undumpable(err) &&
           sandbox_landlock(&landlock, err) &&
           sandbox_seccomp(SCMP_ACT_ERRNO(ENOSYS), tables, sizeof tables / sizeof tables[0], err);
}
