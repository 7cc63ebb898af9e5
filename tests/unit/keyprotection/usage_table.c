/* SPDX-License-Identifier: Apache-2.0 */
/* The table: protectors are known again from roll to roll, and it stays bounded. */
#include "../testing.h"

#include "base/memory.h"
#include "keyprotection/usage_table.h"

#include <stdlib.h>

#define NOW 1800000000

static struct usage_key key_of(unsigned number)
{
    struct usage_key key = {.type =
                                number % 2 == 0 ? KEYPROTECTION_SIGNING : KEYPROTECTION_ENCRYPTION};
    key.id[0] = (uint8_t)number;
    return key;
}

static void note(struct usage_table *table, uint64_t ingress, uint64_t egress, uint32_t now)
{
    usage_table_note(table, ingress, egress, 1, now);
}

/* The entry whose newest link this is; NULL when there is none. */
static const struct usage_entry *find(const struct usage_table *table, uint64_t link)
{
    for (size_t i = 0; i < usage_table_count(table); i++)
        if (usage_table_entry(table, i)->link == link)
            return usage_table_entry(table, i);
    return NULL;
}

static void a_chain_of_rolls_is_one_protector(void **state)
{
    (void)state;
    struct usage_table *table = usage_table_new(NOW, 16);
    for (uint32_t i = 1; i < 100; i++)
        usage_table_note(table, i, i + 1, i, NOW + i);
    assert_int_equal(usage_table_count(table), 1);
    const struct usage_entry *entry = usage_table_entry(table, 0);
    assert_int_equal(entry->link, 100);
    assert_int_equal(entry->former, 99);
    assert_int_equal(entry->keys, 99);
    assert_int_equal(entry->seen, NOW + 99);
    assert_int_equal(usage_table_since(table), NOW);
    usage_table_free(&table);
}

/* A reply that was lost, a last known good copy. */
static void the_key_before_is_known_too(void **state)
{
    (void)state;
    struct usage_table *table = usage_table_new(NOW, 16);
    note(table, 1, 2, NOW);
    note(table, 1, 3, NOW);
    note(table, 1, 4, NOW);
    assert_int_equal(usage_table_count(table), 1);
    note(table, 4, 5, NOW);
    assert_int_equal(usage_table_count(table), 1);
    assert_non_null(find(table, 5));
    usage_table_free(&table);
}

static void copies_become_protectors_of_their_own(void **state)
{
    (void)state;
    struct usage_table *table = usage_table_new(NOW, 16);
    note(table, 1, 2, NOW);
    note(table, 1, 3, NOW); /* a copy of the same file, or a reply that was lost */
    note(table, 2, 4, NOW); /* a copy: both went on */
    note(table, 3, 5, NOW);
    assert_int_equal(usage_table_count(table), 2);
    assert_non_null(find(table, 4));
    assert_non_null(find(table, 5));
    usage_table_free(&table);
}

static void who_was_not_seen_for_longest_is_forgotten(void **state)
{
    (void)state;
    struct usage_table *table = usage_table_new(NOW, 3);
    note(table, 10, 11, NOW + 1);
    note(table, 20, 21, NOW + 2);
    note(table, 30, 31, NOW + 3);
    note(table, 11, 12, NOW + 4);
    assert_int_equal(usage_table_since(table), NOW);
    note(table, 40, 41, NOW + 5);
    assert_int_equal(usage_table_count(table), 3);
    assert_null(find(table, 21));
    assert_int_equal(usage_table_since(table), NOW + 2);
    note(table, 20, 21, NOW + 6); /* it comes as a new one */
    assert_null(find(table, 31));
    assert_int_equal(usage_table_since(table), NOW + 3);
    usage_table_miss(table, NOW + 1);
    assert_int_equal(usage_table_since(table), NOW + 3);
    usage_table_miss(table, NOW + 7);
    assert_int_equal(usage_table_since(table), NOW + 7);
    usage_table_free(&table);
}

#define CHAINS 500
#define ROLLS 40000

/* Against a plain array; links that crowd in few places of the index. */
static void it_never_loses_one(void **state)
{
    (void)state;
    uint64_t links[CHAINS], formers[CHAINS], fresh = 0;
    uint32_t random = 12345;
    struct usage_table *table = usage_table_new(NOW, CHAINS);
    for (size_t i = 0; i < CHAINS; i++) {
        formers[i] = ++fresh * 64;
        links[i] = ++fresh * 64;
        note(table, formers[i], links[i], NOW);
    }
    for (size_t i = 0; i < ROLLS; i++) {
        random = random * 1664525 + 1013904223;
        size_t chain = (random >> 16) % CHAINS;
        uint64_t ingress = random >> 31 != 0 ? formers[chain] : links[chain];
        uint64_t egress = ++fresh * 64;
        note(table, ingress, egress, NOW);
        formers[chain] = ingress;
        links[chain] = egress;
        assert_int_equal(usage_table_count(table), CHAINS);
    }
    for (size_t i = 0; i < CHAINS; i++) {
        const struct usage_entry *entry = find(table, links[i]);
        assert_non_null(entry);
        assert_int_equal(entry->former, formers[i]);
    }
    assert_int_equal(usage_table_since(table), NOW);
    usage_table_free(&table);
}

static void keys_have_numbers(void **state)
{
    (void)state;
    struct usage_table *table = usage_table_new(NOW, 16);
    for (unsigned i = 0; i < USAGE_KEYS_MAX; i++) {
        struct usage_key key = key_of(i);
        assert_int_equal(usage_table_find_key(table, &key), -1);
        assert_int_equal(usage_table_number(table, &key), i);
        assert_int_equal(usage_table_number(table, &key), i);
        assert_memory_equal(usage_table_key(table, i), &key, sizeof key);
    }
    struct usage_key more = key_of(USAGE_KEYS_MAX), kept = key_of(7), other = key_of(8);
    assert_int_equal(usage_table_number(table, &more), -1);
    assert_null(usage_table_key(table, USAGE_KEYS_MAX));
    usage_table_note(table, 1, 2, UINT64_C(1) << 7 | UINT64_C(1) << 8, NOW);
    other.type = KEYPROTECTION_ENCRYPTION; /* one key for two types is two */
    struct usage_key present[] = {kept, other};
    usage_table_keep_keys(table, present, 2);
    assert_int_equal(usage_table_key_count(table), 1);
    assert_int_equal(usage_table_entry(table, 0)->keys, UINT64_C(1) << 7);
    assert_int_equal(usage_table_number(table, &more), 0);
    assert_int_equal(usage_table_number(table, &kept), 7);
    usage_table_free(&table);
}

static void what_changed_is_given_in_turn(void **state)
{
    (void)state;
    size_t page;
    struct usage_table *table = usage_table_new(NOW, 4 * USAGE_PAGE);
    assert_false(usage_table_changed(table));
    assert_false(usage_table_take_changed(table, &page));
    for (uint64_t i = 1; i <= 3 * USAGE_PAGE; i++)
        note(table, 2 * i, 2 * i + 1, NOW);
    assert_true(usage_table_take_changed(table, &page));
    assert_int_equal(page, 0);
    note(table, 3, 100001, NOW); /* of page 0 again: it waits for the others */
    assert_true(usage_table_take_changed(table, &page));
    assert_int_equal(page, 1);
    usage_table_put_changed(table, 1);
    usage_table_put_changed(table, 1);
    assert_true(usage_table_take_changed(table, &page));
    assert_int_equal(page, 2);
    assert_true(usage_table_take_changed(table, &page));
    assert_int_equal(page, 0);
    assert_true(usage_table_take_changed(table, &page));
    assert_int_equal(page, 1);
    assert_false(usage_table_changed(table));
    assert_false(usage_table_take_changed(table, &page));
    usage_table_free(&table);
}

static void what_was_written_is_read_again(void **state)
{
    (void)state;
    struct usage_table *table = usage_table_new(NOW, 3);
    static const struct usage_entry entries[] = {
        {.link = 2, .former = 1, .keys = 1, .seen = NOW + 3},
        {.link = 4, .former = 3, .keys = 1, .seen = NOW + 1},
        {.link = 6, .former = 0, .keys = 1, .seen = NOW + 2},
    };
    static const struct usage_entry refused[] = {
        {.link = 0, .former = 9}, {.link = 2, .former = 9}, {.link = 9, .former = 3}};
    assert_true(usage_table_load(table, &entries[0]));
    assert_true(usage_table_load(table, &entries[1]));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(usage_table_load(table, &refused[i]));
    assert_true(usage_table_load(table, &entries[2]));
    assert_false(usage_table_load(table, &(struct usage_entry){.link = 8}));
    usage_table_loaded(table);
    assert_false(usage_table_changed(table));
    note(table, 1, 7, NOW + 4); /* known by its former link */
    assert_int_equal(usage_table_count(table), 3);
    note(table, 20, 21, NOW + 5); /* and the oldest goes first */
    assert_null(find(table, 4));
    assert_int_equal(usage_table_since(table), NOW + 1);
    note(table, 22, 23, NOW + 5);
    assert_null(find(table, 6));
    usage_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_rolls_is_one_protector),
        cmocka_unit_test(the_key_before_is_known_too),
        cmocka_unit_test(copies_become_protectors_of_their_own),
        cmocka_unit_test(who_was_not_seen_for_longest_is_forgotten),
        cmocka_unit_test(it_never_loses_one),
        cmocka_unit_test(keys_have_numbers),
        cmocka_unit_test(what_changed_is_given_in_turn),
        cmocka_unit_test(what_was_written_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
