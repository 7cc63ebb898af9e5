/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/kernel_watch.h"

#include <fcntl.h>
#include <libaudit.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "audit/errors.h"
#include "base/file.h"
#include "process/capability.h"

#define ASK_MS 1000

/* What nobody has to say more about: everything but the two descriptors, from 3 on, is closed. */
static void close_others(int audit, int pipe)
{
    int low = audit < pipe ? audit : pipe, high = audit < pipe ? pipe : audit;
    if (low > 3)
        close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1)
        close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0U, 0);
}

/* The process of its own. POLLERR: nobody reads any more. */
__attribute__((noreturn)) static void ask_until_closed(int audit, int pipe, bool off)
{
    sigset_t none;
    sigemptyset(&none);
    prctl(PR_SET_NAME, "hgsd-audit");
    close_others(audit, pipe);
    if (!capability_keep(CAPABILITY_AUDIT_CONTROL, NULL))
        _exit(1);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (;;) {
        struct pollfd reader = {pipe, 0, 0};
        if (poll(&reader, 1, ASK_MS) != 0)
            _exit(0);
        int enabled = audit_is_enabled(audit);
        if (enabled < 0 || (enabled == 0) == off)
            continue;
        off = enabled == 0;
        if (write(pipe, off ? "0" : "1", 1) != 1)
            _exit(0);
    }
}

static void start(struct audit_kernel_watch *watch, int audit)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    pid_t pid = fork();
    if (pid == 0)
        ask_until_closed(audit, ends[1], watch->off);
    close(ends[1]);
    watch->pipe = ends[0];
    if (pid < 0)
        file_close(&watch->pipe);
    else
        fcntl(watch->pipe, F_SETFL, O_NONBLOCK);
}

void audit_kernel_watch_start(struct audit_kernel_watch *watch)
{
    *watch = (struct audit_kernel_watch){.pipe = -1};
    int audit = audit_open();
    int enabled = audit < 0 ? -1 : audit_is_enabled(audit);
    watch->off = enabled == 0;
    /* One that cannot be switched off any more until the machine is started need not be watched. */
    if (enabled == 0 || enabled == 1)
        start(watch, audit);
    if (audit >= 0)
        audit_close(audit);
}

bool audit_kernel_watch_check(struct audit_kernel_watch *watch, struct error *err)
{
    char words[64];
    ssize_t size = watch->pipe >= 0 ? read(watch->pipe, words, sizeof words) : -1;
    if (size > 0)
        watch->off = words[size - 1] == '0';
    else if (size == 0) /* nobody asks any more */
        file_close(&watch->pipe);
    return !watch->off ||
           error_set(err, &audit_sink_missing, "auditctl(8)", "linux-audit",
                     "the kernel's audit system is switched off and would drop every record: start "
                     "auditd, or auditctl -e 1%s",
                     watch->pipe >= 0 ? "" : ", and start hgsd again");
}

void audit_kernel_watch_stop(struct audit_kernel_watch *watch)
{
    file_close(&watch->pipe);
}
