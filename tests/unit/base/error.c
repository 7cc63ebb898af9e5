/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "../testing.h"
#include "base/errors.h"

static void test_set(void **state)
{
    (void)state;
    struct error err = {0};
    char text[200];
    assert_int_equal(error_kind(&err), ERROR_NONE);
    assert_string_equal(error_format(&err, text, sizeof text), "no error");
    assert_false(error_set(&err, &base_file_mode, "clause 1", "a\nfile", "is %d\x1b[2J", 7));
    assert_int_equal(error_kind(&err), ERROR_INVALID);
    assert_string_equal(err.object, "a?file");
    assert_string_equal(err.message, "is 7?[2J");
    assert_string_equal(error_format(&err, text, sizeof text),
                        "a?file: is 7?[2J (base.file-mode; clause 1)");
    assert_false(error_set(NULL, &base_file_mode, NULL, NULL, "nobody wants it"));
}

static void test_errno(void **state)
{
    (void)state;
    struct error err = {0};
    error_set_errno(&err, &base_file_unreadable, ENOENT, "x", "cannot be opened");
    assert_string_equal(err.message, "cannot be opened: No such file or directory");
    char text[8];
    assert_string_equal(error_format(&err, text, sizeof text), "x: cann");
}

static void test_an_object_is_named_once(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, &base_json_malformed, NULL, NULL, "byte 1: not a value");
    assert_false(error_name_object(&err, "a\nfile"));
    assert_string_equal(err.object, "a?file");
    assert_false(error_name_object(&err, "another"));
    assert_string_equal(err.object, "a?file");
    assert_false(error_name_object(NULL, "nobody wants it"));
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct error err = {0};
    char object[1000];
    memset(object, 'o', sizeof object);
    object[999] = '\0';
    error_set(&err, &base_file_mode, NULL, object, "%s%s", object, object);
    assert_int_equal(strlen(err.object), ERROR_OBJECT_SIZE - 1);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
}

/* Names are addresses, and everybody gets a next step. */
static void test_table(void **state)
{
    (void)state;
    for (const struct error_code *const *code = base_errors; *code != NULL; code++) {
        assert_int_equal(strncmp((*code)->name, "base.", 5), 0);
        assert_true(strlen((*code)->cause) > 10 && strlen((*code)->remedy) > 10);
        assert_string_not_equal(error_kind_name((*code)->kind), "none");
        for (const struct error_code *const *other = code + 1; *other != NULL; other++)
            assert_string_not_equal((*code)->name, (*other)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_an_object_is_named_once),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
