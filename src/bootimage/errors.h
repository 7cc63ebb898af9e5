/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of bootimage/. */

#include "base/error.h"

#define BOOTIMAGE_ERRORS(X)                                                                       \
    X(bootimage_not_pe, "bootimage.not-pe", ERROR_MALFORMED,                                      \
      "a file that should be an EFI image is none",                                               \
      "give the image itself, uncompressed: file IMAGE says \"PE32+ executable (EFI "             \
      "application)\"")                                                                           \
    X(bootimage_pe_malformed, "bootimage.pe-malformed", ERROR_MALFORMED,                          \
      "an EFI image is damaged, or built so that firmware and this program might read it "        \
      "differently",                                                                              \
      "build or copy the image again; the message names the field")                               \
    X(bootimage_not_unified, "bootimage.not-unified", ERROR_INVALID,                              \
      "an EFI image is no unified kernel image",                                                  \
      "build one with ukify, or give a kernel that GRUB starts: --ci-kernel KERNEL --ci-cmdline " \
      "LINE")                                                                                     \
    X(bootimage_profiles, "bootimage.profiles", ERROR_UNSUPPORTED,                                \
      "a unified kernel image holds several profiles, or one section twice, so that the file "    \
      "does not say what will be booted",                                                         \
      "build one image for each profile")                                                         \
    X(bootimage_section_size, "bootimage.section-size", ERROR_MALFORMED,                          \
      "a section of a unified kernel image is longer in memory than in the file",                 \
      "build the image again; ukify gives sections their exact size")                             \
    X(bootimage_command_line, "bootimage.command-line", ERROR_MALFORMED,                          \
      "the command line in an image is not UTF-8, or too long",                                   \
      "build the image with a command line of text, of at most 16 KiB")                           \
    X(bootimage_not_addon, "bootimage.not-addon", ERROR_INVALID,                                  \
      "an EFI image is no add-on with a command line alone",                                      \
      "give a NAME.addon.efi that holds .cmdline and neither kernel nor devicetree")              \
    X(bootimage_windows_policy, "bootimage.windows-policy", ERROR_MALFORMED,                      \
      "a file is not the binary form of a Windows code integrity policy",                         \
      "convert the XML first, on Windows: ConvertFrom-CIPolicy -XmlFilePath FILE "                \
      "-BinaryFilePath FILE.p7b")                                                                 \
    X(bootimage_digest_size, "bootimage.digest-size", ERROR_MALFORMED,                            \
      "a digest in a record has not the size of its algorithm",                                   \
      "the record was damaged: remove it and add it again")

ERROR_TABLE_DECLARE(bootimage_errors, BOOTIMAGE_ERRORS)
