/* SPDX-License-Identifier: Apache-2.0 */

/* An EFI image from anybody: read as what it may be. What is read lies in the file and has
 * digests. */

#include "bootimage/unified_kernel.h"
#include "bootimage/unified_kernel_addon.h"

#include "require.h"

static void check_image(const struct pe_image *image)
{
    struct digests digests;
    const uint8_t *end = image->bytes.data + image->bytes.size;
    for (size_t i = 0; i < image->section_count; i++) {
        const struct slice *raw = &image->sections[i].raw;
        require(raw->size == 0 || (raw->data >= image->bytes.data + image->header_size &&
                                   raw->size <= (size_t)(end - raw->data)));
    }
    pe_authenticode(&digests, image);
    require(digests_get(&digests, DIGEST_SHA256).size == 32);
}

static void check_kernel(struct slice bytes)
{
    _cleanup_unified_kernel_ struct unified_kernel kernel = {0};
    struct digest value;
    if (!unified_kernel_parse(&kernel, bytes, NULL))
        return;
    require(kernel.section_count > 0 && kernel.section_count <= UNIFIED_KERNEL_SECTIONS_MAX);
    require(kernel.command_line.size == 0 ||
            memchr(kernel.command_line.data, 0, kernel.command_line.size) == NULL);
    unified_kernel_predict(&value, &kernel, DIGEST_SHA384);
    require(value.size == 48);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct pe_image image;
    struct error err = {0};
    if (!pe_parse(&image, bytes, &err)) {
        require(err.code != NULL);
        return 0;
    }
    check_image(&image);
    check_kernel(bytes);
    _cleanup_unified_kernel_addon_ struct unified_kernel_addon addon = {0};
    if (unified_kernel_addon_parse(&addon, bytes, NULL))
        require(addon.command_line.size > 0);
    return 0;
}
