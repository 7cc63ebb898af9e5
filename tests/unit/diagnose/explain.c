/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnose/explain.h"

#include "../testing.h"

#include <ctype.h>

#include "admin/hgsd_errors.h"
#include "base/errors.h"
#include "base/json.h"
#include "vm/errors.h"

static const struct error_code extra = {"extra.code", ERROR_IO, "a cause", "a remedy"};

static void finds_codes(void **state)
{
    (void)state;
    assert_ptr_equal(diagnose_explain_find("vm.malformed"), &vm_malformed);
    assert_ptr_equal(diagnose_explain_find("hgsd.config"), &hgsd_config_invalid);
    assert_null(diagnose_explain_find("no.such-code"));
    assert_null(diagnose_explain_find(""));
    assert_string_equal(diagnose_explain_nearest("vm.malfromed"), "vm.malformed");
    assert_null(diagnose_explain_nearest("qqqqqqqqqqqq"));
}

/* Scripts and people search for names, so each is unique, has a room, and says what to do. */
static void every_code_is_whole(void **state)
{
    (void)state;
    const struct error_code *code;
    size_t count = 0;
    for (; (code = diagnose_explain_at(count)) != NULL; count++) {
        const char *dot = strchr(code->name, '.');
        if (dot == NULL || dot == code->name || dot[1] == '\0')
            fail_msg("%s is not room.reason", code->name);
        for (const char *c = code->name; *c != '\0'; c++)
            if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '.' &&
                *c != '-')
                fail_msg("%s has a character that names do not have", code->name);
        if (diagnose_explain_find(code->name) != code)
            fail_msg("%s is there twice", code->name);
        if (code->kind == ERROR_NONE || code->cause[0] == '\0' || code->remedy[0] == '\0')
            fail_msg("%s lacks kind, cause or remedy", code->name);
        if (code->cause[strlen(code->cause) - 1] == '.')
            fail_msg("the cause of %s ends with a full stop", code->name);
    }
    assert_true(count > 100);
}

static void writes_text_and_json(void **state)
{
    (void)state;
    struct buf out;
    struct json *document = NULL;
    buf_init(&out, 1024 * 1024);
    diagnose_explain_format(&out, &extra);
    assert_string_equal(buf_text(&out), "extra.code (io)\n\nWhat happened: a cause.\n"
                                        "What to do: a remedy.\n");
    buf_reset(&out);
    diagnose_explain_format_json(&out, &extra);
    assert_true(json_parse(&document, buf_slice(&out), NULL));
    assert_string_equal(json_text(json_get(document, "remedy")), "a remedy");
    json_free(&document);
    buf_reset(&out);
    diagnose_explain_list(&out, true);
    assert_true(json_parse(&document, buf_slice(&out), NULL));
    size_t count = 0;
    for (const struct json *value = json_first(document); value != NULL; value = json_next(value))
        count++;
    assert_null(diagnose_explain_at(count));
    assert_non_null(diagnose_explain_at(count - 1));
    json_free(&document);
    buf_reset(&out);
    diagnose_explain_list(&out, false);
    assert_non_null(strstr(buf_text(&out), "\nvm.malformed "));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_codes),
        cmocka_unit_test(every_code_is_whole),
        cmocka_unit_test(writes_text_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
