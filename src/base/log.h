/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A program's log: lines on stderr, with the journal's "<N>" priority prefix when stderr is the
 * journal (JOURNAL_STREAM), and a time otherwise. Libraries do not log; programs do. Never a
 * secret, never unbounded text.
 */

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };

/* program: the name before each line of a process, as "hgsd: keyholder"; kept by reference. */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
/* "error", "warning", "notice", "debug". False when the word is none of them. */
bool log_level_parse(enum log_level *out, const char *text);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The error on one line with its code, after what could not be done: "cannot load host n1: …". */
void log_error(enum log_level level, const struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
