/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * UEFI images: PE/COFF, PE32 and PE32+ (UEFI 2.10 section 2.1.1), as firmware measures them into
 * PCR 4 by their Authenticode digest (Microsoft, "Windows Authenticode Portable Executable
 * Signature Format"; PFP 2.3.4.1). A file that firmware and we could read differently is refused:
 * sections that overlap, tables beyond the end, a certificate table that is not the file's end.
 */

#include "bootimage/digests.h"

#define PE_SIZE_MAX (2047u << 20) /* bytes of an image */
#define PE_SECTIONS_MAX 96
#define PE_SECTION_NAME_SIZE 9 /* with its NUL */

enum pe_machine {
    PE_MACHINE_I386 = 0x014c,
    PE_MACHINE_AMD64 = 0x8664,
    PE_MACHINE_ARM64 = 0xaa64,
    PE_MACHINE_RISCV64 = 0x5064,
    PE_MACHINE_LOONGARCH64 = 0x6264,
};

struct pe_section {
    char name[PE_SECTION_NAME_SIZE];
    uint32_t virtual_address;
    uint32_t virtual_size; /* bytes in memory */
    struct slice raw;      /* bytes in the file, padded to its alignment */
};

struct pe_image {
    struct slice bytes; /* the file, borrowed */
    uint16_t machine;   /* enum pe_machine, or another */
    bool is_pe32_plus;
    size_t checksum_offset;    /* of the 4 bytes that the digest leaves out */
    size_t certificate_offset; /* of the 8 bytes of the certificate table's directory entry */
    size_t header_size;        /* SizeOfHeaders */
    struct slice certificates; /* the certificate table; empty: unsigned */
    struct pe_section sections[PE_SECTIONS_MAX];
    size_t section_count;
};

/* Borrows bytes. bootimage.not-pe, bootimage.pe-malformed. */
bool pe_parse(struct pe_image *out, struct slice bytes, struct error *err);
/* The first section of that name; NULL: none. */
const struct pe_section *pe_find_section(const struct pe_image *image, const char *name);
/* What the image's Authenticode digest is made over, in all banks. */
void pe_authenticode(struct digests *out, const struct pe_image *image);
