/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What went wrong, as a value that reaches the person who can act.
 *
 * Each room has one table of error codes (its errors.h): a stable name (`room.reason`), a kind, the
 * cause and the remedy, which `hgsctl explain CODE` prints. A function that can fail returns bool,
 * takes `struct error *err` as its last argument and leaves its outputs untouched when it returns
 * false. The error is set once, where it arises; everybody above just returns false. Out of memory
 * aborts; a caller's bug is an assert. A policy's refusal is a verdict and not an error.
 */

#include <stdbool.h>
#include <stddef.h>

/* What a protocol or a program does about an error depends on its kind alone. */
enum error_kind {
    ERROR_NONE,
    ERROR_MALFORMED,    /* bytes that break their format */
    ERROR_INVALID,      /* well formed, but not acceptable: a weak key, an expired certificate */
    ERROR_UNAUTHORIZED, /* the caller may not do this */
    ERROR_NOT_FOUND,
    ERROR_CONFLICT,    /* exists already, or was changed in the meantime */
    ERROR_UNAVAILABLE, /* retry later */
    ERROR_LIMIT,       /* larger, longer or more than allowed */
    ERROR_UNSUPPORTED, /* understood, but we do not do that */
    ERROR_IO,          /* the system refused: files, sockets */
    ERROR_CRYPTO,      /* a signature or decryption failed */
    ERROR_USAGE,       /* the command line or the configuration is wrong */
    ERROR_INTERNAL,    /* our own fault */
};

struct error_code {
    const char *name; /* "room.reason", stable: scripts and people search for it */
    enum error_kind kind;
    const char *cause;  /* one sentence, ends without a full stop */
    const char *remedy; /* what to do next; names the command */
};

#define ERROR_OBJECT_SIZE 256
#define ERROR_MESSAGE_SIZE 768

struct error {
    const struct error_code *code; /* NULL: no error */
    const char *clause;            /* "MS-KPS 3.1.5.1" or NULL */
    char object[ERROR_OBJECT_SIZE];
    char message[ERROR_MESSAGE_SIZE];
};

/*
 * A room's table is an X-macro of (identifier, name, kind, cause, remedy). ERROR_TABLE_DECLARE in
 * errors.h declares one `const struct error_code identifier` for each row and the NULL-terminated
 * array TABLE; ERROR_TABLE_DEFINE in errors.c defines them.
 */
#define ERROR_DECLARE_ROW(identifier, name, kind, cause, remedy) \
    extern const struct error_code identifier;
#define ERROR_DEFINE_ROW(identifier, name, kind, cause, remedy) \
    const struct error_code identifier = {name, kind, cause, remedy};
#define ERROR_POINTER_ROW(identifier, name, kind, cause, remedy) &identifier,
#define ERROR_TABLE_DECLARE(TABLE, ROWS) \
    ROWS(ERROR_DECLARE_ROW)              \
    extern const struct error_code *const TABLE[];
#define ERROR_TABLE_DEFINE(TABLE, ROWS) \
    ROWS(ERROR_DEFINE_ROW)              \
    const struct error_code *const TABLE[] = {ROWS(ERROR_POINTER_ROW) NULL};

/*
 * Fills in *err (NULL: the caller does not want it) and returns false, so that `return
 * error_set(…)` refuses. clause: the specification's clause that decided, or NULL; kept by
 * reference. object: which file, host, certificate…, or NULL; copied, cut at ERROR_OBJECT_SIZE.
 * format: what was wrong with it, one sentence.
 */
bool error_set(struct error *err, const struct error_code *code, const char *clause,
               const char *object, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* As error_set, and appends the text of the system's errno value number. */
bool error_set_errno(struct error *err, const struct error_code *code, int number,
                     const char *object, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * For whoever handed bytes to a room that does not know where they come from: names the object (the
 * file, the URL) of an error that has none. Returns false. err: as for error_set.
 */
bool error_name_object(struct error *err, const char *object);

/* Tells the compiler and static analysers, who look at one file at a time, that both return false:
 * what a function that failed would have filled in is not read. */
static inline bool error_returns_false(bool result)
{
    (void)result;
    return false;
}
#define error_set(...) error_returns_false(error_set(__VA_ARGS__))
#define error_set_errno(...) error_returns_false(error_set_errno(__VA_ARGS__))
#define error_name_object(...) error_returns_false(error_name_object(__VA_ARGS__))

/* The kind of a set error; ERROR_NONE when none is set. */
enum error_kind error_kind(const struct error *err);

/* The kind's stable lower-case word, as in JSON output: "malformed", "unavailable"… */
const char *error_kind_name(enum error_kind kind);

/*
 * One line for a person: "object: message (code; clause)". Writes at most size bytes with the NUL,
 * control characters replaced, and returns text.
 */
char *error_format(const struct error *err, char *text, size_t size);
