/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/pe.h"

/* Where the vectors have their headers: "PE\0\0" at 0x80. */
#define COFF 0x84
#define OPTIONAL (COFF + 20)
#define CERTIFICATES (OPTIONAL + 112 + 4 * 8)
#define SECTIONS (OPTIONAL + 240)

static void parse_vector(struct pe_image *image, struct buf *bytes, const char *name)
{
    testing_vector(bytes, name);
    assert_ok(pe_parse(image, buf_slice(bytes), err));
}

/* Of signed files, as osslsigncode calculates it; the signature does not change it. */
static void test_authenticode(void **state)
{
    (void)state;
    static const struct {
        const char *signed_name, *unsigned_name, *what;
        enum digest_algorithm algorithm;
    } cases[] = {
        {"pe32plus-osslsigncode-sha256.efi", "pe32plus.efi", "sha256", DIGEST_SHA256},
        {"pe32plus-osslsigncode-sha384.efi", "pe32plus.efi", "sha384", DIGEST_SHA384},
        {"pe32plus-osslsigncode-sha512.efi", "pe32plus.efi", "sha512", DIGEST_SHA512},
        {"pe32-osslsigncode-sha256.efi", "pe32.efi", "sha256", DIGEST_SHA256},
        {"shuffled-osslsigncode-sha256.efi", "shuffled.efi", "sha256", DIGEST_SHA256},
        {"trailer-osslsigncode-sha256.efi", "trailer.efi", "sha256", DIGEST_SHA256},
        {"trailer-sbsign-sha256.efi", "trailer.efi", "sha256", DIGEST_SHA256},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf with, without;
        struct pe_image image;
        struct digests digests, unsigned_digests;
        parse_vector(&image, &with, cases[i].signed_name);
        assert_true(image.certificates.size > 0);
        pe_authenticode(&digests, &image);
        testing_assert_digest(digests_get(&digests, cases[i].algorithm), cases[i].signed_name,
                              cases[i].what);
        parse_vector(&image, &without, cases[i].unsigned_name);
        assert_true(image.certificates.size == 0);
        pe_authenticode(&unsigned_digests, &image);
        assert_true(slice_equal(digests_get(&digests, cases[i].algorithm),
                                digests_get(&unsigned_digests, cases[i].algorithm)));
    }
}

static void test_checksum_does_not_count(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct pe_image image;
    struct digests before, after;
    parse_vector(&image, &bytes, "pe32plus.efi");
    pe_authenticode(&before, &image);
    testing_put_u32(&bytes, OPTIONAL + 64, 0x12345678);
    pe_authenticode(&after, &image);
    assert_true(testing_digests_equal(&before, &after));
    testing_put_u32(&bytes, OPTIONAL + 60 - 4, 0x7000); /* SizeOfImage */
    pe_authenticode(&after, &image);
    assert_false(testing_digests_equal(&before, &after));
}

static void test_sections(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct pe_image image;
    parse_vector(&image, &bytes, "pe32plus.efi");
    assert_true(image.is_pe32_plus);
    assert_int_equal(image.machine, PE_MACHINE_AMD64);
    assert_int_equal(image.section_count, 3);
    const struct pe_section *section = pe_find_section(&image, ".data");
    assert_non_null(section);
    assert_int_equal(section->virtual_size, 800);
    assert_int_equal(section->virtual_address, 0x2000);
    assert_int_equal(section->raw.size, 1024);
    assert_memory_equal(section->raw.data, "datadata", 8);
    assert_null(pe_find_section(&image, ".dat"));
    assert_null(pe_find_section(&image, ".linux"));
}

static void test_not_pe(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct pe_image image;
    assert_refused(pe_parse(&image, SLICE_EMPTY, err), &bootimage_not_pe);
    assert_refused(pe_parse(&image, slice_from_text("#!/bin/sh\n"), err), &bootimage_not_pe);
    testing_vector(&bytes, "pe32plus.efi");
    testing_put_u32(&bytes, 60, 0xfffffff0);
    assert_refused(pe_parse(&image, buf_slice(&bytes), err), &bootimage_not_pe);
    testing_put_u32(&bytes, 60, 0x84);
    assert_refused(pe_parse(&image, buf_slice(&bytes), err), &bootimage_not_pe);
}

/* One field of a good image is set to something that cannot be. */
static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t offset;
        uint32_t value;
    } cases[] = {
        {"size of the optional header", COFF + 16, 0x00000043},
        {"an optional header beyond the end", COFF + 16, 0x0000ffff},
        {"magic", OPTIONAL, 0x00000107},
        {"no certificate directory", OPTIONAL + 108, 4},
        {"certificates beyond the end", CERTIFICATES + 4, 8},
        {"SizeOfHeaders within the section table", OPTIONAL + 60, SECTIONS + 79},
        {"SizeOfHeaders beyond the end", OPTIONAL + 60, 0x7fffffff},
        {"97 sections", COFF, 0x00618664},
        {"a section table beyond the headers", COFF, 0x00608664},
        {"a section in the headers", SECTIONS + 20, 0x3ff},
        {"a section beyond the end", SECTIONS + 40 + 20, 0x7fffffff},
        {"a section that is too long", SECTIONS + 80 + 16, 0x7fffffff},
        {"sections that overlap", SECTIONS + 40 + 20, 0x600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf bytes;
        struct pe_image image;
        print_message("%s\n", cases[i].what);
        testing_vector(&bytes, "pe32plus.efi");
        testing_put_u32(&bytes, cases[i].offset, cases[i].value);
        if (i == 4) /* a place in the file, but not one that ends with it */
            testing_put_u32(&bytes, CERTIFICATES, 0x800);
        assert_refused(pe_parse(&image, buf_slice(&bytes), err), &bootimage_pe_malformed);
    }
}

static void test_certificates_in_headers(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    struct pe_image image;
    testing_vector(&bytes, "pe32plus.efi");
    testing_put_u32(&bytes, CERTIFICATES, 0x100);
    testing_put_u32(&bytes, CERTIFICATES + 4, (uint32_t)bytes.size - 0x100);
    assert_refused(pe_parse(&image, buf_slice(&bytes), err), &bootimage_pe_malformed);
}

/* Cut anywhere, it is refused or has fewer bytes to digest: nothing is read beyond. */
static void test_truncated(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf bytes;
    testing_vector(&bytes, "pe32plus-osslsigncode-sha256.efi");
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = malloc(size + 1); /* so that a sanitizer sees the end */
        struct pe_image image;
        struct error err = {0};
        assert_non_null(copy);
        memcpy(copy, bytes.data, size);
        assert_false(pe_parse(&image, slice_of(copy, size), &err));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authenticode), cmocka_unit_test(test_checksum_does_not_count),
        cmocka_unit_test(test_sections),     cmocka_unit_test(test_not_pe),
        cmocka_unit_test(test_malformed),    cmocka_unit_test(test_certificates_in_headers),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
