/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a program's tables say to a reader: help texts. */

#include "base/buf.h"
#include "base/option.h"

/* Appends the help for the program (words ""), for a noun ("vm") or for a command ("vm secret
 * add"). False, with nothing appended, when no command begins with these words. */
bool option_help_format(struct buf *out, const struct option_program *program, const char *words);
/* Appends "vm create FILE --owner G…": a command's usage in one line, without the program's name.
 */
void option_help_usage(struct buf *out, const struct option_command *command);
