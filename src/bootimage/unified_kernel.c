/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/unified_kernel.h"

#include "bootimage/command_line_section.h"
#include "bootimage/errors.h"

#define CLAUSE "UAPI.5 unified kernel image"

/* The oldest version of systemd-stub that measures sections into PCR 11. */
#define OLDEST 252

/* The sections that systemd-stub measures, in its order, and since which version; .pcrsig, which
 * signs the outcome, is not measured. */
static const struct {
    const char *name;
    uint32_t since;
} measured[] = {
    {".linux", OLDEST}, {".osrel", OLDEST},   {".cmdline", OLDEST}, {".initrd", OLDEST},
    {".ucode", 256},    {".splash", OLDEST},  {".dtb", OLDEST},     {".uname", 253},
    {".sbat", 254},     {".pcrpkey", OLDEST}, {".profile", 257},    {".dtbauto", 257},
    {".hwids", 257},    {".efifw", 258},
};
#define MEASURED_COUNT (sizeof measured / sizeof measured[0])
_Static_assert(MEASURED_COUNT <= UNIFIED_KERNEL_SECTIONS_MAX, "room for every section");

static uint32_t measured_since(const char *name)
{
    for (size_t i = 0; i < MEASURED_COUNT; i++) {
        if (strcmp(measured[i].name, name) == 0)
            return measured[i].since;
    }
    return UINT32_MAX;
}

bool unified_kernel_always_measured(const char *name)
{
    return measured_since(name) == OLDEST;
}

/* The one section of that name; *out is NULL when there is none, or one of no size, which the stub
 * skips. */
static bool find_one(const struct pe_section **out, const struct pe_image *image, const char *name,
                     struct error *err)
{
    *out = NULL;
    for (size_t i = 0; i < image->section_count; i++) {
        const struct pe_section *section = &image->sections[i];
        if (strcmp(section->name, name) != 0 || section->virtual_size == 0)
            continue;
        if (*out != NULL)
            return error_set(err, &bootimage_profiles, CLAUSE, name, "it stands there twice");
        if (section->virtual_size > section->raw.size)
            return error_set(err, &bootimage_section_size, CLAUSE, name,
                             "it has %u bytes in memory and %zu in the file", section->virtual_size,
                             section->raw.size);
        *out = section;
    }
    return true;
}

static struct slice contents(const struct pe_section *section)
{
    return slice_of(section->raw.data, section->virtual_size);
}

static bool parse_sections(struct unified_kernel *kernel, const struct pe_image *image,
                           struct error *err)
{
    for (size_t i = 0; i < MEASURED_COUNT; i++) {
        const struct pe_section *section;
        if (!find_one(&section, image, measured[i].name, err))
            return false;
        if (section == NULL)
            continue;
        struct unified_kernel_section *out = &kernel->sections[kernel->section_count++];
        struct slice bytes = contents(section);
        memcpy(out->name, section->name, sizeof out->name);
        digests_compute(&out->contents, &bytes, 1);
    }
    return true;
}

/* "#### LoaderInfo: systemd-stub 252.39-1 ####": the number behind the name. */
static uint32_t stub_version(const struct pe_image *image)
{
    static const char marker[] = "systemd-stub ";
    const struct pe_section *section = pe_find_section(image, ".sdmagic");
    if (section == NULL || section->raw.size == 0)
        return 0;
    const uint8_t *at = memmem(section->raw.data, section->raw.size, marker, sizeof marker - 1);
    if (at == NULL)
        return 0;
    uint32_t version = 0;
    const uint8_t *end = section->raw.data + section->raw.size;
    for (at += sizeof marker - 1; at < end && *at >= '0' && *at <= '9' && version < 10000; at++)
        version = 10 * version + (*at - '0');
    return version;
}

/* Newer stubs start .linux through the firmware, which measures it as an image of its own. */
static void measure_inner_kernel(struct unified_kernel *kernel, const struct pe_section *section)
{
    struct pe_image image;
    kernel->has_kernel = pe_parse(&image, contents(section), NULL);
    if (kernel->has_kernel)
        pe_authenticode(&kernel->kernel, &image);
}

static bool parse_image(struct unified_kernel *kernel, const struct pe_image *image,
                        struct error *err)
{
    const struct pe_section *section;
    if (!find_one(&section, image, ".linux", err))
        return false;
    if (section == NULL)
        return error_set(err, &bootimage_not_unified, CLAUSE, NULL, "it has no section .linux");
    measure_inner_kernel(kernel, section);
    if (!find_one(&section, image, ".cmdline", err) ||
        (section != NULL && !command_line_section(&kernel->command_line, contents(section), err)))
        return false;
    if (!parse_sections(kernel, image, err))
        return false;
    kernel->stub_version = stub_version(image);
    pe_authenticode(&kernel->image, image);
    return true;
}

bool unified_kernel_parse(struct unified_kernel *out, struct slice bytes, struct error *err)
{
    struct pe_image image;
    if (!pe_parse(&image, bytes, err))
        return false;
    _cleanup_unified_kernel_ struct unified_kernel kernel = {0};
    buf_init(&kernel.command_line, UNIFIED_KERNEL_COMMAND_LINE_MAX + 1);
    if (!parse_image(&kernel, &image, err))
        return false;
    *out = kernel;
    buf_init(&kernel.command_line, 0); /* *out owns it now */
    return true;
}

void unified_kernel_done(struct unified_kernel *kernel)
{
    buf_done(&kernel->command_line);
}

static void extend(struct digest *value, struct slice digest)
{
    struct slice parts[] = {digest_slice(value), digest};
    struct digest next;
    digest_compute_parts(&next, value->algorithm, parts, 2);
    *value = next;
}

void unified_kernel_predict(struct digest *out, const struct unified_kernel *kernel,
                            enum digest_algorithm algorithm)
{
    uint32_t version = kernel->stub_version == 0 ? UINT32_MAX : kernel->stub_version;
    struct digest value = {.algorithm = algorithm, .size = digest_size(algorithm)}, name;
    for (size_t i = 0; i < kernel->section_count; i++) {
        const struct unified_kernel_section *section = &kernel->sections[i];
        if (measured_since(section->name) > version && version >= OLDEST)
            continue;
        digest_compute(&name, algorithm, slice_of(section->name, strlen(section->name) + 1));
        extend(&value, digest_slice(&name));
        extend(&value, digests_get(&section->contents, algorithm));
    }
    *out = value;
}
