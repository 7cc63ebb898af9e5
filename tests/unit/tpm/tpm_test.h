/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of tpm/ share: reading hex. */

#include <string.h>

#include "../testing.h"
#include "base/buf.h"
#include "base/hex.h"

/* The bytes of a hex text, in a buffer initialised here. */
__attribute__((unused)) static inline struct slice from_hex(struct buf *out, const char *text)
{
    buf_init(out, 65536);
    assert_true(hex_parse(out, slice_from_text(text), NULL));
    return buf_slice(out);
}
