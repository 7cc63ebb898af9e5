/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/memory.h"
#include "base/option_check.h"
#include "base/option_nearest.h"
#include "base/option_private.h"

#define ARGUMENTS_MAX 4096
#define CANDIDATES_MAX 256

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
    size_t count = add_names(names, 0, option_implied);
    if (values->command != NULL)
        count = add_names(names, count, values->command->options);
    count = add_names(names, count, values->program->options);
    _cleanup_free_ char *word = memory_format("%.*s", (int)(size < 64 ? size : 64), name);
    const char *nearest = option_nearest(word, names, count);
    if (nearest != NULL)
        return usage(err, values, "there is no option --%s (did you mean --%s?)", word, nearest);
    if (values->command == NULL)
        return usage(err, values, "option --%s belongs behind the command", word);
    return usage(err, values, "there is no option --%s", word);
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
        const char *wrong = option_check_form(entry->check, value);
        if (wrong != NULL)
            return usage(err, values, "--%s: \"%s\" %s", entry->name, value, wrong);
        if (!check_choice(values, entry, value, err))
            return false;
    }
    values->given[values->given_count++] = (struct option_value){entry, value};
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
    const struct option_entry *entry = option_lookup(values, name, size);
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
    const char *nearest = option_nearest(word, candidates, count);
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
            const char *wrong = option_check_form(expected->check, values->arguments[i]);
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
