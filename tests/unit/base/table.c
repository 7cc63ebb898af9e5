/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "../testing.h"

#include <stdlib.h>
#include <string.h>

static char *printed(const struct table *table)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    table_print(table, stream);
    fclose(stream);
    return text;
}

static void aligns_what_a_terminal_shows(void **state)
{
    (void)state;
    static const char *const headings[] = {"NAME", "STATE", "NOTE", NULL};
    struct table *table = table_new(headings);
    table_cell(table, TABLE_PLAIN, "n%d", 1);
    table_cell(table, TABLE_GOOD, "good");
    table_cell(table, TABLE_PLAIN, "x");
    table_end_row(table);
    table_cell(table, TABLE_PLAIN, "Käthe");
    table_cell(table, TABLE_BAD, "日本");
    table_cell(table, TABLE_PLAIN, "y");
    table_end_row(table);
    table_cell(table, TABLE_PLAIN, "short row");
    table_cell(table, TABLE_PLAIN, "%s", "");
    table_end_row(table);
    char *text = printed(table);
    assert_string_equal(text, "NAME       STATE  NOTE\n"
                              "n1         good   x\n"
                              "Käthe      日本   y\n"
                              "short row\n");
    assert_int_equal(table_row_count(table), 3);
    free(text);
    table_free(&table);
    assert_null(table);
}

static void shows_pairs(void **state)
{
    (void)state;
    struct table *table = table_new(NULL);
    table_pair(table, "Mode", "%s", "hostkey");
    table_pair(table, "Level", "%d", 2);
    char *text = printed(table);
    assert_string_equal(text, "Mode   hostkey\nLevel  2\n");
    free(text);
    table_free(&table);
}

/* What a host or a certificate calls itself must not move an administrator's cursor. */
static void defuses_control_characters(void **state)
{
    (void)state;
    struct table *table = table_new(NULL);
    table_pair(table, "a", "%s",
               "\033[2J\r\n\t\x7f\xc2\x9b"
               "31m");
    char *text = printed(table);
    assert_string_equal(text, "a  ?[2J??????31m\n");
    free(text);
    table_free(&table);
}

static void counts_columns(void **state)
{
    (void)state;
    assert_int_equal(table_width(""), 0);
    assert_int_equal(table_width("abc"), 3);
    assert_int_equal(table_width("äöü"), 3);
    assert_int_equal(table_width("日本"), 4);
    assert_int_equal(table_width("e\xcc\x81"), 1); /* a combining accent */
    assert_int_equal(table_width("\xff\xfe"), 2);  /* not UTF-8 */
    assert_int_equal(table_width("a\xe6\x97"), 3); /* cut short */
}

static void colours_only_terminals(void **state)
{
    (void)state;
    FILE *stream = tmpfile();
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_false(table_wants_colour(stream));
    fclose(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns_what_a_terminal_shows), cmocka_unit_test(shows_pairs),
        cmocka_unit_test(defuses_control_characters),   cmocka_unit_test(counts_columns),
        cmocka_unit_test(colours_only_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
