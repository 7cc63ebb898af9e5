/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option_help.h"

#include <string.h>

#include "base/memory.h"
#include "base/table.h"

#define LINE_WIDTH 80

/* Appends text broken at spaces into lines of at most LINE_WIDTH columns, each behind indent
 * spaces. "\n\n" separates paragraphs. The first line has `used` columns already. */
static void wrap(struct buf *out, const char *text, size_t used, size_t indent)
{
    size_t column = used;
    while (*text != '\0') {
        if (text[0] == '\n' && text[1] == '\n') {
            buf_append_text(out, "\n\n");
            text += 2;
            column = 0;
            continue;
        }
        size_t size = strcspn(text, " \n");
        _cleanup_free_ char *word = memory_format("%.*s", (int)size, text);
        size_t width = table_width(word);
        if (column > indent && column + 1 + width > LINE_WIDTH) {
            buf_append_text(out, "\n");
            column = 0;
        }
        if (column == 0) {
            buf_append_format(out, "%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_append_text(out, " ");
            column++;
        }
        buf_append_text(out, word);
        column += width;
        text += size;
        if (*text == ' ' || (*text == '\n' && text[1] != '\n'))
            text++;
    }
    buf_append_text(out, "\n");
}

/* "  left      right, wrapped" with the right side at column. */
static void entry(struct buf *out, const char *left, const char *right, size_t column)
{
    size_t width = table_width(left) + 2;
    buf_append_format(out, "  %s", left);
    if (width + 2 > column) {
        buf_append_text(out, "\n");
        wrap(out, right, 0, column);
        return;
    }
    buf_append_format(out, "%*s", (int)(column - width), "");
    wrap(out, right, column, column);
}

/* "--guardian G…"; "--tpm FILE" */
static void append_option(struct buf *out, const struct option_entry *option)
{
    buf_append_format(out, "--%s", option->name);
    if (option->value != NULL)
        buf_append_format(out, " %s", option->value);
    if (option->form == OPTION_REPEATED)
        buf_append_text(out, "…");
}

static bool same_group(const struct option_entry *a, const struct option_entry *b)
{
    return a->group != NULL && b->group != NULL && strcmp(a->group, b->group) == 0;
}

static bool first_of_group(const struct option_entry *table, const struct option_entry *option)
{
    for (const struct option_entry *e = table; e != option; e++)
        if (same_group(e, option))
            return false;
    return true;
}

static void usage_options(struct buf *out, const struct option_entry *table)
{
    for (const struct option_entry *e = table; e != NULL && e->name != NULL; e++) {
        if (e->hidden || !first_of_group(table, e))
            continue;
        bool several = false;
        for (const struct option_entry *o = e + 1; o->name != NULL; o++)
            several = several || same_group(e, o);
        buf_append_text(out, e->required ? (several ? " (" : " ") : " [");
        append_option(out, e);
        for (const struct option_entry *o = e + 1; o->name != NULL; o++)
            if (same_group(e, o)) {
                buf_append_text(out, " | ");
                append_option(out, o);
            }
        buf_append_text(out, e->required ? (several ? ")" : "") : "]");
    }
}

void option_help_usage(struct buf *out, const struct option_command *command)
{
    buf_append_text(out, command->name);
    for (const struct option_argument *a = command->arguments; a != NULL && a->name != NULL; a++)
        buf_append_format(out, a->optional ? " [%s%s]" : " %s%s", a->name, a->repeated ? "…" : "");
    usage_options(out, command->options);
}

static size_t left_width(size_t width, const char *text)
{
    size_t mine = table_width(text) + 4;
    return mine > width && mine <= 34 ? mine : width;
}

static size_t options_column(const struct option_entry *table, size_t column)
{
    for (const struct option_entry *e = table; e != NULL && e->name != NULL; e++) {
        struct buf left;
        buf_init(&left, 4096);
        append_option(&left, e);
        if (!e->hidden)
            column = left_width(column, buf_text(&left));
        buf_done(&left);
    }
    return column;
}

static void options_rows(struct buf *out, const struct option_entry *table, size_t column)
{
    for (const struct option_entry *e = table; e != NULL && e->name != NULL; e++) {
        struct buf left;
        buf_init(&left, 4096);
        append_option(&left, e);
        if (!e->hidden)
            entry(out, buf_text(&left), e->description, column);
        buf_done(&left);
    }
}

static void arguments_help(struct buf *out, const struct option_argument *table)
{
    size_t column = 12;
    for (const struct option_argument *a = table; a != NULL && a->name != NULL; a++)
        column = left_width(column, a->name);
    if (table != NULL && table->name != NULL)
        buf_append_text(out, "\narguments\n");
    for (const struct option_argument *a = table; a != NULL && a->name != NULL; a++)
        entry(out, a->name, a->description, column);
}

static const struct option_entry common[] = {
    {"json", NULL, "print the result (and errors, on stderr) as JSON", OPTION_FLAG},
    {"help", NULL, "show this help", OPTION_FLAG},
    OPTION_END,
};

static void command_help(struct buf *out, const struct option_program *program,
                         const struct option_command *command)
{
    struct buf usage;
    buf_init(&usage, 8192);
    buf_append_format(&usage, "usage: %s ", program->name);
    option_help_usage(&usage, command);
    wrap(out, buf_text(&usage), 0, 0);
    buf_done(&usage);
    buf_append_text(out, "\n");
    wrap(out, command->summary, 0, 0);
    if (command->description != NULL) {
        buf_append_text(out, "\n");
        wrap(out, command->description, 0, 0);
    }
    arguments_help(out, command->arguments);
    size_t column = options_column(program->options, options_column(command->options, 12));
    if (command->options != NULL && command->options->name != NULL)
        buf_append_text(out, "\noptions\n");
    options_rows(out, command->options, column);
    buf_append_text(out, "\ncommon options\n");
    options_rows(out, program->options, column);
    options_rows(out, common, column);
    buf_append_text(out, command->examples[1] != NULL ? "\nexamples\n" : "\nexample\n");
    for (const char *const *example = command->examples; *example != NULL; example++)
        buf_append_format(out, "  %s\n", *example);
    if (command->cmdlet != NULL)
        buf_append_format(out, "\nIn Windows: %s\n", command->cmdlet);
    buf_append_text(out, "\nexit status: 0 done, 1 failed, 2 wrong usage\n");
}

static bool begins(const char *name, const char *words)
{
    size_t size = strlen(words);
    return size == 0 ||
           (strncmp(name, words, size) == 0 && (name[size] == '\0' || name[size] == ' '));
}

static void program_help(struct buf *out, const struct option_program *program)
{
    buf_append_format(out, "%s – %s\n\nusage: %s COMMAND… [--json] [--help]\n", program->name,
                      program->summary, program->name);
    if (program->description != NULL) {
        buf_append_text(out, "\n");
        wrap(out, program->description, 0, 0);
    }
    buf_append_text(out, "\ncommands (each with --help)\n");
    size_t column = 12;
    for (const struct option_noun *noun = program->nouns; noun->name != NULL; noun++)
        column = left_width(column, noun->name);
    for (const struct option_noun *noun = program->nouns; noun->name != NULL; noun++)
        entry(out, noun->name, noun->summary, column);
    buf_append_text(out, "\noptions\n");
    column = options_column(program->options, 12);
    options_rows(out, program->options, column);
    options_rows(out, common, column);
}

/* The commands of the words, one below the other. */
static bool noun_help(struct buf *out, const struct option_program *program, const char *words)
{
    bool found = false;
    for (const struct option_noun *noun = program->nouns; noun->name != NULL; noun++)
        for (const struct option_command *c = noun->commands; c->name != NULL; c++) {
            if (!begins(c->name, words))
                continue;
            if (!found)
                buf_append_format(out, "%s %s – %s\n\n", program->name, words, noun->summary);
            found = true;
            struct buf usage;
            buf_init(&usage, 8192);
            buf_append_format(&usage, "%s ", program->name);
            option_help_usage(&usage, c);
            wrap(out, buf_text(&usage), 0, 2);
            wrap(out, c->summary, 0, 6);
            buf_done(&usage);
        }
    return found;
}

bool option_help_format(struct buf *out, const struct option_program *program, const char *words)
{
    if (words[0] == '\0') {
        program_help(out, program);
        return true;
    }
    for (const struct option_noun *noun = program->nouns; noun->name != NULL; noun++)
        for (const struct option_command *c = noun->commands; c->name != NULL; c++)
            if (strcmp(c->name, words) == 0) {
                command_help(out, program, c);
                return true;
            }
    return noun_help(out, program, words);
}
