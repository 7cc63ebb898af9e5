/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a process gives up for good: privileges, file system (Landlock), system calls (seccomp),
 * core dumps, and being traced. Each process of hgsd has its own profile here, so that what each
 * may do is read in one place.
 */

#include "base/error.h"

#include <sys/types.h>

/* Becomes user and group for good (supplementary groups: those given by the user database), no new
 * privileges, no capabilities. A NULL user keeps the ids. */
bool sandbox_drop_user(const char *user, struct error *err);
/* No core dumps, not dumpable (so not traceable by the same user), no new privileges. Every process
 * of hgsd. */
bool sandbox_undumpable(struct error *err);

/* The software keyholder: no files and no network; read, write, send and receive on what is open,
 * memory, threads. */
bool sandbox_keyholder(struct error *err);

struct sandbox_service_paths {
    const char *const
        *writable; /* folders, NULL-terminated: the store, the audit trail, the run folder */
    const char *const *readable; /* folders and files: TLS files, /etc, /usr */
};
/* The service: sockets, its own folders, no exec, no ptrace, no process_vm_*, no mount, no
 * namespaces, no keyrings… */
bool sandbox_service(const struct sandbox_service_paths *paths, struct error *err);

/* What the kernel offers, for messages and server show: "landlock 4, seccomp" or what is missing.
 */
void sandbox_describe(char *text, size_t size);
