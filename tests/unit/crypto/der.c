/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der.h"

#include "tool.h"

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool valid;
    } cases[] = {
        {"0400", true},        {"0401aa", true},  {"0480aa0000", false}, /* indefinite */
        {"048101aa", false},                                             /* not minimal */
        {"04820001aa", false}, {"0402aa", false},                        /* ends early */
        {"0401aabb", false},                                             /* trailing */
        {"04", false},         {"", false},       {"0485000000000100", false}, {"04ff", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf bytes;
        struct slice in = tool_hex(&bytes, cases[i].hex);
        assert_int_equal(der_is(in, DER_OCTET_STRING), cases[i].valid);
        buf_done(&bytes);
    }
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool is_integer, is_unsigned;
        uint64_t value;
    } cases[] = {
        {"020100", true, true, 0},         {"02017f", true, true, 127},
        {"02020080", true, true, 128},     {"0202007f", false, false, 0},
        {"020180", true, false, 0},        {"0202ff80", false, false, 0},
        {"0202ff7f", true, false, 0},      {"0200", false, false, 0},
        {"0203010001", true, true, 65537},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf bytes;
        struct reader as_integer = reader_of(tool_hex(&bytes, cases[i].hex));
        struct reader as_unsigned = as_integer, as_number = as_integer;
        der_read_integer(&as_integer);
        assert_int_equal(reader_done(&as_integer), cases[i].is_integer);
        der_read_unsigned(&as_unsigned);
        assert_int_equal(reader_done(&as_unsigned), cases[i].is_unsigned);
        assert_int_equal(der_read_number(&as_number, UINT64_MAX), cases[i].value);
        assert_int_equal(reader_done(&as_number), cases[i].is_unsigned);
        buf_done(&bytes);
    }
    struct reader limited = reader_of(slice_of("\x02\x01\x05", 3));
    der_read_number(&limited, 4);
    assert_true(limited.failed);
}

static void test_booleans_and_bits(void **state)
{
    (void)state;
    struct reader reader = reader_of(slice_of("\x01\x01\xff\x01\x01\x00\x01\x01\x01", 9));
    assert_true(der_read_boolean(&reader));
    assert_false(der_read_boolean(&reader));
    assert_false(reader.failed);
    assert_false(der_read_boolean(&reader));
    assert_true(reader.failed);
    reader = reader_of(slice_of("\x03\x02\x00\x05", 4));
    assert_int_equal(der_read_bits(&reader).size, 1);
    assert_true(reader_done(&reader));
    reader = reader_of(slice_of("\x03\x02\x01\x04", 4));
    der_read_bits(&reader);
    assert_true(reader.failed);
    reader = reader_of(slice_of("\x03\x00", 2));
    der_read_bits(&reader);
    assert_true(reader.failed);
}

/* Tags of several bytes, and the end-of-contents tag, have no place in what is read here. */
static void test_elements(void **state)
{
    (void)state;
    struct reader reader = reader_of(slice_of("\x30\x02\x05\x00\x05\x00", 6));
    assert_int_equal(der_read_element(&reader).size, 4);
    assert_int_equal(der_peek(&reader), DER_NULL);
    assert_int_equal(der_read_element(&reader).size, 2);
    assert_int_equal(der_peek(&reader), 0);
    assert_true(reader_done(&reader));
    reader = reader_of(slice_of("\x1f\x81\x01\x00", 4));
    assert_int_equal(der_read_element(&reader).size, 0);
    assert_true(reader.failed);
    reader = reader_of(slice_of("\x00\x00", 2));
    der_read_element(&reader);
    assert_true(reader.failed);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        int64_t time; /* date -u -d … +%s */
    } cases[] = {
        {"\x17\x0d"
         "700101000000Z",
         true, 0},
        {"\x17\x0d"
         "491231235959Z",
         true, 2524607999},
        {"\x17\x0d"
         "500101000000Z",
         true, -631152000},
        {"\x18\x0f"
         "20500101000000Z",
         true, 2524608000},
        {"\x18\x0f"
         "99991231235959Z",
         true, 253402300799},
        {"\x17\x0d"
         "240229120000Z",
         true, 1709208000},
        {"\x17\x0d"
         "230229120000Z",
         false, 0},
        {"\x17\x0d"
         "231301120000Z",
         false, 0},
        {"\x17\x0d"
         "230100120000Z",
         false, 0},
        {"\x17\x0d"
         "230101240000Z",
         false, 0},
        {"\x17\x0d"
         "230101006000Z",
         false, 0},
        {"\x17\x0d"
         "230101000060Z",
         false, 0},
        {"\x17\x0d"
         "2301010000000",
         false, 0},
        {"\x17\x0d"
         "23x101000000Z",
         false, 0},
        {"\x17\x0b"
         "2301010000Z",
         false, 0},
        {"\x17\x11"
         "230101000000+0100",
         false, 0},
        {"\x18\x11"
         "20230101000000.1Z",
         false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reader reader = reader_of(slice_from_text(cases[i].text));
        int64_t time = der_read_time(&reader);
        assert_int_equal(reader_done(&reader), cases[i].valid);
        assert_int_equal(time, cases[i].time);
        if (!cases[i].valid)
            continue;
        struct buf written;
        buf_init(&written, 100);
        der_write_time(&written, time);
        assert_slice_equal(buf_slice(&written), slice_from_text(cases[i].text));
        buf_done(&written);
    }
}

static void test_oid_text(void **state)
{
    (void)state;
    char text[64];
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    assert_string_equal(der_format_oid(slice_of(rsa, sizeof rsa), text, sizeof text),
                        "1.2.840.113549.1.1.1");
    assert_string_equal(der_format_oid(slice_of("\x88\x37\x03", 3), text, sizeof text), "2.999.3");
    char small[6];
    assert_string_equal(der_format_oid(slice_of(rsa, sizeof rsa), small, sizeof small), "1.2.8");
    assert_string_equal(der_format_oid(SLICE_EMPTY, text, sizeof text), "");
}

/* Contents of every length around where the length's own form changes. */
static void test_written_lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf out;
        buf_init(&out, 100000);
        size_t outer = der_begin(&out, DER_SEQUENCE);
        uint8_t *contents = memory_allocate_zero(1, sizes[i] + 1);
        memset(contents, 0x5a, sizes[i]);
        der_write(&out, DER_OCTET_STRING, slice_of(contents, sizes[i]));
        der_write_number(&out, 128);
        der_end(&out, outer);
        struct reader reader = reader_of(buf_slice(&out));
        struct reader inner = der_enter(&reader, DER_SEQUENCE);
        assert_slice_equal(der_read(&inner, DER_OCTET_STRING), slice_of(contents, sizes[i]));
        assert_int_equal(der_read_number(&inner, 1000), 128);
        assert_true(reader_done(&inner) && reader_done(&reader));
        free(contents);
        buf_done(&out);
    }
}

static void test_written_past_the_ceiling(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 300; limit += 7) {
        struct buf out;
        buf_init(&out, limit);
        size_t outer = der_begin(&out, DER_SEQUENCE);
        uint8_t contents[300] = {0};
        der_write(&out, DER_OCTET_STRING, slice_of(contents, sizeof contents));
        der_end(&out, outer);
        assert_false(buf_ok(&out, "test", NULL));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_booleans_and_bits),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_oid_text),
        cmocka_unit_test(test_written_lengths),
        cmocka_unit_test(test_written_past_the_ceiling),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
