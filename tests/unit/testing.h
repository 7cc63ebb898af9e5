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
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/slice.h"

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

/* call is refused with the expected code, and says why. */
#define assert_refused(call, expected)                  \
    do {                                                \
        struct error refusal_ = {0};                    \
        struct error *err = &refusal_;                  \
        assert_refused_with(call, &refusal_, expected); \
        (void)err;                                      \
    } while (0)

/* The same of a call that has its error in a variable of the test, for a look at what it says. */
#define assert_refused_with(call, error_, expected)                             \
    do {                                                                        \
        memset(error_, 0, sizeof *(error_));                                    \
        assert_false(call);                                                     \
        assert_non_null((error_)->code);                                        \
        assert_string_equal((error_)->code->name, testing_code_name(expected)); \
        assert_true((error_)->message[0] != '\0');                              \
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

#define assert_slice_equal(a, b)                            \
    do {                                                    \
        struct slice a_ = (a), b_ = (b);                    \
        assert_int_equal(a_.size, b_.size);                 \
        if (a_.size > 0)                                    \
            assert_memory_equal(a_.data, b_.data, a_.size); \
    } while (0)
