/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A configuration's table as JSON, behind the hidden option --dump-config of the programs: what the
 * man pages of configuration files are made from and checked against (tools/make-man).
 */

#include "base/config.h"

/*
 * Appends an array with one object a key, in the table's order, and a newline: section, key, type
 * ("text", "list", "bool", "number", "duration", "size"), default (text), minimum and maximum (in
 * milliseconds or bytes; absent when there is no bound), description.
 */
void config_dump(struct buf *out, const struct config_key *keys, size_t count);
