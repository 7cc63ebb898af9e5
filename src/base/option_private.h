/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the command line (option.h) share: option.c parses it, option_values.c keeps
 * what was given, option_main.c runs the command and speaks with people. */

#include "base/option.h"

enum option_wanted { WANTED_RUN, WANTED_HELP, WANTED_VERSION, WANTED_DUMP };

struct option_value {
    const struct option_entry *entry;
    const char *value; /* NULL for a flag */
};

struct option_values {
    const struct option_program *program;
    const struct option_command *command; /* NULL until its words are complete */
    enum option_wanted wanted;
    bool json;
    bool incomplete;     /* the command's words are missing, or some of them */
    bool only_arguments; /* after "--" */
    char words[128];     /* the words of the command so far */
    struct option_value *given;
    size_t given_count;
    const char **arguments;
    size_t argument_count;
};

/* The options that every command has; they stand in no table. */
extern const struct option_entry option_implied[];

/* Among these, the command's and the program's; NULL: there is none of that name. */
const struct option_entry *option_lookup(const struct option_values *values, const char *name,
                                         size_t size);
