/* SPDX-License-Identifier: Apache-2.0 */
#include "base/deflate.h"

#include "../testing.h"

static void round_trip(size_t size, unsigned step)
{
    struct error err = {0};
    _cleanup_buf_ struct buf plain, compressed, expanded;
    buf_init(&plain, size);
    buf_init(&compressed, 2 * size + 64);
    buf_init(&expanded, size);
    for (size_t i = 0; i < size; i++)
        buf_append_u8(&plain, (uint8_t)(i * step >> 3));
    deflate_compress(&compressed, buf_slice(&plain));
    assert_true(deflate_expand(&expanded, buf_slice(&compressed), size, &err));
    assert_true(slice_equal(buf_slice(&plain), buf_slice(&expanded)));
    for (size_t cut = 0; cut < compressed.size; cut++)
        assert_false(deflate_expand(&expanded, slice_of(compressed.data, cut), size, &err));
    buf_append_u8(&compressed, 0);
    assert_false(deflate_expand(&expanded, buf_slice(&compressed), size, &err));
    assert_string_equal(err.code->name, "base.deflate-malformed");
}

static void what_is_compressed_expands_again(void **state)
{
    (void)state;
    round_trip(0, 0);
    round_trip(1, 0);
    round_trip(1000, 1);
    round_trip(3000, 0);
}

/* "a" × 5 as python's zlib writes it. */
static void it_is_the_format_of_others(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x78, 0x9c, 0x4b, 0x4c, 0x04, 0x02,
                                    0x00, 0x05, 0xb4, 0x01, 0xe6};
    struct error err = {0};
    _cleanup_buf_ struct buf out;
    buf_init(&out, 16);
    assert_true(deflate_expand(&out, slice_of(bytes, sizeof bytes), 16, &err));
    assert_true(slice_equals_text(buf_slice(&out), "aaaaa"));
}

static void damage_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    _cleanup_buf_ struct buf out;
    uint8_t bytes[] = {0x78, 0x9c, 0x4b, 0x4c, 0x04, 0x02, 0x00, 0x05, 0xb4, 0x01, 0xe6};
    buf_init(&out, 16);
    bytes[10] ^= 1; /* the sum */
    assert_false(deflate_expand(&out, slice_of(bytes, sizeof bytes), 16, &err));
    assert_string_equal(err.code->name, "base.deflate-malformed");
    assert_int_equal(out.size, 0);
}

/* A megabyte of zeros is a kilobyte. */
static void the_limit_holds(void **state)
{
    (void)state;
    struct error err = {0};
    _cleanup_buf_ struct buf plain, compressed, out;
    buf_init(&plain, 1 << 20);
    buf_init(&compressed, 4096);
    buf_init(&out, 1 << 20);
    memset(buf_reserve(&plain, 1 << 20), 0, 1 << 20);
    buf_added(&plain, 1 << 20);
    deflate_compress(&compressed, buf_slice(&plain));
    assert_false(compressed.overflow);
    assert_false(deflate_expand(&out, buf_slice(&compressed), (1 << 20) - 1, &err));
    assert_string_equal(err.code->name, "base.buffer-full");
    assert_true(deflate_expand(&out, buf_slice(&compressed), 1 << 20, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_compressed_expands_again),
        cmocka_unit_test(it_is_the_format_of_others),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(the_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
