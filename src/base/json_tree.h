/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tree that json_parse makes of a text which json_check has found good. A document is one block
 * of memory: its values in the order of the text, the outermost first, then all names and texts,
 * unescaped, each with a NUL.
 */

#include "base/json.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    const char *name;        /* of a property; else NULL */
    const struct json *next; /* in the same object or array */
    union {
        bool truth;
        double number;
        struct slice text;        /* there is a NUL behind it */
        const struct json *first; /* child */
    };
};

/* text: good, with so many values. Freed with free(). */
struct json *json_tree_build(struct slice text, size_t values);
