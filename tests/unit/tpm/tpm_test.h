/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of tpm/ share: reading hex, and asking for an error by its code. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hex.h"

#define assert_slice_equal(a, b)                            \
    do {                                                    \
        struct slice a_ = (a), b_ = (b);                    \
        assert_int_equal(a_.size, b_.size);                 \
        if (a_.size > 0)                                    \
            assert_memory_equal(a_.data, b_.data, a_.size); \
    } while (0)

#define assert_success(expression, err)                                              \
    do {                                                                             \
        if (!(expression)) {                                                         \
            char text_[1200];                                                        \
            fail_msg("%s: %s", #expression, error_format(err, text_, sizeof text_)); \
        }                                                                            \
    } while (0)

/* That the expression refuses with this code. */
#define assert_refused(expression, err, expected)         \
    do {                                                  \
        memset(err, 0, sizeof *(err));                    \
        assert_false(expression);                         \
        assert_non_null((err)->code);                     \
        assert_string_equal((err)->code->name, expected); \
        assert_true((err)->message[0] != '\0');           \
    } while (0)

/* The bytes of a hex text, in a buffer initialised here. */
__attribute__((unused)) static inline struct slice from_hex(struct buf *out, const char *text)
{
    buf_init(out, 65536);
    assert_true(hex_parse(out, slice_from_text(text), NULL));
    return buf_slice(out);
}
