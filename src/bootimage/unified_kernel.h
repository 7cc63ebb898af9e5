/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unified kernel images (UAPI group specification 5): systemd-stub with a kernel, its command line
 * and initrd as PE sections. What a boot of the image measures follows from the file alone:
 *
 *   PCR 4   the image's Authenticode digest; newer stubs start the kernel through the firmware,
 *           which measures that of the kernel too
 *   PCR 11  for each section that the stub knows, in its fixed order: the name with its NUL, then
 *           the contents (systemd, TPM2_PCR_MEASUREMENTS)
 *   PCR 12  only what was added to the image: command lines, add-ons, credentials
 */

#include "bootimage/pe.h"

#define UNIFIED_KERNEL_SECTIONS_MAX 16
#define UNIFIED_KERNEL_COMMAND_LINE_MAX 16384 /* bytes of text */

/* A section that a stub measures. */
struct unified_kernel_section {
    char name[PE_SECTION_NAME_SIZE];
    struct digests contents;
};

struct unified_kernel {
    struct digests image;  /* Authenticode */
    struct digests kernel; /* Authenticode, of .linux */
    bool has_kernel;       /* .linux is an EFI image, so that `kernel` is set */
    uint32_t stub_version; /* of systemd-stub by .sdmagic: 252; 0: unknown */
    struct unified_kernel_section sections[UNIFIED_KERNEL_SECTIONS_MAX]; /* in measured order */
    size_t section_count;
    struct buf command_line; /* UTF-8 of .cmdline, up to a NUL; empty: none */
};

/*
 * Reads an image. bootimage.not-unified (no .linux or no stub), bootimage.profiles (several
 * profiles, or a section twice), bootimage.section-size (a section that is longer in memory than in
 * the file), bootimage.command-line, and the errors of pe_parse. Freed with unified_kernel_done.
 */
bool unified_kernel_parse(struct unified_kernel *out, struct slice bytes, struct error *err);
void unified_kernel_done(struct unified_kernel *kernel);
#define _cleanup_unified_kernel_ __attribute__((cleanup(unified_kernel_done)))

/* Whether stubs of every version measure the section; others may be missing in a log. */
bool unified_kernel_always_measured(const char *name);
/*
 * PCR 11 after the stub has measured the image, before user space extends it: the sections that a
 * stub of that version knows, of an unknown version all of them.
 */
void unified_kernel_predict(struct digest *out, const struct unified_kernel *kernel,
                            enum digest_algorithm algorithm);
