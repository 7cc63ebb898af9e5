/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text tables for people: columns aligned by what a terminal shows (UTF-8, wide characters count
 * twice), colour only on a terminal that wants it (not with NO_COLOR set or TERM=dumb). Control
 * characters in cells are replaced, since cells show what others wrote.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_tone { TABLE_PLAIN, TABLE_GOOD, TABLE_WARNING, TABLE_BAD, TABLE_FAINT };

struct table;

/* headings: NULL-terminated; NULL: no heading line, rows of "name  value" pairs, for `show`. */
struct table *table_new(const char *const *headings);
void table_free(struct table **table);
#define _cleanup_table_ __attribute__((cleanup(table_free)))

/* The next cell of the row under way. */
void table_cell(struct table *table, enum table_tone tone, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The row is complete; it may have fewer cells than others. */
void table_end_row(struct table *table);
/* A whole row of a table of pairs. */
void table_pair(struct table *table, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t table_row_count(const struct table *table);
void table_print(const struct table *table, FILE *stream);

/* Whether text to this stream should be coloured. */
bool table_wants_colour(FILE *stream);
/* Columns that text takes on a terminal; invalid UTF-8 counts one a byte. */
size_t table_width(const char *text);
