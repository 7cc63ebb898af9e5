/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All that a program's tables say, as JSON: what man pages and completions are checked against. */

#include "base/buf.h"
#include "base/option.h"

/* Appends one object, and a newline. */
void option_dump(struct buf *out, const struct option_program *program);
