/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this room share: cmocka, and asserting that something is refused, and how. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "keyholder/errors.h"

/* call is refused with this code; it has an `err` of its own. */
#define assert_refused(call, expected)                      \
    do {                                                    \
        struct error refused_ = {0};                        \
        struct error *err = &refused_;                      \
        assert_false(call);                                 \
        assert_non_null(refused_.code);                     \
        assert_string_equal(refused_.code->name, expected); \
    } while (0)

/* call succeeds; what it says otherwise is shown. */
#define assert_ok(call)                                                             \
    do {                                                                            \
        struct error failed_ = {0};                                                 \
        struct error *err = &failed_;                                               \
        if (!(call)) {                                                              \
            char text_[1200];                                                       \
            fail_msg("%s: %s", #call, error_format(&failed_, text_, sizeof text_)); \
        }                                                                           \
    } while (0)
