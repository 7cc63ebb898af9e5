/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sandbox_seccomp.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "process/errors.h"

/* Memory never becomes executable, nobody else is signalled (see add_own_process), and nothing but
 * threads is made. */
static const struct sandbox_rule basic_rules[] = {
    SANDBOX_ALLOW(brk),
    SANDBOX_ALLOW(madvise),
    SANDBOX_ALLOW(mlock),
    SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(munlock),
    SANDBOX_ALLOW(munmap),
    SANDBOX_IF_NO_BITS(SCMP_ACT_ALLOW, mmap, 2, PROT_EXEC),
    SANDBOX_IF_NO_BITS(SCMP_ACT_ALLOW, mprotect, 2, PROT_EXEC),

    SANDBOX_IF_BITS(SCMP_ACT_ALLOW, clone, 0, CLONE_THREAD),
    /* Its flags lie in memory, where no filter sees them; libc falls back to clone. */
    SANDBOX_DO(SCMP_ACT_ERRNO(ENOSYS), clone3),
    SANDBOX_ALLOW(exit),
    SANDBOX_ALLOW(exit_group),
    SANDBOX_ALLOW(futex),
    SANDBOX_ALLOW(get_robust_list),
    SANDBOX_ALLOW(membarrier),
    SANDBOX_ALLOW(rseq),
    SANDBOX_ALLOW(sched_getaffinity),
    SANDBOX_ALLOW(sched_yield),
    SANDBOX_ALLOW(set_robust_list),
    SANDBOX_ALLOW(set_tid_address),
    SANDBOX_IF(SCMP_ACT_ALLOW, prctl, 0, PR_SET_NAME),

    SANDBOX_ALLOW(restart_syscall),
    SANDBOX_ALLOW(rt_sigaction),
    SANDBOX_ALLOW(rt_sigprocmask),
    SANDBOX_ALLOW(rt_sigreturn),
    SANDBOX_ALLOW(sigaltstack),

    SANDBOX_ALLOW(clock_getres),
    SANDBOX_ALLOW(clock_gettime),
    SANDBOX_ALLOW(clock_nanosleep),
    SANDBOX_ALLOW(gettimeofday),
    SANDBOX_ALLOW(nanosleep),
    SANDBOX_ALLOW(time),

    SANDBOX_ALLOW(getegid),
    SANDBOX_ALLOW(geteuid),
    SANDBOX_ALLOW(getgid),
    SANDBOX_ALLOW(getpid),
    SANDBOX_ALLOW(getppid),
    SANDBOX_ALLOW(getrandom),
    SANDBOX_ALLOW(getrusage),
    SANDBOX_ALLOW(gettid),
    SANDBOX_ALLOW(getuid),
    SANDBOX_ALLOW(uname),

    SANDBOX_ALLOW(close),
    SANDBOX_ALLOW(epoll_create1),
    SANDBOX_ALLOW(epoll_ctl),
    SANDBOX_ALLOW(epoll_pwait),
    SANDBOX_ALLOW(epoll_wait),
    SANDBOX_ALLOW(eventfd2),
    SANDBOX_ALLOW(fdatasync),
    SANDBOX_ALLOW(fstat),
    SANDBOX_ALLOW(fsync),
    SANDBOX_ALLOW(ftruncate),
    SANDBOX_ALLOW(getsockopt),
    SANDBOX_ALLOW(lseek),
    SANDBOX_ALLOW(poll),
    SANDBOX_ALLOW(ppoll),
    SANDBOX_ALLOW(pread64),
    SANDBOX_ALLOW(pwrite64),
    SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(readv),
    SANDBOX_ALLOW(recvfrom),
    SANDBOX_ALLOW(recvmsg),
    SANDBOX_ALLOW(sendmsg),
    SANDBOX_ALLOW(sendto),
    SANDBOX_ALLOW(shutdown),
    SANDBOX_ALLOW(write),
    SANDBOX_ALLOW(writev),
};
const struct sandbox_table sandbox_basic_calls = {basic_rules,
                                                  sizeof basic_rules / sizeof basic_rules[0]};

static int add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
    uint32_t otherwise;
    int result = seccomp_attr_get(filter, SCMP_FLTATR_ACT_DEFAULT, &otherwise);
    if (result != 0 || rule->action == otherwise)
        return result; /* libseccomp refuses a rule that says what happens anyway */
    return seccomp_rule_add_array(filter, rule->action, rule->call, rule->count, rule->when);
}

/* abort() and raise() signal one's own process by number; limits are read by it (0). */
static int add_own_process(scmp_filter_ctx filter)
{
    const struct sandbox_rule rules[] = {
        SANDBOX_IF(SCMP_ACT_ALLOW, tgkill, 0, (scmp_datum_t)getpid()),
        {SCMP_SYS(prlimit64),
         SCMP_ACT_ALLOW,
         2,
         {SCMP_CMP_INIT(0, SCMP_CMP_EQ, 0, 0), SCMP_CMP_INIT(2, SCMP_CMP_EQ, 0, 0)}},
    };
    int result = add_rule(filter, &rules[0]);
    return result != 0 ? result : add_rule(filter, &rules[1]);
}

static int add_table(scmp_filter_ctx filter, const struct sandbox_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        int result = add_rule(filter, &table->rules[i]);
        if (result != 0)
            return result;
    }
    return 0;
}

static int fill(scmp_filter_ctx filter, const struct sandbox_table *tables, size_t count)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = add_own_process(filter);
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_table(filter, &tables[i]);
    return result;
}

static atomic_bool entered;

bool sandbox_seccomp(uint32_t otherwise, const struct sandbox_table *tables, size_t count,
                     struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (filter == NULL)
        return error_set(err, &process_sandbox, "seccomp(2)", NULL, "no filter can be made");
    int result = fill(filter, tables, count);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    if (result != 0)
        return error_set_errno(err, &process_sandbox, -result, NULL,
                               "the system call filter was refused");
    entered = true;
    return true;
}

bool sandbox_seccomp_entered(void)
{
    return entered;
}
