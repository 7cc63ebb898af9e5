/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <assert.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/memory.h"
#include "base/utf8.h"

#define COLUMNS_MAX 32
#define GAP 2

struct cell {
    char *text;
    enum table_tone tone;
    size_t width;
};

struct row {
    struct cell cells[COLUMNS_MAX];
    size_t count;
};

struct table {
    struct row headings;
    struct row *rows;
    size_t count;
    struct row open; /* under way */
};

static struct cell make_cell(enum table_tone tone, char *text)
{
    utf8_replace_controls(text);
    return (struct cell){text, tone, table_width(text)};
}

struct table *table_new(const char *const *headings)
{
    struct table *table = memory_allocate_zero(1, sizeof *table);
    for (; headings != NULL && *headings != NULL; headings++) {
        assert(table->headings.count < COLUMNS_MAX);
        table->headings.cells[table->headings.count++] =
            make_cell(TABLE_FAINT, memory_copy_text(*headings));
    }
    return table;
}

static void row_done(struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        free(row->cells[i].text);
}

void table_free(struct table **table)
{
    if (*table == NULL)
        return;
    row_done(&(*table)->headings);
    row_done(&(*table)->open);
    for (size_t i = 0; i < (*table)->count; i++)
        row_done(&(*table)->rows[i]);
    free((*table)->rows);
    free(*table);
    *table = NULL;
}

static void __attribute__((format(printf, 3, 0)))
add_cell(struct table *table, enum table_tone tone, const char *format, va_list arguments)
{
    assert(table->open.count < COLUMNS_MAX);
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    table->open.cells[table->open.count++] = make_cell(tone, text);
}

void table_cell(struct table *table, enum table_tone tone, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_cell(table, tone, format, arguments);
    va_end(arguments);
}

void table_end_row(struct table *table)
{
    table->rows = memory_resize(table->rows, table->count + 1, sizeof table->rows[0]);
    table->rows[table->count++] = table->open;
    table->open.count = 0;
}

void table_pair(struct table *table, const char *name, const char *format, ...)
{
    table_cell(table, TABLE_FAINT, "%s", name);
    va_list arguments;
    va_start(arguments, format);
    add_cell(table, TABLE_PLAIN, format, arguments);
    va_end(arguments);
    table_end_row(table);
}

size_t table_row_count(const struct table *table)
{
    return table->count;
}

static void widen(size_t widths[COLUMNS_MAX], const struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].width > widths[i])
            widths[i] = row->cells[i].width;
}

static void print_row(const struct row *row, const size_t widths[COLUMNS_MAX], bool colour,
                      FILE *stream)
{
    static const char *const tones[] = {"", "\033[32m", "\033[33m", "\033[31m", "\033[2m"};
    size_t count = row->count;
    while (count > 0 && row->cells[count - 1].width == 0)
        count--;
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell = &row->cells[i];
        bool coloured = colour && cell->tone != TABLE_PLAIN && cell->text[0] != '\0';
        fprintf(stream, "%s%s%s", coloured ? tones[cell->tone] : "", cell->text,
                coloured ? "\033[0m" : "");
        /* No trailing space: what is copied from a terminal should be what was written. */
        if (i + 1 < count)
            fprintf(stream, "%*s", (int)(widths[i] - cell->width + GAP), "");
    }
    fputc('\n', stream);
}

void table_print(const struct table *table, FILE *stream)
{
    size_t widths[COLUMNS_MAX] = {0};
    widen(widths, &table->headings);
    for (size_t i = 0; i < table->count; i++)
        widen(widths, &table->rows[i]);
    bool colour = table_wants_colour(stream);
    if (table->headings.count > 0)
        print_row(&table->headings, widths, colour, stream);
    for (size_t i = 0; i < table->count; i++)
        print_row(&table->rows[i], widths, colour, stream);
}

bool table_wants_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (no_colour != NULL && no_colour[0] != '\0')
        return false;
    return term != NULL && strcmp(term, "dumb") != 0 && isatty(fileno(stream)) == 1;
}

size_t table_width(const char *text)
{
    /* Our texts are UTF-8 whatever the user's locale says; only the widths come from the C
     * library. */
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
    mbstate_t state = {0};
    size_t width = 0;
    size_t left = strlen(text);
    while (left > 0) {
        wchar_t character;
        size_t size = mbrtowc(&character, text, left, &state);
        bool bad = size == (size_t)-1 || size == (size_t)-2 || size == 0;
        if (bad) {
            memset(&state, 0, sizeof state);
            size = 1;
        }
        int columns = bad ? 1 : wcwidth(character);
        width += columns > 0 ? (size_t)columns : 0;
        text += size;
        left -= size;
    }
    if (utf8 != (locale_t)0) {
        uselocale(before);
        freelocale(utf8);
    }
    return width;
}
