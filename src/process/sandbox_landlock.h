/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Landlock: a process gives up the file system except what it names; TCP, where the kernel can
 * (ABI 4, Linux 6.7); and signals and abstract sockets to processes outside (ABI 6, Linux 6.12).
 * The file system is there from ABI 1 (Linux 5.13); what a kernel does not know is left out.
 */

#include "base/error.h"

struct sandbox_landlock {
    const char *const *writable; /* files and folders, NULL-terminated; each must exist */
    const char *const *readable; /* the same; those that do not exist are skipped */
    bool listen;                 /* may still bind TCP ports */
};

/* For the calling thread, and the threads that it starts later. process.sandbox. */
bool sandbox_landlock(const struct sandbox_landlock *landlock, struct error *err);
/* The version of the kernel's interface; 0 without Landlock. */
int sandbox_landlock_version(void);
