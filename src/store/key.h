/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which texts may be the key of a record: names that people read on terminals and type again. */

#include "base/error.h"

/*
 * 1 to STORE_KEY_MAX bytes of UTF-8 (RFC 3629) without control characters (C0, DEL, C1), line and
 * paragraph separators, and the characters that change the direction of text. store.key-invalid,
 * store.limit.
 */
bool store_key_check(const char *key, struct error *err);
