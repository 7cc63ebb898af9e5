/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/unified_kernel.h"

#define SECTIONS (0x84 + 20 + 240) /* of the vectors: where their section table begins */

static void parse_vector(struct unified_kernel *kernel, const char *name)
{
    _cleanup_buf_ struct buf bytes;
    testing_vector(&bytes, name);
    assert_ok(unified_kernel_parse(kernel, buf_slice(&bytes), err));
}

/* Where the section's header is in the vector. */
static size_t header_of(const struct buf *bytes, const char *name)
{
    for (size_t offset = SECTIONS; offset + 40 <= bytes->size; offset += 40) {
        if (strncmp((const char *)bytes->data + offset, name, 8) == 0)
            return offset;
    }
    fail_msg("no section %s", name);
    return 0;
}

static void test_parse(void **state)
{
    (void)state;
    static const char *const names[] = {".linux", ".osrel", ".cmdline", ".initrd",
                                        ".uname", ".sbat",  ".pcrpkey"};
    _cleanup_unified_kernel_ struct unified_kernel kernel;
    parse_vector(&kernel, "stub-252.efi");
    assert_int_equal(kernel.stub_version, 252);
    assert_string_equal(buf_text(&kernel.command_line), "quiet lockdown=integrity\n");
    assert_true(kernel.has_kernel);
    assert_int_equal(kernel.section_count, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < kernel.section_count; i++)
        assert_string_equal(kernel.sections[i].name, names[i]);
    struct digest expected;
    digest_compute(&expected, DIGEST_SHA384, slice_from_text("ID=vector\n"));
    assert_true(slice_equal(digests_get(&kernel.sections[1].contents, DIGEST_SHA384),
                            digest_slice(&expected)));
}

/* PCR 11 as another program computes it; old stubs measure fewer sections. */
static void test_predict(void **state)
{
    (void)state;
    static const char *const names[] = {"stub-252.efi", "stub-257.efi"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_unified_kernel_ struct unified_kernel kernel;
        struct digest value;
        parse_vector(&kernel, names[i]);
        unified_kernel_predict(&value, &kernel, DIGEST_SHA256);
        testing_assert_digest(digest_slice(&value), names[i], "pcr11");
    }
    assert_true(unified_kernel_always_measured(".cmdline"));
    assert_false(unified_kernel_always_measured(".uname"));
    assert_false(unified_kernel_always_measured(".pcrsig"));
}

/* The images of PCR 4: the whole one, and the kernel in it as a file of its own. */
static void test_images(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    _cleanup_unified_kernel_ struct unified_kernel kernel;
    struct pe_image image, inner;
    struct digests digests;
    parse_vector(&kernel, "stub-252.efi");
    testing_vector(&bytes, "stub-252.efi");
    assert_ok(pe_parse(&image, buf_slice(&bytes), err));
    pe_authenticode(&digests, &image);
    assert_true(testing_digests_equal(&digests, &kernel.image));
    const struct pe_section *section = pe_find_section(&image, ".linux");
    assert_ok(pe_parse(&inner, slice_of(section->raw.data, section->virtual_size), err));
    pe_authenticode(&digests, &inner);
    assert_true(testing_digests_equal(&digests, &kernel.kernel));
}

static void test_plain_kernel_inside(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    _cleanup_unified_kernel_ struct unified_kernel kernel;
    struct pe_image image;
    testing_vector(&bytes, "stub-252.efi");
    assert_ok(pe_parse(&image, buf_slice(&bytes), err));
    size_t at = (size_t)(pe_find_section(&image, ".linux")->raw.data - bytes.data);
    bytes.data[at] = 'X'; /* no EFI image any more */
    assert_ok(unified_kernel_parse(&kernel, buf_slice(&bytes), err));
    assert_false(kernel.has_kernel);
}

static void test_not_unified(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes, whole;
    struct unified_kernel kernel;
    testing_vector(&bytes, "pe32plus.efi");
    assert_refused(unified_kernel_parse(&kernel, buf_slice(&bytes), err), &bootimage_not_unified);
    assert_refused(unified_kernel_parse(&kernel, slice_from_text("no image"), err),
                   &bootimage_not_pe);
    testing_vector(&whole, "stub-252.efi");
    testing_put_u32(&whole, header_of(&whole, ".linux") + 8, 0); /* of no size: not there */
    assert_refused(unified_kernel_parse(&kernel, buf_slice(&whole), err), &bootimage_not_unified);
}

/* The first .cmdline is what is measured, but which one a stub takes is its own affair. */
static void test_section_twice(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct unified_kernel kernel;
    testing_vector(&bytes, "stub-252.efi");
    memcpy(bytes.data + header_of(&bytes, ".pcrsig"), ".cmdline", 8);
    assert_refused(unified_kernel_parse(&kernel, buf_slice(&bytes), err), &bootimage_profiles);
}

static void test_section_size(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct unified_kernel kernel;
    testing_vector(&bytes, "stub-252.efi");
    testing_put_u32(&bytes, header_of(&bytes, ".osrel") + 8, 513);
    assert_refused(unified_kernel_parse(&kernel, buf_slice(&bytes), err), &bootimage_section_size);
}

static void test_command_line(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct unified_kernel kernel;
    struct pe_image image;
    testing_vector(&bytes, "stub-252.efi");
    assert_ok(pe_parse(&image, buf_slice(&bytes), err));
    size_t at = (size_t)(pe_find_section(&image, ".cmdline")->raw.data - bytes.data);
    bytes.data[at + 3] = 0xff;
    assert_refused(unified_kernel_parse(&kernel, buf_slice(&bytes), err), &bootimage_command_line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),        cmocka_unit_test(test_predict),
        cmocka_unit_test(test_images),       cmocka_unit_test(test_plain_kernel_inside),
        cmocka_unit_test(test_not_unified),  cmocka_unit_test(test_section_twice),
        cmocka_unit_test(test_section_size), cmocka_unit_test(test_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
