/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option_help.h"

#include "../testing.h"

#include <string.h>

#include "base/json.h"
#include "base/option_dump.h"

static const struct option_entry add_options[] = {
    {"tpm", "FILE", "by its TPM", OPTION_VALUE, OPTION_FILE, .required = true, .group = "by"},
    {"key", "FILE", "by its key", OPTION_VALUE, OPTION_FILE, .required = true, .group = "by"},
    {"guardian", "NAME",
     "a guardian, with a description that is long enough to be broken into more than one line of "
     "eighty columns",
     OPTION_REPEATED, OPTION_NAME},
    {"secret", NULL, "not shown", OPTION_FLAG, .hidden = true},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_argument arguments[] = {
    {"NAME", "the host", OPTION_NAME, false, false},
    {"MORE", "others", OPTION_NAME, true, true},
    {.name = NULL},
};
static const char *const examples[] = {"prog host add n1 --key k", NULL};
static const struct option_command commands[] = {
    {"host add", "add a host", "First.\n\nSecond.", arguments, add_options, examples, "Add-Host",
     NULL},
    {"host list", "list hosts", NULL, NULL, NULL, examples, NULL, NULL},
    {.name = NULL},
};
static const struct option_noun nouns[] = {
    {"host", "hosts that may attest", commands},
    {NULL, NULL, NULL},
};
static const struct option_program program = {"prog", 1, "a program", "About it.", NULL, nouns};

static char text[65536];

static const char *help(const char *words)
{
    struct buf out;
    buf_init(&out, sizeof text);
    assert_true(option_help_format(&out, &program, words));
    snprintf(text, sizeof text, "%s", buf_text(&out));
    buf_done(&out);
    return text;
}

/* Not inlined: gcc with UBSan would take the sanitizer's own check of needle for a way in which it
 * can be NULL, and warn. */
__attribute__((noinline)) static void has(const char *haystack, const char *needle)
{
    if (strstr(haystack, needle) == NULL)
        fail_msg("no \"%s\" in:\n%s", needle, haystack);
}

static void shows_usage(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    option_help_usage(&out, &commands[0]);
    assert_string_equal(buf_text(&out), "host add NAME [MORE…] (--tpm FILE | --key FILE) "
                                        "[--guardian NAME…] [--dry-run]");
    buf_done(&out);
}

static void shows_a_command(void **state)
{
    (void)state;
    const char *shown = help("host add");
    has(shown, "usage: prog host add NAME");
    has(shown, "First.\n\nSecond.\n");
    has(shown, "--guardian NAME…");
    has(shown, "--json");
    has(shown, "prog host add n1 --key k");
    has(shown, "Add-Host");
    assert_null(strstr(shown, "not shown"));
}

static void keeps_lines_short(void **state)
{
    (void)state;
    static char copy[sizeof text];
    snprintf(copy, sizeof copy, "%s", help("host add"));
    for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        size_t columns = 0;
        for (const char *c = line; *c != '\0'; c++)
            columns += ((unsigned char)*c & 0xc0) != 0x80;
        assert_true(columns <= 80);
    }
}

static void shows_nouns_and_program(void **state)
{
    (void)state;
    has(help("host"), "list hosts");
    has(help("host"), "hosts that may attest");
    has(help(""), "About it.");
    has(help(""), "hosts that may attest");
    struct buf out;
    buf_init(&out, 4096);
    assert_false(option_help_format(&out, &program, "nothing"));
    assert_int_equal(out.size, 0);
    buf_done(&out);
}

static void dumps_json(void **state)
{
    (void)state;
    struct buf out;
    struct json *document = NULL;
    const struct json *array;
    buf_init(&out, sizeof text);
    option_dump(&out, &program);
    assert_ok(json_parse(&document, buf_slice(&out), err));
    assert_ok(json_get_array(&array, document, "nouns", err));
    assert_ok(json_get_array(&array, json_first(array), "commands", err));
    const struct json *command = json_first(array);
    assert_string_equal(json_text(json_get(command, "name")), "host add");
    assert_string_equal(json_text(json_get(command, "cmdlet")), "Add-Host");
    assert_ok(json_get_array(&array, command, "options", err));
    size_t count = 0;
    for (const struct json *option = json_first(array); option != NULL; option = json_next(option))
        count++;
    assert_int_equal(count, 4); /* the hidden one is not there */
    json_free(&document);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_usage),       cmocka_unit_test(shows_a_command),
        cmocka_unit_test(keeps_lines_short), cmocka_unit_test(shows_nouns_and_program),
        cmocka_unit_test(dumps_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
