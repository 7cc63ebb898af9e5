/* SPDX-License-Identifier: Apache-2.0 */
#include "log_builder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/utf16.h"
#include "eventlog/sipa.h"
#include "eventlog/variable.h"

#define LOG_MAX (64u << 20)

static const struct guid shim_lock = {{0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6,
                                       0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23}};

void log_builder_init(struct log_builder *builder, const enum digest_algorithm *banks, size_t count)
{
    *builder = (struct log_builder){.bank_count = count};
    memcpy(builder->banks, banks, count * sizeof *banks);
    struct buf *out = &builder->bytes;
    buf_init(out, LOG_MAX);
    buf_append_u32_le(out, 0);
    buf_append_u32_le(out, EVENTLOG_NO_ACTION);
    buf_append(out, slice_of((const uint8_t[20]){0}, 20));
    buf_append_u32_le(out, (uint32_t)(16 + 4 + 4 + 4 + 4 * count + 1));
    buf_append_bytes(out, "Spec ID Event03", 16);
    buf_append_u32_le(out, 0);
    buf_append_bytes(out, "\0\2\0\2", 4);
    buf_append_u32_le(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        buf_append_u16_le(out, (uint16_t)banks[i]);
        buf_append_u16_le(out, (uint16_t)digest_size(banks[i]));
    }
    buf_append_u8(out, 0);
}

void log_builder_done(struct log_builder *builder)
{
    buf_done(&builder->bytes);
}

/* hashed: NULL for digests of zeros. */
static void append(struct log_builder *builder, uint32_t pcr, uint32_t type,
                   const struct slice *hashed, struct slice data)
{
    struct buf *out = &builder->bytes;
    buf_append_u32_le(out, pcr);
    buf_append_u32_le(out, type);
    buf_append_u32_le(out, (uint32_t)builder->bank_count);
    for (size_t i = 0; i < builder->bank_count; i++) {
        struct digest digest = {.size = digest_size(builder->banks[i])};
        if (hashed != NULL)
            digest_compute(&digest, builder->banks[i], *hashed);
        buf_append_u16_le(out, (uint16_t)builder->banks[i]);
        buf_append(out, digest_slice(&digest));
    }
    buf_append_u32_le(out, (uint32_t)data.size);
    buf_append(out, data);
}

void log_builder_event(struct log_builder *builder, uint32_t pcr, uint32_t type, struct slice data)
{
    append(builder, pcr, type, &data, data);
}

void log_builder_hashed(struct log_builder *builder, uint32_t pcr, uint32_t type,
                        struct slice hashed, struct slice data)
{
    append(builder, pcr, type, &hashed, data);
}

void log_builder_note(struct log_builder *builder, uint32_t pcr, struct slice data)
{
    append(builder, pcr, EVENTLOG_NO_ACTION, NULL, data);
}

void log_builder_text(struct log_builder *builder, uint32_t pcr, uint32_t type, const char *text)
{
    log_builder_event(builder, pcr, type, slice_from_text(text));
}

void log_builder_variable(struct log_builder *builder, uint32_t pcr, uint32_t type,
                          const struct guid *vendor, const char *name, struct slice data)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, data.size + 1024);
    buf_append_bytes(&out, vendor->bytes, sizeof vendor->bytes);
    buf_append_u64_le(&out, strlen(name));
    buf_append_u64_le(&out, data.size);
    utf16_from_utf8(&out, slice_from_text(name));
    buf_append(&out, data);
    log_builder_event(builder, pcr, type, buf_slice(&out));
}

void log_builder_wide(struct log_builder *builder, uint32_t pcr, const char *text)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, 2 * strlen(text) + 2);
    utf16_from_utf8(&out, slice_from_text(text));
    buf_append_u16_le(&out, 0);
    log_builder_event(builder, pcr, EVENTLOG_IPL, buf_slice(&out));
}

void log_builder_sipa_bytes(struct buf *out, uint32_t id, struct slice payload)
{
    buf_append_u32_le(out, id);
    buf_append_u32_le(out, (uint32_t)payload.size);
    buf_append(out, payload);
}

void log_builder_sipa(struct buf *out, uint32_t id, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    log_builder_sipa_bytes(out, id, slice_of(bytes, size));
}

void log_builder_si_policy(struct buf *out, const char *name,
                           const uint8_t digest[DIGEST_SHA256_SIZE])
{
    _cleanup_buf_ struct buf payload;
    buf_init(&payload, 4096);
    buf_append_u64_le(&payload, 0x000A000000000001);
    buf_append_u16_le(&payload, (uint16_t)(2 * strlen(name) + 2));
    buf_append_u16_le(&payload, DIGEST_SHA256);
    buf_append_u32_le(&payload, DIGEST_SHA256_SIZE);
    utf16_from_utf8(&payload, slice_from_text(name));
    buf_append_u16_le(&payload, 0);
    buf_append_bytes(&payload, digest, DIGEST_SHA256_SIZE);
    log_builder_sipa_bytes(out, SIPA_SI_POLICY, buf_slice(&payload));
}

void log_builder_vsm_key(struct buf *out, uint32_t id, const uint8_t modulus[256])
{
    _cleanup_buf_ struct buf payload;
    buf_init(&payload, 512);
    buf_append_u32_le(&payload, 1);
    buf_append_u32_le(&payload, 2048);
    buf_append_u32_le(&payload, 3);
    buf_append_u32_le(&payload, 256);
    buf_append_bytes(&payload, "\1\0\1", 3);
    buf_append_bytes(&payload, modulus, 256);
    log_builder_sipa_bytes(out, id, buf_slice(&payload));
}

void log_windows_init(struct log_windows *windows)
{
    static const struct log_setting good[] = {
        {SIPA_TRANSFER_CONTROL, 1, 4},
        {SIPA_BITLOCKER_UNLOCK, 4, 4},
        {SIPA_BOOT_DEBUGGING, 0, 1},
        {SIPA_OS_KERNEL_DEBUG, 0, 1},
        {SIPA_CODE_INTEGRITY, 1, 1},
        {SIPA_TEST_SIGNING, 0, 1},
        {SIPA_SAFE_MODE, 0, 1},
        {SIPA_WINPE, 0, 1},
        {SIPA_HYPERVISOR_LAUNCH_TYPE, 1, 8},
        {SIPA_HYPERVISOR_DEBUG, 0, 1},
        {SIPA_VSM_LAUNCH_TYPE, 1, 8},
        {SIPA_PAGEFILE_ENCRYPTION, 1, 1},
        {SIPA_HIBERNATION_DISABLED, 1, 1},
        {SIPA_DUMPS_DISABLED, 1, 1},
        {SIPA_DUMP_ENCRYPTION, 1, 1},
        {SIPA_VBS_IOMMU_REQUIRED, 1, 1},
        {SIPA_VBS_HVCI_POLICY, 1, 8},
    };
    *windows = (struct log_windows){.has_secure_boot_variable = true,
                                    .is_secure_boot_on = true,
                                    .authority = log_windows_certificate(),
                                    .is_closed = true,
                                    .setting_count = sizeof good / sizeof good[0],
                                    .has_vsm_key = true,
                                    .si_policy_name = "SiPolicy.p7b",
                                    .has_dump_key = true};
    memcpy(windows->settings, good, sizeof good);
    memset(windows->vsm_modulus, 0xC3, sizeof windows->vsm_modulus);
    memset(windows->si_policy_digest, 0x51, sizeof windows->si_policy_digest);
    memset(windows->dump_key_digest, 0xD0, sizeof windows->dump_key_digest);
}

struct slice log_windows_certificate(void)
{
    static uint8_t certificate[4096];
    static size_t size;
    const char *folder = getenv("HGS_VECTORS");
    char path[4096];
    if (size > 0)
        return slice_of(certificate, size);
    snprintf(path, sizeof path, "%s/microsoft_windows_production_pca_2011.der",
             folder == NULL ? "tests/vectors" : folder);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        abort();
    }
    size = fread(certificate, 1, sizeof certificate, file);
    fclose(file);
    return slice_of(certificate, size);
}

static struct log_setting *find(struct log_windows *windows, uint32_t id)
{
    for (size_t i = 0; i < windows->setting_count; i++)
        if (windows->settings[i].id == id)
            return &windows->settings[i];
    return NULL;
}

void log_windows_set(struct log_windows *windows, uint32_t id, uint64_t value)
{
    struct log_setting *setting = find(windows, id);
    if (setting == NULL) {
        setting = &windows->settings[windows->setting_count++];
        *setting = (struct log_setting){id, 0, 1};
    }
    setting->value = value;
}

void log_windows_omit(struct log_windows *windows, uint32_t id)
{
    struct log_setting *setting = find(windows, id);
    if (setting != NULL)
        *setting = windows->settings[--windows->setting_count];
}

/* PCR 7 as firmware writes it, and the other PCRs with something of theirs. */
static void firmware(struct log_builder *builder, bool has_secure_boot, bool is_secure_boot_on)
{
    static const char *const keys[] = {"PK", "KEK"};
    log_builder_text(builder, 0, EVENTLOG_S_CRTM_VERSION, "1.0");
    log_builder_hashed(builder, 0, EVENTLOG_EFI_PLATFORM_FIRMWARE_BLOB, slice_from_text("firmware"),
                       slice_of("\0\0\x82\0\0\0\0\0\0\0\x0e\0\0\0\0\0", 16));
    if (has_secure_boot)
        log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_global_variable,
                             "SecureBoot", slice_of(is_secure_boot_on ? "\1" : "\0", 1));
    for (size_t i = 0; i < 2; i++)
        log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_global_variable,
                             keys[i], slice_from_text("a list of keys"));
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_security_database,
                         "db", slice_from_text("a list of certificates"));
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_security_database,
                         "dbx", slice_from_text("a list of digests"));
    log_builder_event(builder, 7, EVENTLOG_SEPARATOR, slice_of("\0\0\0\0", 4));
    log_builder_text(builder, 4, EVENTLOG_EFI_ACTION, "Calling EFI Application from Boot Option");
    for (uint32_t pcr = 0; pcr < 7; pcr++)
        log_builder_event(builder, pcr, EVENTLOG_SEPARATOR, slice_of("\0\0\0\0", 4));
}

static void authority(struct log_builder *builder, struct slice certificate)
{
    _cleanup_buf_ struct buf data;
    buf_init(&data, 8192);
    buf_append(&data, slice_of((const uint8_t[16]){0xbd}, 16)); /* owner */
    buf_append(&data, certificate);
    log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &uefi_security_database, "db",
                         buf_slice(&data));
}

static void image(struct log_builder *builder, const char *content)
{
    log_builder_hashed(builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, slice_from_text(content),
                       slice_of((const uint8_t[32]){0}, 32));
}

static void end_of_firmware(struct log_builder *builder)
{
    log_builder_text(builder, 5, EVENTLOG_EFI_ACTION, "Exit Boot Services Invocation");
    log_builder_text(builder, 5, EVENTLOG_EFI_ACTION, "Exit Boot Services Returned with Success");
}

void log_windows_firmware(struct log_builder *builder, const struct log_windows *windows)
{
    firmware(builder, windows->has_secure_boot_variable, windows->is_secure_boot_on);
    if (windows->authority.size > 0)
        authority(builder, windows->authority);
    image(builder, "bootmgfw.efi");
}

static void append_settings(struct buf *out, const struct log_windows *windows)
{
    for (size_t i = 0; i < windows->setting_count; i++)
        log_builder_sipa(out, windows->settings[i].id, windows->settings[i].value,
                         windows->settings[i].size);
    if (windows->has_dump_key)
        log_builder_sipa_bytes(out, SIPA_DUMP_ENCRYPTION_KEY_DIGEST,
                               slice_of(windows->dump_key_digest, 32));
}

/* Puts the list into a trust boundary and this into an event; empties the list. */
static void boundary(struct log_builder *builder, uint32_t pcr, struct buf *list)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, list->size + 8);
    log_builder_sipa_bytes(&out, SIPA_TRUST_BOUNDARY, buf_slice(list));
    log_builder_event(builder, pcr, EVENTLOG_TAG, buf_slice(&out));
    buf_reset(list);
}

static void append_module(struct buf *out)
{
    _cleanup_buf_ struct buf module;
    buf_init(&module, 1024);
    log_builder_sipa_bytes(&module, 0x00070001, slice_of("\\\0a\0\0\0", 6));
    log_builder_sipa(&module, 0x00070002, 4096, 8);
    log_builder_sipa_bytes(out, SIPA_LOADED_MODULE, buf_slice(&module));
}

void log_windows_loaders(struct log_builder *builder, const struct log_windows *windows)
{
    static const uint8_t block_list[DIGEST_SHA256_SIZE] = {0xB1};
    _cleanup_buf_ struct buf list;
    buf_init(&list, 65536);
    log_builder_event(builder, 11, EVENTLOG_COMPACT_HASH, slice_of("\x10\0\0\0", 4));
    append_settings(&list, windows);
    boundary(builder, 12, &list);
    append_settings(&list, windows);
    append_module(&list);
    if (windows->si_policy_name != NULL)
        log_builder_si_policy(&list, windows->si_policy_name, windows->si_policy_digest);
    log_builder_si_policy(&list, "DriverSiPolicy.p7b", block_list);
    boundary(builder, 13, &list);
    log_builder_sipa_bytes(&list, 0x00060002, slice_from_text("a public key"));
    log_builder_event(builder, 14, EVENTLOG_TAG, buf_slice(&list));
    buf_reset(&list);
    if (!windows->has_vsm_key)
        return;
    log_builder_vsm_key(&list, SIPA_VSM_IDK_INFO, windows->vsm_modulus);
    log_builder_vsm_key(&list, SIPA_VSM_IDKS_INFO, windows->vsm_modulus);
    boundary(builder, 12, &list);
}

void log_windows_close(struct log_builder *builder, const struct log_windows *windows)
{
    if (windows->is_closed) {
        log_builder_event(builder, 11, EVENTLOG_COMPACT_HASH, slice_of("\xff\xff\0\0", 4));
        for (uint32_t pcr = 12; pcr <= 14; pcr++)
            log_builder_text(builder, pcr, EVENTLOG_SEPARATOR, "WBCL");
    }
    end_of_firmware(builder);
}

void log_windows_build(struct log_builder *builder, const struct log_windows *windows)
{
    log_windows_firmware(builder, windows);
    log_windows_loaders(builder, windows);
    log_windows_close(builder, windows);
}

void log_linux_init(struct log_linux *linux_boot)
{
    *linux_boot =
        (struct log_linux){.is_secure_boot_on = true,
                           .grub_line = "/vmlinuz root=/dev/vda2 lockdown=integrity intel_iommu=on "
                                        "nohibernate module.sig_enforce=1"};
}

void log_linux_firmware(struct log_builder *builder, const struct log_linux *linux_boot)
{
    firmware(builder, true, linux_boot->is_secure_boot_on);
    authority(builder, slice_from_text("UEFI CA"));
}

/* prefix and text with a NUL, of which the digest covers the text. */
static void grub(struct log_builder *builder, const char *prefix, const char *text)
{
    _cleanup_buf_ struct buf data;
    buf_init(&data, 32768);
    buf_append_text(&data, prefix);
    buf_append_text(&data, text);
    buf_append_u8(&data, 0);
    log_builder_hashed(builder, 8, EVENTLOG_IPL, slice_from_text(text), buf_slice(&data));
}

static void section(struct log_builder *builder, const char *name, const char *content)
{
    _cleanup_buf_ struct buf wide;
    buf_init(&wide, 64);
    utf16_from_utf8(&wide, slice_from_text(name));
    buf_append_u16_le(&wide, 0);
    log_builder_hashed(builder, 11, EVENTLOG_IPL, slice_of(name, strlen(name) + 1),
                       buf_slice(&wide));
    log_builder_hashed(builder, 11, EVENTLOG_IPL, slice_from_text(content), buf_slice(&wide));
}

static void stub_tag(struct log_builder *builder, uint32_t id, struct slice hashed,
                     const char *label)
{
    _cleanup_buf_ struct buf data;
    buf_init(&data, 256);
    log_builder_sipa_bytes(&data, id, slice_of(label, strlen(label) + 1));
    log_builder_hashed(builder, 9, EVENTLOG_TAG, hashed, buf_slice(&data));
}

static void load_options(struct log_builder *builder, const char *text)
{
    _cleanup_buf_ struct buf wide;
    buf_init(&wide, 65536);
    utf16_from_utf8(&wide, slice_from_text(text));
    stub_tag(builder, EVENTLOG_TAG_LOAD_OPTIONS, buf_slice(&wide), "LOADED_IMAGE::LoadOptions");
}

void log_linux_build(struct log_builder *builder, const struct log_linux *linux_boot)
{
    log_linux_firmware(builder, linux_boot);
    if (linux_boot->grub_line != NULL) {
        image(builder, "shimx64.efi");
        log_builder_hashed(builder, 14, EVENTLOG_IPL, slice_from_text("keys"),
                           slice_of("MokList", 8));
        log_builder_variable(builder, 7, EVENTLOG_EFI_VARIABLE_AUTHORITY, &shim_lock, "SbatLevel",
                             slice_from_text("sbat,1,2021030218\n"));
        image(builder, "grubx64.efi");
        grub(builder, "grub_cmd: ", "set default=0");
        log_builder_hashed(builder, 9, EVENTLOG_IPL, slice_from_text("kernel"),
                           slice_of("(hd0,gpt2)/vmlinuz", 19));
        grub(builder, "grub_cmd: ", "linux /vmlinuz root=/dev/vda2");
        grub(builder, "kernel_cmdline: ", linux_boot->grub_line);
    } else {
        image(builder, "kernel image");
    }
    if (linux_boot->addon != NULL)
        image(builder, linux_boot->addon);
    if (linux_boot->is_unified) {
        section(builder, ".linux", "the kernel");
        if (linux_boot->image_line != NULL)
            section(builder, ".cmdline", linux_boot->image_line);
        section(builder, ".initrd", "the initrd");
    }
    if (linux_boot->systemd_line != NULL)
        log_builder_wide(builder, 12, linux_boot->systemd_line);
    if (linux_boot->load_options != NULL)
        load_options(builder, linux_boot->load_options);
    stub_tag(builder, EVENTLOG_TAG_INITRD, slice_from_text("the initrd"), "Linux initrd");
    end_of_firmware(builder);
}
