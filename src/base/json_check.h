/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Is a text JSON (RFC 8259), to the letter and within our bounds? This pass comes first and
 * allocates nothing; json_tree.h builds what it has found good.
 */

#include "base/error.h"
#include "base/slice.h"

/* *values: how many there are, names not counted. base.json-malformed and base.json-too-deep, as
 * json_parse documents them; properties given twice are left to it. The message names the byte. */
bool json_check(size_t *values, struct slice text, struct error *err);
