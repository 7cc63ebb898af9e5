/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line of a program, from tables: each noun is an array of commands, each command lists
 * its arguments and options. Parsing, --help, suggestions for misspelt words, and the JSON from
 * which man pages and shell completions are made and checked (the hidden --dump-options) all come
 * from the same rows, so they cannot disagree.
 *
 * Every command has --help and --json without naming them. Exit statuses: 0 done, 1 failed, 2 wrong
 * usage. Options and arguments may be mixed; `--name value` and `--name=value` mean the same; `--`
 * ends the options. An error goes to stderr: for people as "hgs: object: message (code)" and a line
 * with the remedy; with --json as one line {"error":{…}} (json_write_error); stdout then stays
 * empty, so that a script never takes an error for a result.
 */

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

enum option_form {
    OPTION_FLAG,     /* --yes */
    OPTION_VALUE,    /* --out FILE; given twice is an error */
    OPTION_REPEATED, /* --guardian G --guardian H */
};

/* What a value must look like; parsing refuses others, and completions know what to offer. */
enum option_check {
    OPTION_ANY,
    OPTION_NAME,    /* [A-Za-z0-9][A-Za-z0-9._-]{0,127} */
    OPTION_PATTERN, /* a name with shell wildcards * ? [ ] */
    OPTION_NUMBER,  /* decimal, 0 to 4294967295; see option_number */
    OPTION_FILE,    /* a path, not empty */
    OPTION_URL,     /* http:// or https:// */
};

struct option_entry {
    const char *name;        /* "out", without dashes; NULL ends a table */
    const char *value;       /* placeholder, "FILE"; NULL for a flag */
    const char *description; /* no full stop, lower case at the start */
    enum option_form form;
    enum option_check check;
    const char *const *choices; /* the values allowed, NULL-terminated; NULL: any */
    bool required;              /* must be given; with a group: one of the group must */
    const char *group;          /* at most one of the options with an equal group; NULL: none */
    bool hidden;                /* not in --help, man page and completions */
};

/* Rows that many tables share. */
#define OPTION_END   \
    {                \
        .name = NULL \
    }
#define OPTION_ROW_YES                         \
    {                                          \
        "yes", NULL, "do not ask", OPTION_FLAG \
    }
#define OPTION_ROW_DRY_RUN                                                        \
    {                                                                             \
        "dry-run", NULL, "say what would change, and change nothing", OPTION_FLAG \
    }

struct option_argument {
    const char *name; /* "FILE"; NULL ends a table */
    const char *description;
    enum option_check check;
    bool optional; /* may be left out; only at the end */
    bool repeated; /* any further ones too; only the last */
};

struct option_values;

struct option_command {
    const char *name;        /* its words: "vm secret add", "explain"; NULL ends a table */
    const char *summary;     /* one line: "add a secret to a VM file" */
    const char *description; /* paragraphs, separated by an empty line; may be NULL */
    const struct option_argument *arguments; /* may be NULL */
    const struct option_entry *options;      /* may be NULL */
    const char *const *examples; /* whole command lines, NULL-terminated; at least one */
    const char *cmdlet;          /* the Windows cmdlets it replaces; may be NULL */
    /* Does it and gives the exit status: 0, or what option_fail says. */
    int (*run)(const struct option_values *values);
};

struct option_noun {
    const char *name;    /* "vm": the first word of each of its commands; NULL ends a table */
    const char *summary; /* "VM files" */
    const struct option_command *commands;
};

struct option_program {
    const char *name;        /* "hgs" */
    int section;             /* of its man page */
    const char *summary;     /* one line */
    const char *description; /* paragraphs; may be NULL */
    const struct option_entry
        *options; /* allowed with every command, before or after it; may be NULL */
    const struct option_noun *nouns;
};

/* Parses, runs the command (or prints help, version, the dump) and returns main's exit status. */
int option_main(const struct option_program *program, int argc, char *const *argv);

/*
 * The parts, for tests. base.usage, with a suggestion where a word is near another. *out is given
 * in either case (whether --json was said matters to an error, too), borrows argv and the tables,
 * and is freed with option_free.
 */
bool option_parse(struct option_values **out, const struct option_program *program, int argc,
                  char *const *argv, struct error *err);
void option_free(struct option_values **values);
/* The command to run; NULL when help, the version or the dump was asked for. */
const struct option_command *option_command(const struct option_values *values);

/* What was given. name must be in the command's or the program's table (asserted). Texts are
 * borrowed. */
bool option_given(const struct option_values *values, const char *name);
/* The value, or NULL when it was not given. */
const char *option_text(const struct option_values *values, const char *name);
/* The value of an OPTION_NUMBER, or otherwise when it was not given. */
uint32_t option_number(const struct option_values *values, const char *name, uint32_t otherwise);
/* How often a repeated option was given, and its index-th value. */
size_t option_count(const struct option_values *values, const char *name);
const char *option_item(const struct option_values *values, const char *name, size_t index);
/* The index-th argument; NULL when there are fewer. */
const char *option_argument(const struct option_values *values, size_t index);
size_t option_argument_count(const struct option_values *values);
/* --json was given. */
bool option_json(const struct option_values *values);

/* Reports the error on stderr in the form that --json or its absence asks for. 2 for ERROR_USAGE,
 * else 1. */
int option_fail(const struct option_values *values, const struct error *err);
/* Whether option_confirm would ask: without --yes, at a terminal. */
bool option_asks(const struct option_values *values);
/*
 * Before something is destroyed: true with --yes, when a person at the terminal answers y, and
 * where there is no terminal to ask at: a script means what it says. "no" is base.declined.
 */
bool option_confirm(const struct option_values *values, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* [A-Za-z0-9][A-Za-z0-9._-]{0,127}, or base.name. what: "guardian", for the message. */
bool option_check_name(const char *name, const char *what, struct error *err);
