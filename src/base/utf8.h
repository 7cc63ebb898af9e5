/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing past U+10FFFF. */

#include "base/error.h"
#include "base/slice.h"

/* The length (1 to 4) of the character at the front of bytes; 0 when it is not UTF-8, or bytes is
 * empty. */
size_t utf8_length(struct slice bytes);
/* How many bytes at the front of text are valid: text.size when all are. Quick over ASCII. */
size_t utf8_valid(struct slice text);
/* Text from outside is UTF-8 without a NUL. base.text-malformed, about object. */
bool utf8_check(struct slice text, const char *object, struct error *err);
/*
 * Text that quotes what others sent, before a person sees it: '?' takes the place of whatever could
 * move a terminal's cursor, break a line or turn a line around (C0, DEL, C1, the bidirectional
 * controls), byte by byte, and of bytes that are no UTF-8.
 */
void utf8_replace_controls(char *text);
