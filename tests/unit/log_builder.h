/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event logs made for tests, event by event, with digests that are right, and whole boots: Windows
 * with all settings good, and Linux by GRUB or a unified kernel image. A test changes what it is
 * about before it builds, or builds in parts and adds events in between.
 */

#include "base/buf.h"
#include "base/guid.h"
#include "eventlog/eventlog.h"

struct log_builder {
    struct buf bytes; /* the log so far */
    enum digest_algorithm banks[EVENTLOG_BANKS];
    size_t bank_count;
};

/* Begins a log of these banks. Free with log_builder_done. */
void log_builder_init(struct log_builder *builder, const enum digest_algorithm *banks,
                      size_t count);
void log_builder_done(struct log_builder *builder);
#define _cleanup_log_builder_ __attribute__((cleanup(log_builder_done)))

static inline struct slice log_builder_slice(const struct log_builder *builder)
{
    return buf_slice(&builder->bytes);
}

/* An event whose digests are those of data. */
void log_builder_event(struct log_builder *builder, uint32_t pcr, uint32_t type, struct slice data);
/* An event whose digests are those of hashed, as of an image, or of a liar. */
void log_builder_hashed(struct log_builder *builder, uint32_t pcr, uint32_t type,
                        struct slice hashed, struct slice data);
/* EV_NO_ACTION, with digests of zeros. */
void log_builder_note(struct log_builder *builder, uint32_t pcr, struct slice data);
void log_builder_text(struct log_builder *builder, uint32_t pcr, uint32_t type, const char *text);
/* A UEFI variable; name is ASCII. */
void log_builder_variable(struct log_builder *builder, uint32_t pcr, uint32_t type,
                          const struct guid *vendor, const char *name, struct slice data);
/* EV_IPL of UTF-16LE with a NUL, as systemd writes command lines. */
void log_builder_wide(struct log_builder *builder, uint32_t pcr, const char *text);

/* Appends a SIPA leaf of a number of size bytes. */
void log_builder_sipa(struct buf *out, uint32_t id, uint64_t value, size_t size);
/* Appends a SIPA list or leaf with this payload. */
void log_builder_sipa_bytes(struct buf *out, uint32_t id, struct slice payload);
/* Appends a SIPAEVENT_SI_POLICY of SHA-256. */
void log_builder_si_policy(struct buf *out, const char *name,
                           const uint8_t digest[DIGEST_SHA256_SIZE]);
/* Appends a SIPAEVENT_VSM_IDK_INFO or _IDKS_INFO of RSA-2048 with a modulus of 256 bytes. */
void log_builder_vsm_key(struct buf *out, uint32_t id, const uint8_t modulus[256]);

/* A setting that Windows' loaders measure in PCRs 12 and 13. */
struct log_setting {
    uint32_t id;
    uint64_t value;
    size_t size;
};

#define LOG_SETTINGS_MAX 32

struct log_windows {
    bool has_secure_boot_variable;
    bool is_secure_boot_on;
    struct slice authority; /* the certificate that verified the boot manager; empty: none */
    bool is_closed;         /* with the caps of PCRs 11 to 14 */
    struct log_setting settings[LOG_SETTINGS_MAX];
    size_t setting_count;
    bool has_vsm_key;
    uint8_t vsm_modulus[256];
    const char *si_policy_name; /* NULL: none but DriverSiPolicy.p7b */
    uint8_t si_policy_digest[DIGEST_SHA256_SIZE];
    bool has_dump_key;
    uint8_t dump_key_digest[32];
};

/* A boot with everything as a policy wants it. */
void log_windows_init(struct log_windows *windows);
/* Microsoft's certificate, from $HGS_VECTORS. */
struct slice log_windows_certificate(void);
/* Changes a setting, or adds it with 1 byte. */
void log_windows_set(struct log_windows *windows, uint32_t id, uint64_t value);
void log_windows_omit(struct log_windows *windows, uint32_t id);

/* The whole boot; or its three parts, in this order. */
void log_windows_build(struct log_builder *builder, const struct log_windows *windows);
void log_windows_firmware(struct log_builder *builder, const struct log_windows *windows);
void log_windows_loaders(struct log_builder *builder, const struct log_windows *windows);
void log_windows_close(struct log_builder *builder, const struct log_windows *windows);

struct log_linux {
    bool is_secure_boot_on;
    const char *grub_line;    /* "/vmlinuz root=…", or NULL: no GRUB */
    const char *systemd_line; /* in PCR 12, or NULL */
    const char *image_line;   /* .cmdline of a unified kernel image, or NULL: it has none */
    bool is_unified;          /* systemd-stub measured sections */
    const char *load_options; /* what the EFI stub measured, or NULL */
    const char *addon;        /* an add-on's image, in PCR 4, or NULL */
};

/* Secure Boot on, shim and GRUB, with lockdown, IOMMU, no hibernation and no dumps. */
void log_linux_init(struct log_linux *linux_boot);
void log_linux_build(struct log_builder *builder, const struct log_linux *linux_boot);
/* Only what firmware measures before the boot loader. */
void log_linux_firmware(struct log_builder *builder, const struct log_linux *linux_boot);
