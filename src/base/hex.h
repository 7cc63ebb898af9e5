/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hexadecimal text of bytes (RFC 4648 section 8). */

#include "base/buf.h"

/* Lower case, appended to out. */
void hex_append(struct buf *out, struct slice bytes);
/* Upper case, as in the subject of a health certificate. */
void hex_append_upper(struct buf *out, struct slice bytes);
/* Writes 2 × bytes.size lower-case digits and a NUL to text (which must hold them), and returns
 * text. */
char *hex_format(struct slice bytes, char *text);
/* Either case, an even number of digits, nothing else. Appends to out. Malformed:
 * base.hex-malformed. */
bool hex_parse(struct buf *out, struct slice text, struct error *err);
