/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Is a text JSON (RFC 8259), to the letter and within our bounds? cJSON is lenient (control
 * characters in strings, numbers such as 01 and +1, any byte below 0x21 as white space) and builds
 * a tree before one can count; so this pass comes first, without allocating.
 */

#include "base/error.h"
#include "base/slice.h"

/* base.json-malformed and base.json-too-deep, as json_parse documents them; properties given twice
 * are left to it. The message names the byte. */
bool json_check(struct slice text, struct error *err);
