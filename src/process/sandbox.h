/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a process gives up for good: privileges, file system (Landlock), system calls (seccomp),
 * core dumps, and being traced. Each process of hgsd has its own profile here, so that what each
 * may do is read in one place.
 */

#include "base/error.h"

#include <sys/types.h>

/*
 * Becomes user and group for good (supplementary groups: those given by the user database), no new
 * privileges, no capabilities but those of kept (a union of enum capability, capability.h) that the
 * caller has. A NULL user keeps the ids. Checks that root cannot be regained; keeps the
 * parent-death signal. process.user, process.sandbox.
 */
bool sandbox_drop_user(const char *user, unsigned kept, struct error *err);
/* No core dumps, not dumpable (so not traceable by the same user), no new privileges. Every process
 * of hgsd. */
bool sandbox_undumpable(struct error *err);

/*
 * The software keyholder: no files and no network; read, write, send and receive on what is open
 * (descriptors that arrive, too) and on socket pairs, memory, threads. Looking for a file fails
 * with EACCES; any other call that is not listed in sandbox_keyholder.c kills the process. Both
 * profiles are entered before a second thread exists.
 */
bool sandbox_keyholder(struct error *err);
/*
 * The same for one that may read files of a folder: as its user may, and for as long as it is the
 * folder that it is now. One that does not exist cannot be read later, either.
 */
bool sandbox_keyholder_reading(const char *folder, struct error *err);

struct sandbox_service_paths {
    /* Folders, NULL-terminated, which must exist: the store, the audit trail, the run folder. */
    const char *const *writable;
    /* Folders and files, NULL-terminated; skipped when missing: TLS files, the configuration. */
    const char *const *readable;
};
/*
 * The service: sockets that others connect to, its own folders. As root it connects to nobody, as
 * another user to no TCP port (Linux 6.7). What only an attack would call kills (exec, ptrace,
 * process_vm_*, mount, namespaces, keyrings: sandbox_service.c); signals to others, new processes
 * and executable memory are refused with EPERM, other files with EACCES; calls that are not listed
 * fail with ENOSYS.
 */
bool sandbox_service(const struct sandbox_service_paths *paths, struct error *err);

struct sandbox_token_reach {
    /* Folders, devices and sockets, NULL-terminated, which must exist: the token's own. */
    const char *const *writable;
    /* The same, skipped when missing: the module, its configuration. */
    const char *const *readable;
    bool network; /* may connect by TCP and UDP */
};
/*
 * The keyholder of a PKCS#11 token, before its module is loaded: the folders of programs
 * (sandbox_token_readable), and what the token needs besides. It listens nowhere; without network
 * it connects to the sockets of this machine alone, and as root to none. Attacks kill as in the
 * service; what is written never becomes executable, but libraries can still be loaded.
 */
bool sandbox_token(const struct sandbox_token_reach *reach, struct error *err);
/* What every module may read; NULL-terminated. Nothing secret may lie there. */
extern const char *const sandbox_token_readable[];

/* What this process's sandbox is made of, or before it was entered, what the kernel offers; for
 * messages and server show: "landlock 4, seccomp", or what is missing. */
void sandbox_describe(char *text, size_t size);
