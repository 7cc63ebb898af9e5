/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/places.h"

#include "../testing.h"
#include "keyholder/errors.h"

static const uint8_t one[KEY_ID_SIZE] = {1}, two[KEY_ID_SIZE] = {2}, other[KEY_ID_SIZE] = {3};

static struct error away_of(const char *token)
{
    struct error trouble = {0};
    error_set(&trouble, &keyholder_token_away, NULL, token, "not there");
    return trouble;
}

static void a_key_that_nobody_placed_is_a_software_key(void **state)
{
    (void)state;
    struct places *places = places_new();
    unsigned place = 7;
    assert_ok(places_find(places, one, &place, err));
    assert_int_equal(place, 0);
    places_put(places, two, 1, NULL);
    place = 7;
    assert_ok(places_find(places, one, &place, err));
    assert_int_equal(place, 0);
    places_free(&places);
    assert_null(places);
}

static void a_key_in_trouble_says_what_it_is(void **state)
{
    (void)state;
    struct places *places = places_new();
    struct error trouble = away_of("a"), found = {0};
    unsigned place = 0;
    places_put(places, one, 2, &trouble);
    assert_false(places_find(places, one, &place, &found));
    assert_int_equal(place, 2);
    assert_ptr_equal(found.code, &keyholder_token_away);
    assert_string_equal(found.object, "a");
    places_put(places, one, 2, NULL);
    assert_ok(places_find(places, one, &place, err));
    assert_int_equal(place, 2);
    places_free(&places);
}

static void a_place_in_trouble_is_so_with_all_its_keys(void **state)
{
    (void)state;
    struct places *places = places_new();
    struct error trouble = away_of("a");
    unsigned place;
    places_put(places, one, 1, NULL);
    places_put(places, two, 1, NULL);
    places_put(places, other, 2, NULL);
    places_trouble(places, 1, &trouble);
    assert_refused(places_find(places, one, &place, err), "keyholder.token-away");
    assert_refused(places_find(places, two, &place, err), "keyholder.token-away");
    assert_ok(places_find(places, other, &place, err));
    assert_int_equal(place, 2);
    places_free(&places);
}

static void a_key_that_is_removed_leaves_the_others(void **state)
{
    (void)state;
    struct places *places = places_new();
    unsigned place;
    places_put(places, one, 1, NULL);
    places_put(places, two, 2, NULL);
    places_put(places, other, 3, NULL);
    places_remove(places, one);
    places_remove(places, one);
    assert_ok(places_find(places, one, &place, err));
    assert_int_equal(place, 0);
    assert_ok(places_find(places, two, &place, err));
    assert_int_equal(place, 2);
    assert_ok(places_find(places, other, &place, err));
    assert_int_equal(place, 3);
    places_free(&places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_nobody_placed_is_a_software_key),
        cmocka_unit_test(a_key_in_trouble_says_what_it_is),
        cmocka_unit_test(a_place_in_trouble_is_so_with_all_its_keys),
        cmocka_unit_test(a_key_that_is_removed_leaves_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
