/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of process/ assert of a refusal: the code, by name. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#define assert_refused(call, code_)                        \
    do {                                                   \
        struct error err = {0};                            \
        assert_false(call);                                \
        assert_non_null(err.code);                         \
        assert_string_equal(err.code->name, (code_).name); \
    } while (0)

/* With &err as the last argument of call; prints the error when there is one. */
#define assert_fine(call)                                            \
    do {                                                             \
        struct error err = {0};                                      \
        char text_[1200];                                            \
        if (!(call))                                                 \
            fail_msg("%s", error_format(&err, text_, sizeof text_)); \
    } while (0)
