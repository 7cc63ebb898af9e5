/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Landlock: a process gives up the file system except what it names; TCP, where the kernel can
 * (ABI 4, Linux 6.7); and signals and abstract sockets to processes outside (ABI 6, Linux 6.12).
 * The file system is there from ABI 1 (Linux 5.13); what a kernel does not know is left out.
 */

#include "base/error.h"

#define SANDBOX_LANDLOCK_LISTS 3

struct sandbox_landlock {
    /* Lists of files and folders, NULL-terminated; a list may be NULL. Each must exist… */
    const char *const *writable[SANDBOX_LANDLOCK_LISTS];
    /* …and of these, those that do not are skipped. */
    const char *const *readable[SANDBOX_LANDLOCK_LISTS];
    bool devices; /* what is writable may be devices, with orders of their own (ioctl) */
    bool listen;  /* may still bind TCP ports */
    bool connect; /* may still connect to them */
};

/* For the calling thread, and the threads that it starts later. process.sandbox. */
bool sandbox_landlock(const struct sandbox_landlock *landlock, struct error *err);
/* The version of the kernel's interface; 0 without Landlock. */
int sandbox_landlock_version(void);
