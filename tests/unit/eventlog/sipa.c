/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/sipa.h"

#include "testing.h"

struct seen {
    size_t count;
    uint32_t ids[16];
};

static void see(void *context, uint32_t id, struct slice payload)
{
    struct seen *seen = context;
    (void)payload;
    assert_true(seen->count < 16);
    seen->ids[seen->count++] = id;
}

static bool walk(struct seen *seen, struct slice data)
{
    *seen = (struct seen){0};
    return sipa_walk(data, see, seen);
}

static void test_order(void **state)
{
    (void)state;
    struct seen seen;
    _cleanup_buf_ struct buf inner, outer;
    buf_init(&inner, 1000);
    buf_init(&outer, 1000);
    log_builder_sipa(&inner, 2, 0, 1);
    log_builder_sipa_bytes(&inner, SIPA_LOADED_MODULE, SLICE_EMPTY);
    log_builder_sipa(&inner, 3, 0, 8);
    log_builder_sipa(&outer, 1, 0, 4);
    log_builder_sipa_bytes(&outer, SIPA_TRUST_BOUNDARY, buf_slice(&inner));
    log_builder_sipa(&outer, 4, 0, 2);
    assert_true(walk(&seen, buf_slice(&outer)));
    assert_int_equal(seen.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(seen.ids[i], i + 1);
    assert_true(walk(&seen, SLICE_EMPTY));
    assert_int_equal(seen.count, 0);
}

static void test_truncated_at_every_byte(void **state)
{
    (void)state;
    struct seen seen;
    _cleanup_buf_ struct buf inner, outer;
    buf_init(&inner, 1000);
    buf_init(&outer, 1000);
    log_builder_sipa(&inner, 2, 0, 1);
    log_builder_sipa_bytes(&outer, SIPA_TRUST_BOUNDARY, buf_slice(&inner));
    for (size_t size = 1; size < outer.size; size++)
        assert_false(walk(&seen, slice_of(outer.data, size)));
}

/* A child may not be larger than its parent, though there are bytes behind it. */
static void test_child_past_parent(void **state)
{
    (void)state;
    struct seen seen;
    static const uint32_t sizes[] = {9, 100, UINT32_MAX, UINT32_MAX - 7};
    for (size_t i = 0; i < 4; i++) {
        _cleanup_buf_ struct buf outer;
        buf_init(&outer, 1000);
        buf_append_u32_le(&outer, SIPA_TRUST_BOUNDARY);
        buf_append_u32_le(&outer, 16);
        buf_append_u32_le(&outer, SIPA_TEST_SIGNING);
        buf_append_u32_le(&outer, sizes[i]);
        buf_append_u64_le(&outer, 0);
        log_builder_sipa(&outer, 1, 0, 8);
        assert_false(walk(&seen, buf_slice(&outer)));
    }
}

static void test_depth(void **state)
{
    (void)state;
    struct seen seen;
    for (int depth = 1; depth <= 12; depth++) {
        _cleanup_buf_ struct buf list, outer;
        buf_init(&list, 1000);
        buf_init(&outer, 1000);
        log_builder_sipa(&list, 1, 0, 1);
        for (int i = 0; i < depth; i++) {
            log_builder_sipa_bytes(&outer, SIPA_TRUST_BOUNDARY, buf_slice(&list));
            buf_reset(&list);
            buf_append(&list, buf_slice(&outer));
            buf_reset(&outer);
        }
        assert_int_equal(walk(&seen, buf_slice(&list)), depth < SIPA_DEPTH_MAX);
    }
}

static void test_number(void **state)
{
    (void)state;
    uint64_t number;
    assert_true(sipa_number(&number, slice_of("\1", 1)));
    assert_int_equal(number, 1);
    assert_true(sipa_number(&number, slice_of("\1\2\0\0\0\0\0\x80", 8)));
    assert_int_equal(number, 0x8000000000000201);
    assert_true(sipa_number(&number, slice_of("\0\0\0\1", 4)));
    assert_int_equal(number, 0x01000000);
    assert_false(sipa_number(&number, SLICE_EMPTY));
    assert_false(sipa_number(&number, slice_of("\0\0\0", 3)));
    assert_false(sipa_number(&number, slice_of("\0\0\0\0\0\0\0\0\0", 9)));
}

static void test_si_policy(void **state)
{
    (void)state;
    struct sipa_si_policy policy;
    uint8_t digest[DIGEST_SHA256_SIZE] = {7};
    _cleanup_buf_ struct buf list;
    buf_init(&list, 1000);
    log_builder_si_policy(&list, "SiPolicy.p7b", digest);
    struct slice payload = slice_of(list.data + 8, list.size - 8);
    assert_true(sipa_si_policy_parse(&policy, payload));
    assert_int_equal(policy.version, 0x000A000000000001);
    assert_int_equal(policy.algorithm, DIGEST_SHA256);
    assert_int_equal(policy.name.size, 24);
    assert_true(slice_equal(policy.digest, slice_of(digest, 32)));
    for (size_t size = 0; size < payload.size; size++)
        assert_false(sipa_si_policy_parse(&policy, slice_of(payload.data, size)));
    buf_append_u8(&list, 0);
    assert_false(sipa_si_policy_parse(&policy, slice_of(list.data + 8, list.size - 8)));
}

static void test_vsm_key(void **state)
{
    (void)state;
    struct sipa_vsm_key key;
    uint8_t modulus[256];
    _cleanup_buf_ struct buf list;
    memset(modulus, 0xC3, sizeof modulus);
    buf_init(&list, 1000);
    log_builder_vsm_key(&list, SIPA_VSM_IDK_INFO, modulus);
    assert_int_equal(list.size - 8, 275); /* as facts say */
    struct slice payload = slice_of(list.data + 8, list.size - 8);
    assert_true(sipa_vsm_key_parse(&key, payload));
    assert_int_equal(key.exponent.size, 3);
    assert_true(slice_equal(key.modulus, slice_of(modulus, 256)));
    for (size_t size = 0; size < payload.size; size++)
        assert_false(sipa_vsm_key_parse(&key, slice_of(payload.data, size)));
    /* Each field of the front, and the ends of the modulus. */
    static const size_t places[] = {0, 4, 5, 8, 12, 13, 19, 274};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        list.data[8 + places[i]] ^= places[i] == 19 ? 0x80 : places[i] == 4 ? 1 : 0x11;
        assert_false(sipa_vsm_key_parse(&key, payload));
        list.data[8 + places[i]] ^= places[i] == 19 ? 0x80 : places[i] == 4 ? 1 : 0x11;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_truncated_at_every_byte),
        cmocka_unit_test(test_child_past_parent),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_si_policy),
        cmocka_unit_test(test_vsm_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
