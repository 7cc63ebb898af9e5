/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/pe.h"

#include "bootimage/errors.h"

#include <stdlib.h>

#define CLAUSE "PE format; UEFI 2.10 2.1.1"
#define DOS_HEADER_SIZE 64
#define PE_OFFSET_AT 60 /* e_lfanew in the DOS header */
#define COFF_HEADER_SIZE 20
#define SECTION_HEADER_SIZE 40
#define DIRECTORY_SIZE 8
#define DIRECTORY_CERTIFICATES 4 /* index of the certificate table */
#define MAGIC_PE32 0x10b
#define MAGIC_PE32_PLUS 0x20b

/* Where things are in the optional header; both forms share the rest. */
#define HEADERS_SIZE_AT 60
#define CHECKSUM_AT 64
#define DIRECTORIES_AT_PE32 96
#define DIRECTORIES_AT_PE32_PLUS 112

static uint32_t u32_at(struct slice bytes, size_t offset)
{
    struct reader reader = reader_of(slice_of(bytes.data + offset, bytes.size - offset));
    return reader_u32_le(&reader);
}

static uint16_t u16_at(struct slice bytes, size_t offset)
{
    struct reader reader = reader_of(slice_of(bytes.data + offset, bytes.size - offset));
    return reader_u16_le(&reader);
}

static bool has(struct slice bytes, size_t offset, size_t size)
{
    return offset <= bytes.size && size <= bytes.size - offset;
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &bootimage_pe_malformed, CLAUSE, NULL, "%s", what);
}

/* Finds the COFF header: behind "PE\0\0", which the DOS header points to. */
static bool find_coff(size_t *out, struct slice bytes, struct error *err)
{
    if (bytes.size > PE_SIZE_MAX)
        return malformed(err, "it is larger than 2 GiB");
    if (bytes.size < DOS_HEADER_SIZE || bytes.data[0] != 'M' || bytes.data[1] != 'Z')
        return error_set(err, &bootimage_not_pe, CLAUSE, NULL, "it does not begin with \"MZ\"");
    size_t offset = u32_at(bytes, PE_OFFSET_AT);
    if (!has(bytes, offset, 4 + COFF_HEADER_SIZE) || memcmp(bytes.data + offset, "PE\0\0", 4) != 0)
        return error_set(err, &bootimage_not_pe, CLAUSE, NULL, "it has no \"PE\" header");
    *out = offset + 4;
    return true;
}

static bool parse_certificates(struct pe_image *image, struct error *err)
{
    size_t offset = u32_at(image->bytes, image->certificate_offset);
    size_t size = u32_at(image->bytes, image->certificate_offset + 4);
    if (size == 0) /* the offset does not count then */
        return true;
    if (!has(image->bytes, offset, size) || offset + size != image->bytes.size)
        return malformed(err, "its certificate table is not the end of the file");
    if (offset < image->header_size)
        return malformed(err, "its certificate table lies in its headers");
    image->certificates = slice_of(image->bytes.data + offset, size);
    return true;
}

/* Reads the optional header at offset; *sections is where the section table begins. */
static bool parse_optional(struct pe_image *image, size_t offset, size_t size, size_t *sections,
                           struct error *err)
{
    if (size < CHECKSUM_AT + 4 || !has(image->bytes, offset, size))
        return malformed(err, "its optional header is too short");
    uint16_t magic = u16_at(image->bytes, offset);
    if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
        return malformed(err, "its optional header is neither PE32 nor PE32+");
    image->is_pe32_plus = magic == MAGIC_PE32_PLUS;
    size_t directories = image->is_pe32_plus ? DIRECTORIES_AT_PE32_PLUS : DIRECTORIES_AT_PE32;
    size_t entry = directories + (size_t)DIRECTORY_SIZE * DIRECTORY_CERTIFICATES;
    if (size < entry + DIRECTORY_SIZE ||
        u32_at(image->bytes, offset + directories - 4) <= DIRECTORY_CERTIFICATES)
        return malformed(err, "it has no directory entry for a certificate table");
    image->checksum_offset = offset + CHECKSUM_AT;
    image->certificate_offset = offset + entry;
    image->header_size = u32_at(image->bytes, offset + HEADERS_SIZE_AT);
    *sections = offset + size;
    return parse_certificates(image, err);
}

static bool parse_section(struct pe_section *out, const struct pe_image *image, size_t offset,
                          struct error *err)
{
    memcpy(out->name, image->bytes.data + offset, PE_SECTION_NAME_SIZE - 1);
    out->name[PE_SECTION_NAME_SIZE - 1] = '\0';
    out->virtual_size = u32_at(image->bytes, offset + 8);
    out->virtual_address = u32_at(image->bytes, offset + 12);
    size_t size = u32_at(image->bytes, offset + 16), at = u32_at(image->bytes, offset + 20);
    if (size == 0) {
        out->raw = SLICE_EMPTY;
        return true;
    }
    size_t end = image->bytes.size - image->certificates.size;
    if (at < image->header_size || at > end || size > end - at)
        return malformed(err, "a section lies in the headers or beyond the end of the file");
    out->raw = slice_of(image->bytes.data + at, size);
    return true;
}

/* By their place in the file; those without bytes first. */
static int compare_places(const void *a, const void *b)
{
    const struct pe_section *const *left = a, *const *right = b;
    if ((*left)->raw.data == (*right)->raw.data)
        return 0;
    return (*left)->raw.data < (*right)->raw.data ? -1 : 1;
}

static size_t sort_sections(const struct pe_section *sorted[PE_SECTIONS_MAX],
                            const struct pe_image *image)
{
    size_t count = 0;
    for (size_t i = 0; i < image->section_count; i++) {
        if (image->sections[i].raw.size > 0)
            sorted[count++] = &image->sections[i];
    }
    /* cppcheck-suppress uninitvar ; the first count are filled */
    qsort(sorted, count, sizeof sorted[0], compare_places);
    return count;
}

static bool check_overlap(const struct pe_image *image, struct error *err)
{
    const struct pe_section *sorted[PE_SECTIONS_MAX] = {NULL};
    size_t count = sort_sections(sorted, image);
    for (size_t i = 1; i < count; i++) {
        if (sorted[i - 1]->raw.data + sorted[i - 1]->raw.size > sorted[i]->raw.data)
            return malformed(err, "two of its sections overlap in the file");
    }
    return true;
}

bool pe_parse(struct pe_image *out, struct slice bytes, struct error *err)
{
    struct pe_image image = {.bytes = bytes};
    size_t coff, table;
    if (!find_coff(&coff, bytes, err))
        return false;
    image.machine = u16_at(bytes, coff);
    image.section_count = u16_at(bytes, coff + 2);
    if (!parse_optional(&image, coff + COFF_HEADER_SIZE, u16_at(bytes, coff + 16), &table, err))
        return false;
    if (image.section_count > PE_SECTIONS_MAX)
        return malformed(err, "it has more than 96 sections");
    if (!has(bytes, table, SECTION_HEADER_SIZE * image.section_count) ||
        image.header_size < table + SECTION_HEADER_SIZE * image.section_count ||
        image.header_size > bytes.size)
        return malformed(err, "its section table does not lie within its headers");
    for (size_t i = 0; i < image.section_count; i++) {
        if (!parse_section(&image.sections[i], &image, table + SECTION_HEADER_SIZE * i, err))
            return false;
    }
    if (!check_overlap(&image, err))
        return false;
    *out = image;
    return true;
}

const struct pe_section *pe_find_section(const struct pe_image *image, const char *name)
{
    for (size_t i = 0; i < image->section_count; i++) {
        if (strcmp(image->sections[i].name, name) == 0)
            return &image->sections[i];
    }
    return NULL;
}

/*
 * Headers without the checksum and the certificate table's entry; the sections by their place in
 * the file; then, as firmware counts it, what lies behind as many bytes as were digested so far,
 * up to the certificate table.
 */
void pe_authenticode(struct digests *out, const struct pe_image *image)
{
    const struct pe_section *sorted[PE_SECTIONS_MAX] = {NULL};
    struct slice parts[PE_SECTIONS_MAX + 4];
    const uint8_t *data = image->bytes.data;
    size_t checksum_end = image->checksum_offset + 4;
    size_t entry_end = image->certificate_offset + DIRECTORY_SIZE;
    size_t count = 0, counted = image->header_size;
    parts[count++] = slice_of(data, image->checksum_offset);
    parts[count++] = slice_of(data + checksum_end, image->certificate_offset - checksum_end);
    parts[count++] = slice_of(data + entry_end, image->header_size - entry_end);
    size_t sections = sort_sections(sorted, image);
    for (size_t i = 0; i < sections; i++) {
        parts[count++] = sorted[i]->raw;
        counted += sorted[i]->raw.size;
    }
    size_t end = image->bytes.size - image->certificates.size;
    if (counted < end)
        parts[count++] = slice_of(data + counted, end - counted);
    digests_compute(out, parts, count);
}
