/* SPDX-License-Identifier: Apache-2.0 */
/* The table in the store: written in pages, read again, also when something of it is damaged. */
#include "../folder.h"

#include "keyprotection/errors.h"
#include "keyprotection/usage_record.h"
#include "store/errors.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW 1800000000
#define ENTRIES (2 * USAGE_PAGE + 10)
#define MAX (4 * USAGE_PAGE)

static char folder[FOLDER_SIZE];
static struct store *store;
static const struct usage_check check = {true, {1, 2, 3, 4, 5, 6, 7, 8}};

static int setup(void **state)
{
    (void)state;
    folder_make(folder);
    assert_ok(store_open_sqlite(&store, folder_at(folder, "hgs.db"), err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    folder_remove(folder);
    return 0;
}

static void put(const char *key, struct slice value)
{
    struct store_change change = {
        .kind = STORE_CERTIFICATE_USAGE, .key = key, .value = value, .expected = STORE_ANY};
    assert_ok(store_commit(store, &change, 1, NULL, err));
}

static void write_all(const struct usage_table *table, const char *node)
{
    char key[STORE_KEY_MAX + 1];
    _cleanup_buf_ struct buf head;
    buf_init(&head, 65536);
    usage_record_format_head(&head, table, &check);
    put(usage_record_head_key(key, node), buf_slice(&head));
    for (size_t i = 0; i * USAGE_PAGE < usage_table_count(table); i++) {
        _cleanup_buf_ struct buf page;
        buf_init(&page, (size_t)USAGE_PAGE * USAGE_ENTRY_SIZE);
        usage_record_format_page(&page, table, i);
        assert_false(page.overflow);
        put(usage_record_page_key(key, node, i), buf_slice(&page));
    }
}

static struct usage_table *make(size_t entries)
{
    struct usage_table *table = usage_table_new(NOW - 5, MAX);
    struct usage_key key = {KEYPROTECTION_ENCRYPTION, {7}}, other = {KEYPROTECTION_SIGNING, {9}};
    usage_table_number(table, &key);
    assert_int_equal(usage_table_number(table, &other), 1);
    usage_table_keep_keys(table, &other, 1); /* number 0 is free again */
    for (uint64_t i = 1; i <= entries; i++)
        usage_table_note(table, 2 * i, 2 * i + 1, i % 3, (uint32_t)(NOW + i));
    return table;
}

static struct usage_table *load(const char *node, struct usage_check *loaded)
{
    struct usage_table *table = NULL;
    assert_ok(usage_record_load(&table, loaded, store, node, NOW + 9, MAX, err));
    return table;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct usage_check loaded;
    struct usage_key other = {KEYPROTECTION_SIGNING, {9}};
    struct usage_table *table = make(ENTRIES), *foreign = make(3);
    write_all(table, "n1");
    write_all(foreign, "n0");
    write_all(foreign, "n11");
    struct usage_table *again = load("n1", &loaded);
    assert_true(loaded.known);
    assert_memory_equal(loaded.bytes, check.bytes, USAGE_CHECK_SIZE);
    assert_int_equal(usage_table_since(again), NOW - 5);
    assert_int_equal(usage_table_key_count(again), 1);
    assert_int_equal(usage_table_find_key(again, &other), 1);
    assert_int_equal(usage_table_count(again), ENTRIES);
    for (size_t i = 0; i < ENTRIES; i++) {
        const struct usage_entry *a = usage_table_entry(table, i), *b = usage_table_entry(again, i);
        assert_true(a->link == b->link && a->former == b->former && a->keys == b->keys &&
                    a->seen == b->seen);
    }
    assert_false(usage_table_changed(again));
    usage_table_free(&table);
    usage_table_free(&foreign);
    usage_table_free(&again);
}

static void a_node_that_wrote_nothing_begins(void **state)
{
    (void)state;
    struct usage_check loaded = check;
    struct usage_table *foreign = make(3);
    write_all(foreign, "n1");
    struct usage_table *table = load("n", &loaded);
    assert_int_equal(usage_table_count(table), 0);
    assert_int_equal(usage_table_since(table), NOW + 9);
    assert_false(loaded.known);
    usage_table_free(&foreign);
    usage_table_free(&table);
}

/* What is left of it is loaded, and all pages are written again. */
static void damaged_pages_are_passed_over(void **state)
{
    (void)state;
    size_t page;
    struct usage_check loaded;
    static const struct {
        const char *page;
        size_t bytes, left;
    } cases[] = {
        {"n1/00001", 100 * USAGE_ENTRY_SIZE + 5, ENTRIES - USAGE_PAGE + 100},
        {"n1/00002", 0, ENTRIES - 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct usage_table *table = make(ENTRIES);
        write_all(table, "n1");
        _cleanup_buf_ struct buf value;
        buf_init(&value, 65536);
        usage_record_format_page(&value, table, (size_t)(cases[i].page[7] - '0'));
        put(cases[i].page, slice_of(value.data, cases[i].bytes));
        struct usage_table *again = load("n1", &loaded);
        assert_int_equal(usage_table_count(again), cases[i].left);
        assert_true(usage_table_take_changed(again, &page));
        usage_table_free(&table);
        usage_table_free(&again);
    }
}

/* Of a longer table that was there before. */
static void pages_behind_the_end_do_not_count(void **state)
{
    (void)state;
    struct usage_check loaded;
    struct usage_table *longer = make(ENTRIES), *table = make(USAGE_PAGE);
    write_all(longer, "n1");
    write_all(table, "n1");
    struct usage_table *again = load("n1", &loaded);
    assert_int_equal(usage_table_count(again), USAGE_PAGE);
    assert_false(usage_table_changed(again));
    usage_table_free(&longer);
    usage_table_free(&table);
    usage_table_free(&again);
}

static void a_head_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "",
        "[]",
        "{\"since\":1,\"keys\":[]}",
        "{\"since\":1,\"count\":1}",
        "{\"since\":1,\"count\":1,\"check\":\"00\",\"keys\":[]}",
        "{\"since\":1,\"count\":1,\"check\":\"zz\",\"keys\":[]}",
        "{\"since\":1,\"count\":1,\"keys\":[{}]}",
        "{\"since\":1,\"count\":1,\"keys\":[{\"number\":64,\"type\":\"signing\",\"key_id\":"
        "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]}",
        "{\"since\":1,\"count\":1,\"keys\":[{\"number\":-1,\"type\":\"signing\",\"key_id\":"
        "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]}",
        "{\"since\":1,\"count\":1,\"keys\":[{\"number\":1,\"type\":\"communications\",\"key_id\":"
        "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]}",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct usage_table *table = NULL;
        struct usage_check loaded = {0};
        put("n1/head", slice_from_text(heads[i]));
        assert_refused(usage_record_load(&table, &loaded, store, "n1", NOW, MAX, err),
                       "keyprotection.record");
        assert_null(table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_that_wrote_nothing_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_pages_are_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_behind_the_end_do_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_that_cannot_be_read_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
