/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A code integrity policy: what decides which code a host runs, in one of four forms.
 *
 *   Windows         a policy file (.p7b, .cip) by the digest that Windows' loader measured.
 *                   DriverSiPolicy.p7b, the list of blocked drivers, never counts.
 *   unified kernel  an image whose Authenticode digest is in PCR 4 and whose sections are in PCR
 *                   11. Additions (PCRs 12 and 13) void it but those that are allowed here. The
 *                   image carries the command line.
 *   kernel          a kernel that GRUB starts: the file's digest in PCR 9 or its Authenticode
 *                   digest in PCR 4, with exactly this command line in PCR 8.
 *   IMA             the file of an IMA policy by the digest that IMA measured (PCR 10). It shows
 *                   that the kernel measured the file, not that no other policy followed.
 */

#include "bootimage/unified_kernel.h"
#include "bootimage/unified_kernel_addon.h"
#include "bootimage/windows_policy.h"

#define CODE_INTEGRITY_ADDITIONS_MAX 8

enum policy_ci_form {
    POLICY_CI_WINDOWS,
    POLICY_CI_UNIFIED_KERNEL,
    POLICY_CI_KERNEL,
    POLICY_CI_IMA,
};

struct policy_ci_kernel {
    struct digests file;     /* of the whole file */
    struct digests image;    /* Authenticode */
    bool has_image;          /* it is an EFI image, so that `image` is set */
    struct buf command_line; /* UTF-8, as GRUB measures it: with the kernel's path in front, or
                              * what follows it */
};

struct policy_ci {
    enum policy_ci_form form;
    union {
        struct windows_policy windows;
        struct unified_kernel unified;
        struct policy_ci_kernel kernel;
        struct digests ima; /* of the whole file */
    };
    struct unified_kernel_addon additions[CODE_INTEGRITY_ADDITIONS_MAX]; /* unified kernel only */
    size_t addition_count;
};

/* Each reads a file as an administrator gives it; freed with code_integrity_done. */

/* name: the file's, to refuse the list of blocked drivers (policy.ci-driver-list); may be NULL.
 * bootimage.windows-policy. */
bool code_integrity_take_windows(struct policy_ci *out, struct slice file, const char *name,
                                 struct error *err);
/* The errors of unified_kernel_parse. */
bool code_integrity_take_unified(struct policy_ci *out, struct slice image, struct error *err);
/* Allows an add-on of a unified kernel image. policy.ci-additions (too many), and the errors of
 * unified_kernel_addon_parse. */
bool code_integrity_allow_addon(struct policy_ci *ci, struct slice addon, struct error *err);
/* kernel: the file; command_line: of GRUB's `linux` command, as in /proc/cmdline behind
 * BOOT_IMAGE=. policy.ci-kernel (empty), policy.ci-command-line (empty, too long or not one line of
 * UTF-8). */
bool code_integrity_take_kernel(struct policy_ci *out, struct slice kernel,
                                const char *command_line, struct error *err);
/* policy.ci-ima (empty or too large). */
bool code_integrity_take_ima(struct policy_ci *out, struct slice file, struct error *err);

void code_integrity_done(struct policy_ci *ci);

/* Whether firmware measures the digest into PCR 4 when what the policy names is booted. */
bool code_integrity_names_image(const struct policy_ci *ci, enum digest_algorithm bank,
                                struct slice digest);

/* How strong the evidence of the form is ("strong", "good", "medium"), and what it rests on: one
 * sentence. */
const char *code_integrity_strength(enum policy_ci_form form);
const char *code_integrity_evidence(enum policy_ci_form form);
/*
 * What an administrator should think about before trusting the policy, one sentence; NULL: nothing.
 * A kernel whose command line asks for neither lockdown, signed modules, IMA appraisal nor a
 * verified root runs whatever root loads.
 */
const char *code_integrity_warning(const struct policy_ci *ci);
