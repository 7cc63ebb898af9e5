/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The section .cmdline of unified kernel images and their add-ons. */

#include "base/buf.h"

/* Appends the text that section holds, up to a NUL: UTF-8 of at most
 * UNIFIED_KERNEL_COMMAND_LINE_MAX bytes. bootimage.command-line. */
bool command_line_section(struct buf *out, struct slice section, struct error *err);

/* The command line as the stub hands it on, appended to out: control characters become spaces,
 * white space at both ends goes. */
void command_line_section_clean(struct buf *out, struct slice text);
