/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/log_names.h"
#include "crypto/digest.h"

#define LOG_SIZE 10000

static void make_log(uint8_t log[LOG_SIZE])
{
    for (size_t i = 0; i < LOG_SIZE; i++)
        log[i] = (uint8_t)(i * 31 + i / 251);
}

/* Whether it was remembered. The digest is the log's own in both cases. */
static bool find(struct attestation_log_names *names, struct slice log)
{
    struct attestation_log_name name;
    uint8_t digest[DIGEST_SHA256_SIZE];
    attestation_log_names_find(&name, names, log);
    digest_sha256(digest, log);
    assert_memory_equal(name.digest, digest, sizeof digest);
    return name.remembered;
}

static void keep(struct attestation_log_names *names, struct slice log)
{
    struct attestation_log_name name;
    attestation_log_names_find(&name, names, log);
    attestation_log_names_keep(names, &name);
}

static void test_known_by_its_digest(void **state)
{
    (void)state;
    uint8_t log[LOG_SIZE];
    make_log(log);
    struct attestation_log_names *names = attestation_log_names_new(64);
    assert_false(find(names, slice_of(log, sizeof log)));
    assert_false(find(names, slice_of(log, sizeof log))); /* finding keeps nothing */
    keep(names, slice_of(log, sizeof log));
    assert_true(find(names, slice_of(log, sizeof log)));
    keep(names, slice_of(log, sizeof log)); /* once more is the same */
    assert_true(find(names, slice_of(log, sizeof log)));
    attestation_log_names_free(&names);
    assert_null(names);
    attestation_log_names_free(&names);
}

/* What is remembered is what is answered: nothing is hashed then. */
static void test_answered_from_memory(void **state)
{
    (void)state;
    uint8_t log[LOG_SIZE];
    make_log(log);
    struct slice bytes = slice_of(log, sizeof log);
    struct attestation_log_names *names = attestation_log_names_new(64);
    struct attestation_log_name name, again;
    attestation_log_names_find(&name, names, bytes);
    memset(name.digest, 0x5a, sizeof name.digest);
    attestation_log_names_keep(names, &name);
    attestation_log_names_find(&again, names, bytes);
    assert_true(again.remembered);
    assert_memory_equal(again.digest, name.digest, sizeof name.digest);
    attestation_log_names_free(&names);
}

/* No other log is taken for one that is remembered: each bit of it counts, and each byte that is
 * missing, added or elsewhere. */
static void test_others_are_others(void **state)
{
    (void)state;
    uint8_t log[LOG_SIZE + 16] = {0};
    make_log(log);
    struct attestation_log_names *names = attestation_log_names_new(64);
    keep(names, slice_of(log, LOG_SIZE));
    for (size_t i = 0; i < LOG_SIZE; i++) {
        log[i] ^= (uint8_t)(1U << i % 8);
        assert_false(find(names, slice_of(log, LOG_SIZE)));
        log[i] ^= (uint8_t)(1U << i % 8);
    }
    /* GHASH pads with zeros: sizes tell these apart. */
    for (size_t added = 1; added <= 16; added++)
        assert_false(find(names, slice_of(log, LOG_SIZE + added)));
    for (size_t size = LOG_SIZE - 32; size < LOG_SIZE; size++)
        assert_false(find(names, slice_of(log, size)));
    assert_false(find(names, (struct slice){0}));
    uint8_t block[16];
    memcpy(block, log, sizeof block);
    memmove(log, log + 16, 16);
    memcpy(log + 16, block, sizeof block);
    assert_false(find(names, slice_of(log, LOG_SIZE)));
    attestation_log_names_free(&names);
}

/* A service's marks mean nothing to another one. */
static void test_key_is_its_own(void **state)
{
    (void)state;
    uint8_t log[LOG_SIZE];
    make_log(log);
    struct attestation_log_names *one = attestation_log_names_new(64);
    struct attestation_log_names *two = attestation_log_names_new(64);
    struct attestation_log_name in_one, in_two;
    attestation_log_names_find(&in_one, one, slice_of(log, sizeof log));
    attestation_log_names_find(&in_two, two, slice_of(log, sizeof log));
    assert_memory_not_equal(in_one.mark, in_two.mark, sizeof in_one.mark);
    attestation_log_names_free(&one);
    attestation_log_names_free(&two);
}

static void test_nothing_remembered(void **state)
{
    (void)state;
    uint8_t log[LOG_SIZE];
    make_log(log);
    keep(NULL, slice_of(log, sizeof log));
    assert_false(find(NULL, slice_of(log, sizeof log)));
}

/* It does not grow for ever, and goes on working. */
static void test_bounded(void **state)
{
    (void)state;
    struct attestation_log_names *names = attestation_log_names_new(64);
    size_t remembered = 0;
    for (uint32_t i = 0; i < 1000; i++)
        keep(names, slice_of(&i, sizeof i));
    for (uint32_t i = 0; i < 1000; i++)
        remembered += find(names, slice_of(&i, sizeof i));
    assert_in_range(remembered, 1, 200); /* shards round up */
    attestation_log_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_by_its_digest), cmocka_unit_test(test_answered_from_memory),
        cmocka_unit_test(test_others_are_others),   cmocka_unit_test(test_key_is_its_own),
        cmocka_unit_test(test_nothing_remembered),  cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
