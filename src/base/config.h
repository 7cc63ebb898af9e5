/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * INI configuration against a table: each program lists its keys, so that an unknown section or
 * key, a value of the wrong form and a key given twice are errors that name file and line
 * (base.config-malformed). A line has at most CONFIG_LINE_MAX bytes, and is a comment when it
 * begins with '#' or ';'; what follows " ;" on a line is one too.
 */

#include "base/buf.h"

#define CONFIG_LINE_MAX 4000
#define CONFIG_FILE_MAX 1048576

enum config_type {
    CONFIG_TEXT,     /* char *, allocated */
    CONFIG_LIST,     /* struct config_list, separated by white space */
    CONFIG_BOOL,     /* bool: yes/no, true/false, on/off, 1/0 */
    CONFIG_NUMBER,   /* int64_t */
    CONFIG_DURATION, /* int64_t milliseconds: 500ms 30s 5min 8h 30d; a bare number is seconds */
    CONFIG_SIZE,     /* int64_t bytes: 512 64KiB 4MiB 1GiB */
};

struct config_list {
    char **items; /* NULL-terminated; NULL when there are none */
    size_t count;
};

struct config_key {
    const char *section;
    const char *key;
    enum config_type type;
    size_t offset;            /* of the field in the structure that config_load fills */
    const char *initial;      /* the default, in the form of the file; NULL: zero */
    int64_t minimum, maximum; /* for numbers, durations and sizes; both 0: no bound */
    const char *description;  /* one sentence, for the man page's check */
};

/*
 * Fills the structure at values (which must be zeroed) with the defaults of the table of count keys
 * and then with what the file says. path NULL: defaults only. On failure nothing of values is left
 * allocated.
 */
bool config_load(void *values, const struct config_key *keys, size_t count, const char *path,
                 struct error *err);

/*
 * Sections of one kind, as many as wanted: `[token hsm1]`, `[token hsm2]`. Each fills a structure
 * of its own, whose first field is `char *name`, in the order of the file.
 */
#define CONFIG_MEMBER_NAME_MAX 32 /* bytes of a plain name */
struct config_family {
    const char *section;           /* the first word, "token" */
    const struct config_key *keys; /* their section is for people: "token NAME" */
    size_t key_count;
    size_t size;    /* of a member */
    size_t maximum; /* members */
};
struct config_members {
    void *items; /* count structures, one behind the other; NULL when there are none */
    size_t count;
};
/* As config_load, and fills members (zeroed before) from the sections of the family, too. */
bool config_load_family(void *values, const struct config_key *keys, size_t count,
                        const struct config_family *family, struct config_members *members,
                        const char *path, struct error *err);
void config_members_done(struct config_members *members, const struct config_family *family);

/* Frees the texts and lists of a structure that config_load filled. */
void config_done(void *values, const struct config_key *keys, size_t count);

/* Whether both structures, which were loaded by the same table, have the same value for the key. */
bool config_same(const void *a, const void *b, const struct config_key *key);
/* Whether they have the same members, in the same order and with the same values. */
bool config_members_same(const struct config_members *a, const struct config_members *b,
                         const struct config_family *family);

/* The forms on their own, for command-line options: "8h" to milliseconds, "4MiB" to bytes. */
bool config_parse_duration(int64_t *milliseconds, const char *text, struct error *err);
bool config_parse_size(int64_t *bytes, const char *text, struct error *err);
