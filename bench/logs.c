/* SPDX-License-Identifier: Apache-2.0 */
#include "logs.h"

#include <stdio.h>
#include <string.h>

#include "../tests/unit/log_builder.h"
#include "eventlog/ima.h"

/* A driver's event: UEFI_IMAGE_LOAD_EVENT with a device path. */
#define DRIVER_SIZE 160

static void add_driver(struct log_builder *builder, uint32_t number)
{
    uint8_t data[DRIVER_SIZE] = {0};
    memcpy(data, &number, sizeof number);
    struct slice image = slice_of(data, sizeof number); /* what its digest is of */
    log_builder_hashed(builder, 2, EVENTLOG_EFI_BOOT_SERVICES_DRIVER, image,
                       slice_of(data, sizeof data));
}

void logs_boot(struct buf *out, size_t size)
{
    static const enum digest_algorithm banks[] = {DIGEST_SHA1, DIGEST_SHA256};
    _cleanup_log_builder_ struct log_builder whole, drivers;
    struct log_linux boot;
    log_linux_init(&boot);
    log_builder_init(&whole, banks, 2);
    log_builder_init(&drivers, banks, 2);
    size_t head = whole.bytes.size;
    log_linux_build(&whole, &boot);
    for (uint32_t i = 0; drivers.bytes.size + whole.bytes.size < size; i++)
        add_driver(&drivers, i);
    /* Firmware measures its drivers before everything else that PCR 2 gets. */
    buf_append_bytes(out, whole.bytes.data, head);
    buf_append_bytes(out, drivers.bytes.data + head, drivers.bytes.size - head);
    buf_append_bytes(out, whole.bytes.data + head, whole.bytes.size - head);
}

/* boot_aggregate: the digest of PCRs 0 to 9. */
static void aggregate(struct digest *out, const struct tpm_pcr_bank *registers)
{
    struct slice values[10];
    for (unsigned pcr = 0; pcr < 10; pcr++)
        values[pcr] = tpm_pcr_value(registers, pcr);
    digest_compute_parts(out, registers->algorithm, values, 10);
}

static void add_file(struct buf *out, const struct digest *content, const char *name,
                     struct tpm_pcr_bank *registers)
{
    static const char algorithm[] = "sha256:"; /* with its NUL */
    struct digest entry;
    _cleanup_buf_ struct buf data;
    buf_init(&data, 1024);
    buf_append_u32_le(&data, (uint32_t)(sizeof algorithm + content->size));
    buf_append_bytes(&data, algorithm, sizeof algorithm);
    buf_append(&data, digest_slice(content));
    buf_append_u32_le(&data, (uint32_t)strlen(name) + 1);
    buf_append_bytes(&data, name, strlen(name) + 1);
    digest_compute(&entry, DIGEST_SHA1, buf_slice(&data));
    buf_append_u32_le(out, IMA_PCR);
    buf_append(out, digest_slice(&entry));
    buf_append_u32_le(out, 6);
    buf_append_text(out, "ima-ng");
    buf_append_u32_le(out, (uint32_t)data.size);
    buf_append(out, buf_slice(&data));
    digest_compute(&entry, registers->algorithm, buf_slice(&data));
    tpm_pcr_extend(registers, IMA_PCR, digest_slice(&entry));
}

void logs_ima(struct buf *out, size_t entries, struct tpm_pcr_bank *registers)
{
    struct digest content;
    aggregate(&content, registers);
    for (size_t i = 0; i < entries; i++) {
        char name[64] = "boot_aggregate";
        if (i > 0) {
            snprintf(name, sizeof name, "/usr/lib/x86_64-linux-gnu/libexample-%zu.so.1", i);
            digest_compute(&content, DIGEST_SHA256, slice_from_text(name));
        }
        add_file(out, &content, name, registers);
    }
}
