/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/page.h"

#include <stdio.h>

#include "../testing.h"

/* A page of the arguments, which stay with the caller. */
static bool read_page(struct admin_page *page, struct json **arguments, const char *text)
{
    assert_true(json_parse(arguments, slice_from_text(text), NULL));
    struct admin_request request = {.arguments = *arguments};
    return admin_page_read(page, &request, NULL);
}

static void test_is_full_at_its_end(void **state)
{
    (void)state;
    char key[32];
    struct admin_page page = {0};
    for (int i = 0; i < ADMIN_PAGE_MAX; i++) {
        snprintf(key, sizeof key, "n%05d", i);
        assert_true(admin_page_take(&page, key));
        assert_false(page.more);
    }
    assert_false(admin_page_take(&page, "one more"));
    assert_true(page.more);
    assert_string_equal(page.last, key);
}

static void test_names_the_next_only_while_there_is_more(void **state)
{
    (void)state;
    struct json_writer writer;
    struct admin_page page = {.last = "n1"};
    _cleanup_buf_ struct buf text;
    buf_init(&text, 256);
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    admin_page_write(&writer, &page);
    json_write_object_end(&writer);
    assert_string_equal(buf_text(&text), "{}");
    buf_reset(&text);
    page.more = true;
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    admin_page_write(&writer, &page);
    json_write_object_end(&writer);
    assert_string_equal(buf_text(&text), "{\"next\":\"n1\"}");
}

static void test_reads_where_to_go_on(void **state)
{
    (void)state;
    struct admin_page page;
    _cleanup_json_ struct json *none = NULL, *both = NULL, *wrong = NULL;
    assert_true(read_page(&page, &none, "{}"));
    assert_null(page.after);
    assert_true(admin_page_matches(&page, "anything"));
    assert_true(read_page(&page, &both, "{\"after\":\"n1\",\"pattern\":\"n*\"}"));
    assert_string_equal(page.after, "n1");
    assert_true(admin_page_matches(&page, "n2"));
    assert_false(admin_page_matches(&page, "m2"));
    assert_false(read_page(&page, &wrong, "{\"after\":7}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_full_at_its_end),
        cmocka_unit_test(test_names_the_next_only_while_there_is_more),
        cmocka_unit_test(test_reads_where_to_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
