/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/option_help.h"

#define ARGUMENTS_MAX 4096
#define OUTPUT_MAX (1024 * 1024)
#define CANDIDATES_MAX 256

enum wanted { WANTED_RUN, WANTED_HELP, WANTED_VERSION, WANTED_DUMP };

struct given {
    const struct option_entry *entry;
    const char *value; /* NULL for a flag */
};

struct option_values {
    const struct option_program *program;
    const struct option_command *command; /* NULL until its words are complete */
    enum wanted wanted;
    bool json;
    bool incomplete;     /* the command's words are missing, or some of them */
    bool only_arguments; /* after "--" */
    char words[128];     /* the words of the command so far */
    struct given *given;
    size_t given_count;
    const char **arguments;
    size_t argument_count;
};

/* The options that every command has; they stand in no table. */
static const struct option_entry implied[] = {
    {"help", NULL, "show this help", OPTION_FLAG},
    {"json", NULL, "print the result (and errors, on stderr) as JSON", OPTION_FLAG},
    {"version", NULL, "show the program's version", OPTION_FLAG, .hidden = true},
    {"dump-options", NULL, "show all options as JSON", OPTION_FLAG, .hidden = true},
    OPTION_END,
};

static bool usage(struct error *err, const struct option_values *values, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Every usage error names the command and ends with where its help is. */
static bool usage(struct error *err, const struct option_values *values, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    const char *words = values->command != NULL ? values->command->name : values->words;
    error_set(err, &base_usage, NULL, words, "%s; try %s%s%s --help", text, values->program->name,
              words[0] != '\0' ? " " : "", words);
    free(text);
    return false;
}

static const struct option_entry *find_entry(const struct option_entry *table, const char *name,
                                             size_t size)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strlen(table->name) == size && memcmp(table->name, name, size) == 0)
            return table;
    return NULL;
}

static const struct option_entry *lookup(const struct option_values *values, const char *name,
                                         size_t size)
{
    const struct option_entry *entry = find_entry(implied, name, size);
    if (entry == NULL && values->command != NULL)
        entry = find_entry(values->command->options, name, size);
    if (entry == NULL)
        entry = find_entry(values->program->options, name, size);
    return entry;
}

static size_t add_names(const char **names, size_t count, const struct option_entry *table)
{
    for (; table != NULL && table->name != NULL && count < CANDIDATES_MAX; table++)
        if (!table->hidden)
            names[count++] = table->name;
    return count;
}

static bool unknown_option(const struct option_values *values, const char *name, size_t size,
                           struct error *err)
{
    const char *names[CANDIDATES_MAX];
    size_t count = add_names(names, 0, implied);
    if (values->command != NULL)
        count = add_names(names, count, values->command->options);
    count = add_names(names, count, values->program->options);
    _cleanup_free_ char *word = memory_format("%.*s", (int)(size < 64 ? size : 64), name);
    const char *nearest = option_help_nearest(word, names, count);
    if (nearest != NULL)
        return usage(err, values, "there is no option --%s (did you mean --%s?)", word, nearest);
    if (values->command == NULL)
        return usage(err, values, "option --%s belongs behind the command", word);
    return usage(err, values, "there is no option --%s", word);
}

static bool is_name(const char *text, const char *more, size_t maximum)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t size = strlen(text);
    if (size == 0 || size > maximum)
        return false;
    if (strchr(letters, text[0]) == NULL && strchr(more, text[0]) == NULL)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if (strchr(letters, *c) == NULL && strchr("._-", *c) == NULL && strchr(more, *c) == NULL)
            return false;
    return true;
}

static bool parse_number(uint32_t *out, const char *text)
{
    if (text[0] == '\0' || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
        return false;
    unsigned long long value = strtoull(text, NULL, 10);
    if (value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* Why value is not of the form, or NULL. */
static const char *wrong_form(enum option_check check, const char *value)
{
    uint32_t number;
    switch (check) {
    case OPTION_ANY:
        return NULL;
    case OPTION_NAME:
        return is_name(value, "", 128) ? NULL : "is not a name ([A-Za-z0-9][A-Za-z0-9._-]{0,127})";
    case OPTION_PATTERN:
        return is_name(value, "*?[]", 128) ? NULL : "is not a name or a pattern of * ? [ ]";
    case OPTION_NUMBER:
        return parse_number(&number, value) ? NULL : "is not a whole number up to 4294967295";
    case OPTION_FILE:
        return value[0] != '\0' ? NULL : "is empty, and should be a path";
    case OPTION_URL:
        return strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0
                   ? NULL
                   : "is not a URL: it begins with http:// or https://";
    }
    return NULL;
}

static bool check_choice(const struct option_values *values, const struct option_entry *entry,
                         const char *value, struct error *err)
{
    if (entry->choices == NULL)
        return true;
    char list[256] = "";
    for (const char *const *choice = entry->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, value) == 0)
            return true;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", *choice);
    }
    return usage(err, values, "--%s is one of %s, not \"%s\"", entry->name, list, value);
}

static bool keep(struct option_values *values, const struct option_entry *entry, const char *value,
                 struct error *err)
{
    for (size_t i = 0; i < values->given_count && entry->form == OPTION_VALUE; i++)
        if (values->given[i].entry == entry)
            return usage(err, values, "--%s was given twice", entry->name);
    if (value != NULL) {
        const char *wrong = wrong_form(entry->check, value);
        if (wrong != NULL)
            return usage(err, values, "--%s: \"%s\" %s", entry->name, value, wrong);
        if (!check_choice(values, entry, value, err))
            return false;
    }
    values->given[values->given_count++] = (struct given){entry, value};
    if (strcmp(entry->name, "json") == 0)
        values->json = true;
    else if (strcmp(entry->name, "help") == 0)
        values->wanted = WANTED_HELP;
    else if (strcmp(entry->name, "version") == 0 && values->wanted == WANTED_RUN)
        values->wanted = WANTED_VERSION;
    else if (strcmp(entry->name, "dump-options") == 0)
        values->wanted = WANTED_DUMP;
    return true;
}

/* next: the following argument or NULL. *taken: it was this option's value. */
static bool take_option(struct option_values *values, const char *text, const char *next,
                        bool *taken, struct error *err)
{
    if (strcmp(text, "-h") == 0)
        text = "--help";
    if (text[1] != '-')
        return usage(err, values, "options are written with two dashes, not \"%s\"", text);
    const char *name = text + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct option_entry *entry = lookup(values, name, size);
    if (entry == NULL)
        return unknown_option(values, name, size, err);
    if (entry->form == OPTION_FLAG) {
        if (equals != NULL)
            return usage(err, values, "--%s takes no value", entry->name);
        return keep(values, entry, NULL, err);
    }
    if (equals != NULL)
        return keep(values, entry, equals + 1, err);
    if (next == NULL || strncmp(next, "--", 2) == 0)
        return usage(err, values, "--%s wants a value: --%s %s", entry->name, entry->name,
                     entry->value);
    *taken = true;
    return keep(values, entry, next, err);
}

/* True when words are the first words of name (or all of them). */
static bool begins(const char *name, const char *words)
{
    size_t size = strlen(words);
    return strncmp(name, words, size) == 0 && (name[size] == '\0' || name[size] == ' ');
}

static size_t add_word(const char **words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return count;
    if (count < CANDIDATES_MAX)
        words[count++] = word;
    return count;
}

/* The word behind prefix in name, copied; NULL when name does not begin with prefix or ends there.
 */
static char *next_word(const char *name, const char *prefix)
{
    if (prefix[0] != '\0') {
        if (!begins(name, prefix))
            return NULL;
        name += strlen(prefix);
        if (*name == ' ')
            name++;
    }
    size_t size = strcspn(name, " ");
    return size > 0 ? memory_format("%.*s", (int)size, name) : NULL;
}

static bool unknown_word(const struct option_values *values, const char *word, struct error *err)
{
    const char *candidates[CANDIDATES_MAX];
    size_t count = 0;
    for (const struct option_noun *noun = values->program->nouns; noun->name != NULL; noun++)
        for (const struct option_command *c = noun->commands; c->name != NULL; c++) {
            char *next = next_word(c->name, values->words);
            size_t before = count;
            if (next != NULL)
                count = add_word(candidates, count, next);
            if (count == before)
                free(next);
        }
    const char *nearest = option_help_nearest(word, candidates, count);
    const char *space = values->words[0] != '\0' ? " " : "";
    if (nearest != NULL)
        usage(err, values, "there is no command \"%s%s%.64s\" (did you mean \"%s\"?)",
              values->words, space, word, nearest);
    else
        usage(err, values, "there is no command \"%s%s%.64s\"", values->words, space, word);
    for (size_t i = 0; i < count; i++)
        free((char *)candidates[i]);
    return false;
}

/* One more word of the command's name. */
static bool take_word(struct option_values *values, const char *word, struct error *err)
{
    char words[sizeof values->words];
    int size = snprintf(words, sizeof words, "%s%s%s", values->words,
                        values->words[0] != '\0' ? " " : "", word);
    if (size < 0 || (size_t)size >= sizeof words || strchr(word, ' ') != NULL || word[0] == '\0')
        return unknown_word(values, word, err);
    bool known = false;
    for (const struct option_noun *noun = values->program->nouns; noun->name != NULL; noun++)
        for (const struct option_command *c = noun->commands; c->name != NULL; c++) {
            if (strcmp(c->name, words) == 0)
                values->command = c;
            known = known || begins(c->name, words);
        }
    if (!known)
        return unknown_word(values, word, err);
    memcpy(values->words, words, sizeof words);
    return true;
}

static bool take(struct option_values *values, const char *text, const char *next, bool *taken,
                 struct error *err)
{
    *taken = false;
    if (!values->only_arguments && strcmp(text, "--") == 0) {
        values->only_arguments = true;
        return true;
    }
    if (!values->only_arguments && text[0] == '-' && text[1] != '\0')
        return take_option(values, text, next, taken, err);
    if (values->command == NULL)
        return take_word(values, text, err);
    values->arguments[values->argument_count++] = text;
    return true;
}

static bool check_arguments(const struct option_values *values, struct error *err)
{
    const struct option_argument *expected = values->command->arguments;
    size_t count = values->argument_count;
    size_t i = 0;
    for (; expected != NULL && expected->name != NULL; expected++) {
        if (i >= count && !expected->optional)
            return usage(err, values, "%s is missing (%s)", expected->name, expected->description);
        do {
            if (i >= count)
                break;
            const char *wrong = wrong_form(expected->check, values->arguments[i]);
            if (wrong != NULL)
                return usage(err, values, "%s: \"%s\" %s", expected->name, values->arguments[i],
                             wrong);
            i++;
        } while (expected->repeated);
    }
    if (i < count)
        return usage(err, values, "\"%s\" is one argument too many", values->arguments[i]);
    return true;
}

static const struct option_entry *given_of_group(const struct option_values *values,
                                                 const char *group,
                                                 const struct option_entry *except)
{
    for (size_t i = 0; i < values->given_count; i++) {
        const struct option_entry *entry = values->given[i].entry;
        if (entry != except && entry->group != NULL && strcmp(entry->group, group) == 0)
            return entry;
    }
    return NULL;
}

static bool check_group(const struct option_values *values, const struct option_entry *table,
                        const struct option_entry *entry, struct error *err)
{
    const struct option_entry *other = given_of_group(values, entry->group, NULL);
    if (other == NULL && entry->required) {
        char list[256] = "";
        for (const struct option_entry *e = table; e->name != NULL; e++) {
            size_t used = strlen(list);
            if (e->group != NULL && strcmp(e->group, entry->group) == 0)
                snprintf(list + used, sizeof list - used, "%s--%s", used > 0 ? ", " : "", e->name);
        }
        return usage(err, values, "one of %s is needed", list);
    }
    other = given_of_group(values, entry->group, entry);
    if (other != NULL && option_given(values, entry->name))
        return usage(err, values, "--%s and --%s exclude each other", entry->name, other->name);
    return true;
}

static bool check_options(const struct option_values *values, struct error *err)
{
    const struct option_entry *table = values->command->options;
    for (const struct option_entry *e = table; e != NULL && e->name != NULL; e++) {
        if (e->group != NULL) {
            if (!check_group(values, table, e, err))
                return false;
        } else if (e->required && !option_given(values, e->name)) {
            return usage(err, values, "--%s %s is needed (%s)", e->name,
                         e->value != NULL ? e->value : "", e->description);
        }
    }
    return true;
}

static bool check(struct option_values *values, struct error *err)
{
    if (values->wanted != WANTED_RUN)
        return true;
    if (values->command == NULL) {
        values->incomplete = true;
        return usage(err, values, "a command is missing");
    }
    return check_arguments(values, err) && check_options(values, err);
}

bool option_parse(struct option_values **out, const struct option_program *program, int argc,
                  char *const *argv, struct error *err)
{
    struct option_values *values = memory_allocate_zero(1, sizeof *values);
    values->program = program;
    size_t most = argc > 0 ? (size_t)argc : 1;
    values->given = memory_allocate_zero(most, sizeof values->given[0]);
    values->arguments = memory_allocate_zero(most, sizeof values->arguments[0]);
    bool good = argc <= ARGUMENTS_MAX || usage(err, values, "too many arguments");
    for (int i = 1; good && i < argc; i++) {
        bool taken;
        good = take(values, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &taken, err);
        if (taken)
            i++;
    }
    good = good && check(values, err);
    /* The form of the error should not depend on whether --json stands before or behind it. */
    for (int i = 1; !good && i < argc && strcmp(argv[i], "--") != 0; i++)
        values->json = values->json || strcmp(argv[i], "--json") == 0;
    *out = values;
    return good;
}

void option_free(struct option_values **values)
{
    if (*values == NULL)
        return;
    free((*values)->given);
    free((*values)->arguments);
    free(*values);
    *values = NULL;
}

const struct option_command *option_command(const struct option_values *values)
{
    return values->wanted == WANTED_RUN ? values->command : NULL;
}

const char *option_item(const struct option_values *values, const char *name, size_t index)
{
    assert(lookup(values, name, strlen(name)) != NULL);
    for (size_t i = 0; i < values->given_count; i++)
        if (strcmp(values->given[i].entry->name, name) == 0 && index-- == 0)
            return values->given[i].value;
    return NULL;
}

size_t option_count(const struct option_values *values, const char *name)
{
    assert(lookup(values, name, strlen(name)) != NULL);
    size_t count = 0;
    for (size_t i = 0; i < values->given_count; i++)
        count += strcmp(values->given[i].entry->name, name) == 0;
    return count;
}

bool option_given(const struct option_values *values, const char *name)
{
    return option_count(values, name) > 0;
}

const char *option_text(const struct option_values *values, const char *name)
{
    return option_item(values, name, 0);
}

uint32_t option_number(const struct option_values *values, const char *name, uint32_t otherwise)
{
    const char *text = option_text(values, name);
    uint32_t number = otherwise;
    if (text != NULL && !parse_number(&number, text))
        assert(!"an OPTION_NUMBER was checked when it was parsed");
    return number;
}

const char *option_argument(const struct option_values *values, size_t index)
{
    return index < values->argument_count ? values->arguments[index] : NULL;
}

size_t option_argument_count(const struct option_values *values)
{
    return values->argument_count;
}

bool option_json(const struct option_values *values)
{
    return values->json;
}

int option_fail(const struct option_values *values, const struct error *err)
{
    if (values->json) {
        struct buf out;
        buf_init(&out, OUTPUT_MAX);
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object(&writer, NULL);
        json_write_error(&writer, "error", err);
        json_write_object_end(&writer);
        fprintf(stderr, "%s\n", buf_text(&out));
        buf_done(&out);
    } else {
        char text[ERROR_OBJECT_SIZE + ERROR_MESSAGE_SIZE + 128];
        fprintf(stderr, "%s: %s\n", values->program->name, error_format(err, text, sizeof text));
        if (err->code != NULL && err->code->remedy != NULL)
            fprintf(stderr, "what to do: %s\n", err->code->remedy);
    }
    return error_kind(err) == ERROR_USAGE ? 2 : 1;
}

bool option_asks(const struct option_values *values)
{
    return !option_given(values, "yes") && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool option_confirm(const struct option_values *values, struct error *err, const char *format, ...)
{
    if (!option_asks(values))
        return true;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(" [y/N] ", stderr);
    fflush(stderr);
    char answer[16] = "";
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return error_set(err, &base_declined, NULL, values->command->name, "nothing was changed");
}

bool option_check_name(const char *name, const char *what, struct error *err)
{
    if (is_name(name, "", 128))
        return true;
    return error_set(err, &base_name, NULL, what, "\"%.140s\" cannot be a name", name);
}

static int show_help(const struct option_values *values, FILE *stream)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    if (values->wanted == WANTED_DUMP)
        option_help_dump(&out, values->program);
    else
        option_help_format(&out, values->program, values->words);
    fputs(buf_text(&out), stream);
    buf_done(&out);
    return 0;
}

static int run(const struct option_values *values)
{
    int status = 0;
    if (values->wanted == WANTED_RUN)
        status = values->command->run(values);
    else if (values->wanted == WANTED_VERSION)
        printf("%s %s\n", values->program->name, HGS_VERSION);
    else
        status = show_help(values, stdout);
    /* A result that did not reach its reader was not given: a full disk behind stdout, say. What
     * failed before is not tried again by fflush, and its number is not known any more. */
    bool failed_before = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || failed_before) && status == 0) {
        fprintf(stderr, "%s: cannot write the result: %s\n", values->program->name,
                failed_before ? "standard output took only a part of it" : strerror(errno));
        return 1;
    }
    return status;
}

int option_main(const struct option_program *program, int argc, char *const *argv)
{
    struct option_values *values;
    struct error err;
    int status = 2;
    if (option_parse(&values, program, argc, argv, &err))
        status = run(values);
    else if (values->incomplete && !values->json)
        show_help(values, stderr);
    else
        status = option_fail(values, &err);
    option_free(&values);
    return status;
}
