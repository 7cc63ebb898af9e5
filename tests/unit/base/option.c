/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option.h"

#include "../testing.h"

#include <string.h>

#include "base/errors.h"

static int ran;

static int run(const struct option_values *values)
{
    ran++;
    return option_given(values, "fail") ? 1 : 0;
}

static const char *const modes[] = {"fast", "slow", NULL};
static const struct option_entry add_options[] = {
    {"tpm", "FILE", "by its TPM", OPTION_VALUE, OPTION_FILE, .required = true, .group = "by"},
    {"key", "FILE", "by its key", OPTION_VALUE, OPTION_FILE, .required = true, .group = "by"},
    {"tag", "NAME", "a tag", OPTION_REPEATED, OPTION_NAME},
    {"mode", "MODE", "how", OPTION_VALUE, .choices = modes},
    {"count", "N", "how many", OPTION_VALUE, OPTION_NUMBER},
    {"url", "URL", "where", OPTION_VALUE, OPTION_URL},
    {"fail", NULL, "fail", OPTION_FLAG},
    OPTION_ROW_YES,
    OPTION_END,
};
static const struct option_argument add_arguments[] = {
    {"NAME", "the host", OPTION_NAME, false, false},
    {.name = NULL},
};
static const struct option_argument many_arguments[] = {
    {"FIRST", "one", OPTION_ANY, false, false},
    {"MORE", "others", OPTION_PATTERN, true, true},
    {.name = NULL},
};
static const struct option_entry need_options[] = {
    {"out", "FILE", "where to", OPTION_VALUE, OPTION_FILE, .required = true},
    OPTION_END,
};
static const char *const examples[] = {"prog host add n1 --key k", NULL};
static const struct option_command host_commands[] = {
    {"host add", "add a host", NULL, add_arguments, add_options, examples, NULL, run},
    {"host many", "many", NULL, many_arguments, NULL, examples, NULL, run},
    {"host need", "need", NULL, NULL, need_options, examples, NULL, run},
    {"host secret add", "three words", NULL, NULL, NULL, examples, NULL, run},
    {.name = NULL},
};
static const struct option_command explain_commands[] = {
    {"explain", "explain", NULL, many_arguments, NULL, examples, NULL, run},
    {.name = NULL},
};
static const struct option_noun nouns[] = {
    {"host", "hosts", host_commands},
    {"explain", "codes", explain_commands},
    {NULL, NULL, NULL},
};
static const struct option_entry program_options[] = {
    {"socket", "PATH", "the socket", OPTION_VALUE, OPTION_FILE},
    OPTION_END,
};
static const struct option_program program = {
    "prog", 8, "a program", NULL, program_options, nouns,
};

#define WORDS_MAX 16

static char program_word[] = "prog", empty_word[] = "";

/* Parses a line split at spaces; "_" stands for an empty word. */
static bool parse(struct option_values **values, const char *line, struct error *err)
{
    static char copy[512];
    char *words[WORDS_MAX + 1] = {program_word};
    int count = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = strcmp(word, "_") == 0 ? empty_word : word;
    return option_parse(values, &program, count, words, err);
}

static void refused(const char *line, const char *part)
{
    struct option_values *values = NULL;
    struct error err = {0};
    assert_false(parse(&values, line, &err));
    assert_ptr_equal(err.code, &base_usage);
    if (strstr(err.message, part) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", line, err.message, part);
    option_free(&values);
}

static struct option_values *accepted(const char *line)
{
    struct option_values *values = NULL;
    assert_ok(parse(&values, line, err));
    return values;
}

static void reads_options_anywhere(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "host add n1 --key k --tag a --tag b --socket s",
        "--socket s host add --key=k n1 --tag=a --tag b",
        "host --socket=s add --tag a --key k --tag b -- n1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct option_values *values = accepted(lines[i]);
        assert_string_equal(option_command(values)->name, "host add");
        assert_string_equal(option_argument(values, 0), "n1");
        assert_null(option_argument(values, 1));
        assert_int_equal(option_argument_count(values), 1);
        assert_string_equal(option_text(values, "key"), "k");
        assert_string_equal(option_text(values, "socket"), "s");
        assert_null(option_text(values, "tpm"));
        assert_false(option_given(values, "mode"));
        assert_int_equal(option_count(values, "tag"), 2);
        assert_string_equal(option_item(values, "tag", 0), "a");
        assert_string_equal(option_item(values, "tag", 1), "b");
        assert_false(option_json(values));
        option_free(&values);
    }
}

static void reads_commands_of_any_length(void **state)
{
    (void)state;
    struct option_values *values = accepted("host secret add --json");
    assert_string_equal(option_command(values)->name, "host secret add");
    assert_true(option_json(values));
    option_free(&values);
    values = accepted("explain x a* --json");
    assert_string_equal(option_command(values)->name, "explain");
    assert_string_equal(option_argument(values, 1), "a*");
    option_free(&values);
}

static void reads_numbers(void **state)
{
    (void)state;
    struct option_values *values = accepted("host add n1 --key k --count 4294967295");
    assert_int_equal(option_number(values, "count", 7), 4294967295u);
    option_free(&values);
    values = accepted("host add n1 --key k");
    assert_int_equal(option_number(values, "count", 7), 7);
    option_free(&values);
    refused("host add n1 --key k --count 4294967296", "whole number");
    refused("host add n1 --key k --count -1", "whole number");
    refused("host add n1 --key k --count 1x", "whole number");
    refused("host add n1 --key k --count= ", "whole number");
}

static void dash_is_an_argument(void **state)
{
    (void)state;
    struct option_values *values = accepted("explain -");
    assert_string_equal(option_argument(values, 0), "-");
    option_free(&values);
    values = accepted("explain -- --key");
    assert_string_equal(option_argument(values, 0), "--key");
    option_free(&values);
}

static void refuses_wrong_words(void **state)
{
    (void)state;
    refused("", "a command is missing");
    refused("host", "a command is missing");
    refused("host secret", "a command is missing");
    refused("hots add n1", "did you mean \"host\"");
    refused("host ad n1", "did you mean \"add\"");
    refused("host secret ad", "did you mean \"add\"");
    refused("zzzzzz", "no command \"zzzzzz\"");
    refused("_", "no command");
}

static void refuses_wrong_options(void **state)
{
    (void)state;
    refused("host add n1 --kee k", "did you mean --key");
    refused("host add n1 --zzzzzzzz k", "no option --zzzzzzzz");
    refused("--key k host add n1", "--key");
    refused("host add n1 -k x", "two dashes");
    refused("host add n1 --key", "wants a value");
    refused("host add n1 --key --yes", "wants a value");
    refused("host add n1 --key k --fail=1", "takes no value");
    refused("host add n1 --key k --key l", "given twice");
    refused("host add n1 --key k --tpm t", "exclude each other");
    refused("host add n1", "one of --tpm, --key is needed");
    refused("host need", "--out FILE is needed");
    refused("host add n1 --key k --mode medium", "one of fast, slow");
    refused("host add n1 --key= ", "is empty");
    refused("host add n1 --key k --url ftp://x", "not a URL");
    refused("host add n1 --key k --tag a/b", "not a name");
}

static void refuses_wrong_arguments(void **state)
{
    (void)state;
    refused("host add --key k", "NAME is missing");
    refused("host add n1 n2 --key k", "one argument too many");
    refused("host add .n1 --key k", "not a name");
    refused("host many", "FIRST is missing");
    refused("host many x a b/c", "pattern");
}

static void knows_json_wherever_the_error_is(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool json;
    } lines[] = {
        {"host ad --json", true}, {"--json host ad", true},     {"host add --zzz --json", true},
        {"host ad", false},       {"host ad -- --json", false},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct option_values *values = NULL;
        assert_refused(parse(&values, lines[i].line, err), base_usage);
        assert_int_equal(option_json(values), lines[i].json);
        option_free(&values);
    }
}

static void knows_names(void **state)
{
    (void)state;
    char longest[130];
    memset(longest, 'a', sizeof longest);
    longest[128] = '\0';
    assert_ok(option_check_name(longest, "host", err));
    assert_ok(option_check_name("0", "host", err));
    assert_ok(option_check_name("A.b_c-9", "host", err));
    longest[128] = 'a';
    longest[129] = '\0';
    static const char *const wrong[] = {"", ".", "..", "-a", "_a", "a b", "a/b", "ä", "a\n", "a*"};
    assert_refused(option_check_name(longest, "host", err), base_name);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(option_check_name(wrong[i], "host", err), base_name);
}

static int main_of(const char *line)
{
    static char copy[512];
    char *words[WORDS_MAX + 1] = {program_word};
    int count = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    return option_main(&program, count, words);
}

static void gives_exit_statuses(void **state)
{
    (void)state;
    ran = 0;
    assert_int_equal(main_of("host add n1 --key k"), 0);
    assert_int_equal(main_of("host add n1 --key k --fail"), 1);
    assert_int_equal(ran, 2);
    assert_int_equal(main_of("host add n1"), 2);
    assert_int_equal(main_of("host add n1 --json"), 2);
    assert_int_equal(main_of("host"), 2);
    assert_int_equal(main_of(""), 2);
    assert_int_equal(main_of("--help"), 0);
    assert_int_equal(main_of("host --help"), 0);
    assert_int_equal(main_of("host add --help"), 0);
    assert_int_equal(main_of("-h"), 0);
    assert_int_equal(main_of("--version"), 0);
    assert_int_equal(main_of("--dump-options"), 0);
    assert_int_equal(ran, 2);
}

static void confirms_with_yes(void **state)
{
    (void)state;
    struct option_values *values = accepted("host add n1 --key k --yes");
    assert_ok(option_confirm(values, err, "Remove?"));
    option_free(&values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_options_anywhere),
        cmocka_unit_test(reads_commands_of_any_length),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(dash_is_an_argument),
        cmocka_unit_test(refuses_wrong_words),
        cmocka_unit_test(refuses_wrong_options),
        cmocka_unit_test(refuses_wrong_arguments),
        cmocka_unit_test(knows_names),
        cmocka_unit_test(gives_exit_statuses),
        cmocka_unit_test(confirms_with_yes),
        cmocka_unit_test(knows_json_wherever_the_error_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
