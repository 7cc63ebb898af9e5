/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads and transport key signatures against vectors of Python's standard library
 * (tests/vectors/transport_key.py). */
#include "fixture.h"

#include "base/file.h"
#include "base/hex.h"
#include "protector/transport_key.h"

static struct buf vectors;

static int load_vectors(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s/transport_key.txt", getenv("HGS_VECTORS"));
    buf_init(&vectors, 65536);
    assert_ok(file_read(&vectors, path, err));
    return 0;
}

static int free_vectors(void **state)
{
    (void)state;
    buf_done(&vectors);
    return 0;
}

static void vector(struct buf *out, const char *name)
{
    char label[64];
    snprintf(label, sizeof label, "\n%s ", name);
    const char *at = strstr(buf_text(&vectors), label);
    assert_non_null(at);
    at += strlen(label);
    buf_init(out, 4096);
    assert_ok(hex_parse(out, slice_of(at, strcspn(at, "\n")), err));
}

static void expect_bytes(struct slice got, const char *name)
{
    _cleanup_buf_ struct buf expected;
    vector(&expected, name);
    assert_int_equal(got.size, expected.size);
    assert_memory_equal(got.data, expected.data, expected.size);
}

static void format_is_as_specified(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf key1, key2;
    vector(&key1, "key1");
    vector(&key2, "key2");
    struct slice keys[] = {buf_slice(&key1), buf_slice(&key2)};
    static const struct {
        const char *name;
        unsigned version;
        size_t count, size;
    } rows[] = {
        {"payload_v1_one", 1, 1, 48}, {"payload_v1_two", 1, 2, 80}, {"payload_v2_two", 2, 2, 84}};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct buf payload;
        buf_init_secret(&payload, 256);
        protector_payload_format(&payload, rows[i].version, keys, rows[i].count);
        assert_int_equal(payload.size, rows[i].size);
        expect_bytes(buf_slice(&payload), rows[i].name);
    }
}

static void parse_gives_the_keys(void **state)
{
    (void)state;
    static const char *const names[] = {"payload_v1_two", "payload_v2_two"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct buf payload;
        _cleanup_secret_ struct secret keys = SECRET_EMPTY;
        size_t count;
        vector(&payload, names[i]);
        assert_ok(protector_payload_parse(&keys, &count, 2, buf_slice(&payload), err));
        assert_int_equal(count, 2);
        expect_bytes(slice_of(keys.data, 32), "key1");
        expect_bytes(slice_of(keys.data + 32, 32), "key2");
    }
}

static void policies_are_passed_over(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf payload;
    _cleanup_secret_ struct secret keys = SECRET_EMPTY;
    size_t count;
    vector(&payload, "payload_v2_policy");
    assert_ok(protector_payload_parse(&keys, &count, 1, buf_slice(&payload), err));
    expect_bytes(secret_slice(&keys), "key1");
}

static void expect_refused(struct slice payload)
{
    _cleanup_secret_ struct secret keys = SECRET_EMPTY;
    size_t count;
    assert_refused(protector_payload_parse(&keys, &count, 1, payload, err), &protector_malformed);
    assert_null(keys.data);
}

static void other_payloads_are_refused(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf good;
    vector(&good, "payload_v1_one");
    /* Offsets: DataSize 0, Version 4, NumberOfKeys 8, KeyLength 12. */
    static const struct {
        size_t offset;
        uint8_t value;
    } edits[] = {{0, 47}, {0, 49}, {3, 1},     {4, 0},   {4, 2},   {4, 3},
                 {8, 0},  {8, 2},  {11, 0x80}, {12, 31}, {12, 16}, {15, 0xff}};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        uint8_t bytes[48];
        memcpy(bytes, good.data, sizeof bytes);
        bytes[edits[i].offset] = edits[i].value;
        expect_refused(slice_of(bytes, sizeof bytes));
    }
    for (size_t size = 0; size < good.size; size++)
        expect_refused(slice_of(good.data, size));
    buf_append_u8(&good, 0);
    expect_refused(buf_slice(&good));
    _cleanup_buf_ struct buf two;
    vector(&two, "payload_v1_two");
    expect_refused(buf_slice(&two));
}

static void other_policies_are_refused(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf good;
    vector(&good, "payload_v2_policy");
    static const struct {
        size_t offset;
        uint8_t value;
    } edits[] = {{48, 2}, {48, 200}, {52, 2}, {56, 5}, {60, 4}, {63, 0xff}};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        uint8_t bytes[80];
        memcpy(bytes, good.data, good.size);
        bytes[edits[i].offset] = edits[i].value;
        expect_refused(slice_of(bytes, good.size));
    }
    for (size_t size = 0; size < good.size; size++)
        expect_refused(slice_of(good.data, size));
}

static void an_unacceptable_payload_gives_a_random_key(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf payload;
    vector(&payload, "payload_v1_one");
    _cleanup_secret_ struct secret decrypted = SECRET_EMPTY;
    secret_copy(&decrypted, buf_slice(&payload));
    uint8_t key[32], first[32], second[32];
    protector_payload_key(key, &decrypted);
    expect_bytes(slice_of(key, 32), "key1");
    decrypted.data[4] = 9;
    protector_payload_key(first, &decrypted);
    assert_memory_not_equal(first, key, 32);
    protector_payload_key(second, NULL);
    assert_memory_not_equal(second, first, 32);
}

static void the_signature_is_as_derived(void **state)
{
    (void)state;
    static const struct {
        enum digest_algorithm algorithm;
        const char *name;
    } rows[] = {{DIGEST_SHA256, "mac_sha256"},
                {DIGEST_SHA384, "mac_sha384"},
                {DIGEST_SHA512, "mac_sha512"}};
    _cleanup_buf_ struct buf key, wrappings;
    vector(&key, "key1");
    vector(&wrappings, "wrappings");
    for (size_t i = 0; i < 3; i++) {
        struct digest mac;
        transport_key_sign(&mac, rows[i].algorithm, buf_slice(&key), buf_slice(&wrappings));
        expect_bytes(digest_slice(&mac), rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_is_as_specified),
        cmocka_unit_test(parse_gives_the_keys),
        cmocka_unit_test(policies_are_passed_over),
        cmocka_unit_test(other_payloads_are_refused),
        cmocka_unit_test(other_policies_are_refused),
        cmocka_unit_test(an_unacceptable_payload_gives_a_random_key),
        cmocka_unit_test(the_signature_is_as_derived),
    };
    return cmocka_run_group_tests(tests, load_vectors, free_vectors);
}
