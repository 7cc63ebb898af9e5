/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether the kernel's audit system is on. One that is off acknowledges messages and drops them.
 * Asking needs CAP_AUDIT_CONTROL, with which one could also switch it off: the service gives that
 * up. So a process of its own is left behind that has this capability and nothing else; it asks
 * each second and says over a pipe what it hears, until the other end is closed. Where hgsd itself
 * lacks the capability, as in its unit, nobody can know.
 */

#include "base/error.h"

struct audit_kernel_watch {
    int pipe; /* -1: nobody can know */
    bool off; /* what was heard last */
};

/* Before there are threads, and before capabilities are given up. It never fails: at worst nobody
 * can know. */
void audit_kernel_watch_start(struct audit_kernel_watch *watch);
/* audit.sink-missing while the kernel's audit system is off, as far as anybody knows. When the
 * process is gone, what it said last stays, and only starting hgsd again helps. */
bool audit_kernel_watch_check(struct audit_kernel_watch *watch, struct error *err);
void audit_kernel_watch_stop(struct audit_kernel_watch *watch);
