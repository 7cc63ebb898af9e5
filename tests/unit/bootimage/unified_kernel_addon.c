/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/unified_kernel_addon.h"

#define SECTIONS (0x84 + 20 + 240) /* of the vectors: .sbat, then .cmdline */

static void test_parse(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    _cleanup_unified_kernel_addon_ struct unified_kernel_addon addon;
    testing_vector(&bytes, "quiet.addon.efi");
    assert_ok(unified_kernel_addon_parse(&addon, buf_slice(&bytes), err));
    assert_string_equal(buf_text(&addon.command_line), "splash name=Zo\u00eb\U0001f600");
    testing_assert_digest(digests_get(&addon.measured, DIGEST_SHA256), "quiet.addon.efi",
                          "measured");
}

static void test_refuses(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf kernel, plain, bytes;
    struct unified_kernel_addon addon;
    testing_vector(&kernel, "stub-252.efi");
    assert_refused(unified_kernel_addon_parse(&addon, buf_slice(&kernel), err),
                   &bootimage_not_addon);
    testing_vector(&plain, "pe32plus.efi");
    assert_refused(unified_kernel_addon_parse(&addon, buf_slice(&plain), err),
                   &bootimage_not_addon);
    testing_vector(&bytes, "quiet.addon.efi");
    memcpy(bytes.data + SECTIONS, ".dtb\0", 5);
    assert_refused(unified_kernel_addon_parse(&addon, buf_slice(&bytes), err),
                   &bootimage_not_addon);
    memcpy(bytes.data + SECTIONS, ".sbat", 5);
    testing_put_u32(&bytes, SECTIONS + 40 + 8, 513); /* longer in memory */
    assert_refused(unified_kernel_addon_parse(&addon, buf_slice(&bytes), err),
                   &bootimage_not_addon);
    testing_put_u32(&bytes, SECTIONS + 40 + 8, 0); /* empty */
    assert_refused(unified_kernel_addon_parse(&addon, buf_slice(&bytes), err),
                   &bootimage_not_addon);
    testing_put_u32(&bytes, SECTIONS + 40 + 8, 15); /* half of a character */
    assert_refused(unified_kernel_addon_parse(&addon, buf_slice(&bytes), err),
                   &bootimage_command_line);
    assert_refused(unified_kernel_addon_parse(&addon, slice_from_text("MZ"), err),
                   &bootimage_not_pe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
