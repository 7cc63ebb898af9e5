/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Base64 (RFC 4648 section 4): the standard alphabet, padded, canonical (unused bits are zero), no
 * white space. The hot paths decode tens of kilobytes per request, so both directions work from
 * tables.
 */

#include "base/buf.h"

void base64_append(struct buf *out, struct slice bytes);
/* Appends the decoded bytes to out. base.base64-malformed; base.buffer-full when out's ceiling is
 * reached. */
bool base64_parse(struct buf *out, struct slice text, struct error *err);
/* As base64_parse, but skips ASCII white space, as XML and PEM have it. */
bool base64_parse_spaced(struct buf *out, struct slice text, struct error *err);
