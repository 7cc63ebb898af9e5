/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Is a text JSON (RFC 8259), to the letter and within our bounds? cJSON is lenient (control
 * characters in strings, numbers such as 01 and +1, any byte below 0x21 as white space) and builds
 * a tree before one can count; so this pass comes first, without allocating.
 *
 * It also finds what is too long for cJSON: a log of some ten kilobytes as base64, which cJSON
 * copies character by character, or as an array of numbers (WCF), of which cJSON makes a node each.
 */

#include "base/error.h"
#include "base/slice.h"

#define JSON_LONG_MIN 512  /* bytes of a text, numbers of an array, from which on it is long */
#define JSON_LONGS_MAX 16u /* that are found in one document; others are as any value */

/* A long value. */
struct json_long {
    size_t value;      /* its number in the document, from 0, a parent's before its children's */
    bool is_bytes;     /* an array of whole numbers from 0 to 255; else a text without escapes */
    struct slice text; /* between the quotes; of an array with its brackets; borrowed */
};

struct json_longs {
    struct json_long items[JSON_LONGS_MAX]; /* in the order of the document */
    size_t count;
};

/* Of at most so many values. base.json-malformed and base.json-too-deep, as json_parse documents
 * them; properties given twice are left to it. The message names the byte. The numbers of a long
 * array are not counted as values. */
bool json_check(struct json_longs *longs, struct slice text, size_t values, struct error *err);
