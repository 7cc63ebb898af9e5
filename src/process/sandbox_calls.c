/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>

#include "process/sandbox_seccomp.h"

/* What is the same for every process that has files. */

static const struct sandbox_rule file_rules[] = {
    SANDBOX_ALLOW(access),     SANDBOX_ALLOW(chmod),      SANDBOX_ALLOW(chown),
    SANDBOX_ALLOW(dup),        SANDBOX_ALLOW(dup2),       SANDBOX_ALLOW(dup3),
    SANDBOX_ALLOW(faccessat),  SANDBOX_ALLOW(faccessat2), SANDBOX_ALLOW(fadvise64),
    SANDBOX_ALLOW(fallocate),  SANDBOX_ALLOW(fchmod),     SANDBOX_ALLOW(fchmodat),
    SANDBOX_ALLOW(fchown),     SANDBOX_ALLOW(fchownat),   SANDBOX_ALLOW(fcntl),
    SANDBOX_ALLOW(flock),      SANDBOX_ALLOW(fstatfs),    SANDBOX_ALLOW(getcwd),
    SANDBOX_ALLOW(getdents64), SANDBOX_ALLOW(lchown),     SANDBOX_ALLOW(link),
    SANDBOX_ALLOW(linkat),     SANDBOX_ALLOW(lstat),      SANDBOX_ALLOW(memfd_create),
    SANDBOX_ALLOW(mkdir),      SANDBOX_ALLOW(mkdirat),    SANDBOX_ALLOW(msync),
    SANDBOX_ALLOW(newfstatat), SANDBOX_ALLOW(open),       SANDBOX_ALLOW(openat),
    SANDBOX_ALLOW(pipe2),      SANDBOX_ALLOW(preadv),     SANDBOX_ALLOW(preadv2),
    SANDBOX_ALLOW(pwritev),    SANDBOX_ALLOW(pwritev2),   SANDBOX_ALLOW(readlink),
    SANDBOX_ALLOW(readlinkat), SANDBOX_ALLOW(rename),     SANDBOX_ALLOW(renameat),
    SANDBOX_ALLOW(renameat2),  SANDBOX_ALLOW(rmdir),      SANDBOX_ALLOW(stat),
    SANDBOX_ALLOW(statfs),     SANDBOX_ALLOW(statx),      SANDBOX_ALLOW(sync_file_range),
    SANDBOX_ALLOW(truncate),   SANDBOX_ALLOW(umask),      SANDBOX_ALLOW(unlink),
    SANDBOX_ALLOW(unlinkat),   SANDBOX_ALLOW(utimensat),
};
const struct sandbox_table sandbox_file_calls = {file_rules,
                                                 sizeof file_rules / sizeof file_rules[0]};

/* Making and signalling processes, becoming another user. */
#define REFUSED SCMP_ACT_ERRNO(EPERM)
static const struct sandbox_rule refused_rules[] = {
    SANDBOX_IF_NO_BITS(REFUSED, clone, 0, CLONE_THREAD),
    SANDBOX_DO(REFUSED, fork),
    SANDBOX_DO(REFUSED, kill),
    SANDBOX_DO(REFUSED, pidfd_open),
    SANDBOX_DO(REFUSED, pidfd_send_signal),
    SANDBOX_DO(REFUSED, rt_sigqueueinfo),
    SANDBOX_DO(REFUSED, rt_tgsigqueueinfo),
    SANDBOX_DO(REFUSED, setgid),
    SANDBOX_DO(REFUSED, setgroups),
    SANDBOX_DO(REFUSED, setregid),
    SANDBOX_DO(REFUSED, setresgid),
    SANDBOX_DO(REFUSED, setresuid),
    SANDBOX_DO(REFUSED, setreuid),
    SANDBOX_DO(REFUSED, setuid),
    SANDBOX_DO(REFUSED, tkill),
    SANDBOX_DO(REFUSED, vfork),
};
const struct sandbox_table sandbox_refused_calls = {refused_rules,
                                                    sizeof refused_rules / sizeof refused_rules[0]};

/* Reaching into other processes, the kernel, its keys and mounts; other programs. */
#define KILLED(name) SANDBOX_DO(SCMP_ACT_KILL_PROCESS, name)
static const struct sandbox_rule killed_rules[] = {
    KILLED(add_key),
    KILLED(bpf),
    KILLED(chroot),
    KILLED(delete_module),
    KILLED(execve),
    KILLED(execveat),
    KILLED(fanotify_init),
    KILLED(finit_module),
    KILLED(fsmount),
    KILLED(fsopen),
    KILLED(init_module),
    KILLED(io_uring_setup),
    KILLED(ioperm),
    KILLED(iopl),
    KILLED(kcmp),
    KILLED(kexec_file_load),
    KILLED(kexec_load),
    KILLED(keyctl),
    KILLED(mknod),
    KILLED(mknodat),
    KILLED(modify_ldt),
    KILLED(mount),
    KILLED(mount_setattr),
    KILLED(move_mount),
    KILLED(name_to_handle_at),
    KILLED(open_by_handle_at),
    KILLED(open_tree),
    KILLED(perf_event_open),
    KILLED(pidfd_getfd),
    KILLED(pivot_root),
    KILLED(process_madvise),
    KILLED(process_vm_readv),
    KILLED(process_vm_writev),
    KILLED(ptrace),
    KILLED(reboot),
    KILLED(request_key),
    KILLED(setns),
    KILLED(swapoff),
    KILLED(swapon),
    KILLED(umount2),
    KILLED(unshare),
    KILLED(userfaultfd),
};
const struct sandbox_table sandbox_killed_calls = {killed_rules,
                                                   sizeof killed_rules / sizeof killed_rules[0]};
