/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-16, little endian, as firmware and Windows write it (RFC 2781), from and to UTF-8. */

#include "base/buf.h"

/* Appends bytes as UTF-8; a NUL is a character like any other. False, with nothing appended: an odd
 * number of bytes, or half a surrogate pair. */
bool utf16_to_utf8(struct buf *out, struct slice bytes);
/* Appends text, which is UTF-8, as UTF-16LE. False, with nothing appended: text is not UTF-8. */
bool utf16_from_utf8(struct buf *out, struct slice text);
