/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an error code means and what to do about it: `hgs explain CODE` and `hgsctl explain CODE`,
 * over the tables of all rooms and programs.
 */

#include "base/buf.h"

/* The code of this name ("vm.malformed"), or NULL. */
const struct error_code *diagnose_explain_find(const char *name);
/* The index-th of all codes, or NULL behind the last. */
const struct error_code *diagnose_explain_at(size_t index);
/* The nearest name to a misspelt one, or NULL. */
const char *diagnose_explain_nearest(const char *name);
/* What `explain` prints: kind, cause, remedy; as text or as a JSON object. Appended. */
void diagnose_explain_format(struct buf *out, const struct error_code *code);
void diagnose_explain_format_json(struct buf *out, const struct error_code *code);
/* All codes with their causes, as lines of text or as a JSON array. Appended. */
void diagnose_explain_list(struct buf *out, bool json);
