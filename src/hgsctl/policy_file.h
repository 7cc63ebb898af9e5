/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading a policy from the files that an administrator has: a log, a code integrity policy, a boot
 * image. It happens here, with the administrator's rights; the service gets the record and checks
 * it again.
 */

#include "base/option.h"
#include "policy/policy.h"

/* The options that name a ci policy. required: one of the group must be given. */
#define POLICY_FILE_CI_OPTIONS(required)                                                          \
    {"ci",         "FILE",      "Windows policy (.p7b, .cip), or unified kernel image (.efi)",    \
     OPTION_VALUE, OPTION_FILE, NULL,                                                             \
     required,     "what",      false},                                                           \
        {"ci-kernel",  "KERNEL",    "kernel that GRUB starts, with --ci-cmdline",                 \
         OPTION_VALUE, OPTION_FILE, NULL,                                                         \
         required,     "what",      false},                                                       \
        {"ci-cmdline", "LINE",     "its whole command line, as /proc/cmdline behind BOOT_IMAGE=", \
         OPTION_VALUE, OPTION_ANY, NULL,                                                          \
         false,        NULL,       false},                                                        \
    {                                                                                             \
        "ci-addon", "FILE", "add-on of the unified kernel image that may be there, too",          \
            OPTION_REPEATED, OPTION_FILE, NULL, false, NULL, false                                \
    }

/* The ci policy that --ci, --ci-kernel or (where the command has it) --ci-ima name; false with err
 * set when there is something wrong. Freed with policy_done. */
bool policy_file_read_ci(struct policy *out, const struct option_values *values, struct error *err);
/* The policy of `policy add`, whatever it is of; its name, profile, version and state are set. */
bool policy_file_read(struct policy *out, const struct option_values *values, struct error *err);
