/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/variable.h"

#include "testing.h"

/* vendor, characters of the name, bytes of data, then name and data. */
static bool parse(struct uefi_variable *out, uint64_t characters, uint64_t size, const char *rest,
                  size_t rest_size)
{
    static uint8_t bytes[256];
    _cleanup_buf_ struct buf built;
    buf_init(&built, sizeof bytes);
    buf_append_bytes(&built, uefi_global_variable.bytes, 16);
    buf_append_u64_le(&built, characters);
    buf_append_u64_le(&built, size);
    buf_append_bytes(&built, rest, rest_size);
    memcpy(bytes, built.data, built.size);
    return uefi_variable_parse(out, slice_of(bytes, built.size));
}

static void test_parse(void **state)
{
    (void)state;
    struct uefi_variable variable;
    assert_true(parse(&variable, 2, 1, "P\0K\0x", 5));
    assert_true(uefi_variable_has_name(&variable, "PK"));
    assert_false(uefi_variable_has_name(&variable, "P"));
    assert_false(uefi_variable_has_name(&variable, "PL"));
    assert_true(uefi_variable_is(&variable, &uefi_global_variable, "PK"));
    assert_false(uefi_variable_is(&variable, &uefi_security_database, "PK"));
    assert_true(slice_equals_text(variable.data, "x"));
    assert_true(parse(&variable, 0, 0, "", 0));
}

static void test_sizes(void **state)
{
    (void)state;
    struct uefi_variable variable;
    assert_false(parse(&variable, 2, 1, "P\0K\0", 4));           /* cut */
    assert_false(parse(&variable, 2, 1, "P\0K\0xy", 6));         /* bytes behind */
    assert_false(parse(&variable, UINT64_MAX, 1, "P\0K\0x", 5)); /* overflows */
    assert_false(parse(&variable, 1ull << 63, 5, "P\0K\0x", 5)); /* twice it is 0 */
    assert_false(parse(&variable, 2, UINT64_MAX, "P\0K\0x", 5));
    assert_false(uefi_variable_parse(&variable, slice_of("0123456789", 10)));
    assert_false(uefi_variable_parse(&variable, SLICE_EMPTY));
}

static void test_padded(void **state)
{
    (void)state;
    struct uefi_variable variable;
    uint8_t bytes[64] = {0};
    bytes[16] = 2;
    bytes[24] = 1;
    memcpy(bytes + 32, "P\0K\0x", 5);
    for (size_t padding = 0; padding < 8; padding++)
        assert_int_equal(uefi_variable_parse_padded(&variable, slice_of(bytes, 37 + padding)),
                         padding <= UEFI_VARIABLE_PADDING_MAX);
    bytes[38] = 1;
    assert_false(uefi_variable_parse_padded(&variable, slice_of(bytes, 39)));
    assert_false(uefi_variable_parse_padded(&variable, slice_of(bytes, 36)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_padded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
