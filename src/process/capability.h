/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The few capabilities (capabilities(7)) that processes of hgsd keep, and whether this process has
 * them. */

#include "base/error.h"

enum capability {
    CAPABILITY_NET_BIND_SERVICE = 1 << 0, /* to listen below port 1024 */
    CAPABILITY_AUDIT_WRITE = 1 << 1,      /* to write to the Linux audit system */
    CAPABILITY_AUDIT_CONTROL = 1 << 2,    /* to ask it, and to switch it */
};

/* Whether this process has it now. process.capability, which says how to give it. */
bool capability_check(enum capability capability, struct error *err);
/* Gives up all capabilities but those of kept (a union of enum capability) that the process has.
 * process.sandbox. */
bool capability_keep(unsigned kept, struct error *err);
