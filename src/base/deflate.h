/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The zlib format (RFC 1950), for what is kept for long: event logs shrink to a quarter. */

#include "base/buf.h"

/* Appends bytes, compressed. */
void deflate_compress(struct buf *out, struct slice bytes);
/* Appends what was compressed, at most limit bytes of it and nothing behind its end.
 * base.deflate-malformed, base.buffer-full (more than limit). */
bool deflate_expand(struct buf *out, struct slice compressed, size_t limit, struct error *err);
