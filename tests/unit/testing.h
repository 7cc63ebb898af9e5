/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the tests of all rooms share: cmocka with what it needs, and what is asserted of a call
 * whose last argument is a struct error *: it is called `err` in the call, and is the macro's own.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

static inline const char *testing_name_of_text(const char *name)
{
    return name;
}

static inline const char *testing_name_of_code(struct error_code code)
{
    return code.name;
}

static inline const char *testing_name_of_pointer(const struct error_code *code)
{
    return code->name;
}

/* A code is named by its text, by itself, or by its address. */
#define testing_code_name(code) \
    _Generic((code), struct error_code                                  \
             : testing_name_of_code, const struct error_code *          \
             : testing_name_of_pointer, default                         \
             : testing_name_of_text)(code)

/* call is refused with the expected code. */
#define assert_refused(call, expected)                                         \
    do {                                                                       \
        struct error refusal_ = {0};                                           \
        struct error *err = &refusal_;                                         \
        assert_false(call);                                                    \
        assert_non_null(refusal_.code);                                        \
        assert_string_equal(refusal_.code->name, testing_code_name(expected)); \
        (void)err;                                                             \
    } while (0)

/* call succeeds; what it says otherwise is shown. */
#define assert_ok(call)                                                              \
    do {                                                                             \
        struct error failure_ = {0};                                                 \
        struct error *err = &failure_;                                               \
        if (!(call)) {                                                               \
            char text_[1200];                                                        \
            fail_msg("%s: %s", #call, error_format(&failure_, text_, sizeof text_)); \
        }                                                                            \
        (void)err;                                                                   \
    } while (0)
