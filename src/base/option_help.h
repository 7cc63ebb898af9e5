/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a program's tables say to a reader: help texts, all of it as JSON, and the word that was
 * probably meant. */

#include "base/buf.h"
#include "base/option.h"

/* Appends the help for the program (words ""), for a noun ("vm") or for a command ("vm secret
 * add"). False, with nothing appended, when no command begins with these words. */
bool option_help_format(struct buf *out, const struct option_program *program, const char *words);
/* Appends every table as one JSON object: what man pages and completions are checked against. */
void option_help_dump(struct buf *out, const struct option_program *program);
/* Appends "vm create FILE --owner G…": a command's usage in one line, without the program's name.
 */
void option_help_usage(struct buf *out, const struct option_command *command);
/* The candidate nearest to word, or NULL when none is near. */
const char *option_help_nearest(const char *word, const char *const *candidates, size_t count);
