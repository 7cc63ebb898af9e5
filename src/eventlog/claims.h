/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a log proves about the boot, by the rules of the host's profile, for a log whose replay
 * equals the TPM's PCRs.
 *
 * Only data that the attested bank's digest covers becomes a claim. Bad wins over good: of several
 * statements about one thing, all must be good. A PCR that is interpreted holds only the types of
 * events that belong there, in their order, and nothing behind its cap; anything else voids all
 * claims from that PCR. Nothing is guessed: what is not proven is unknown, and unknown passes no
 * policy.
 *
 * firmware.c reads PCRs 4 and 7 for both profiles; windows.c (with sipa.c) reads 11 to 14, linux.c
 * reads 8, 9 and 11 to 14. What is said of a boot holds only if all of these are attested: an event
 * that contradicts may lie in any of them.
 *
 * Root of the running system can extend any PCR later. For Linux this means that a command line is
 * worth as much as the knowledge of which loaders and kernel ran: PCRs 4 and 7 are to be compared
 * with a baseline.
 */

#include "base/buf.h"
#include "eventlog/eventlog.h"

/* A host's profile is fixed when it is registered: PCRs 11 to 14 mean different things. */
enum eventlog_profile {
    EVENTLOG_PROFILE_WINDOWS,
    EVENTLOG_PROFILE_LINUX,
};

enum eventlog_value {
    EVENTLOG_UNKNOWN, /* neither is proven */
    EVENTLOG_GOOD,    /* proven, and as the claim's name says */
    EVENTLOG_BAD,     /* proven to be otherwise, or contradicted */
};

/* Each is worded so that good is what a healthy host wants. W, L: the profiles that have it. */
enum eventlog_claim_id {
    EVENTLOG_CLAIM_SECURE_BOOT,       /* W L: SecureBoot is 01, exactly once; no MokSBState */
    EVENTLOG_CLAIM_UEFI_DEBUG_OFF,    /* W L: PCR 7 is understood, without "UEFI Debug Mode" */
    EVENTLOG_CLAIM_DMA_PROTECTION,    /* W L: bad if firmware says "DMA Protection Disabled" or a
                                       * lowered Thunderbolt level; else unknown, never good */
    EVENTLOG_CLAIM_WINDOWS_AUTHORITY, /* W: the last image that firmware verified was verified by
                                       * one of Microsoft's certificates for Windows */
    EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE, /* W: PCRs 11 to 14 are understood and closed */
    EVENTLOG_CLAIM_FULL_BOOT,             /* W: TRANSFER_CONTROL is 1 or 5, never 2, 3 or 4.
                                           * L: no resume possible, by command line */
    EVENTLOG_CLAIM_BOOT_DEBUG_OFF,        /* W */
    EVENTLOG_CLAIM_KERNEL_DEBUG_OFF,      /* W */
    EVENTLOG_CLAIM_HYPERVISOR_DEBUG_OFF,  /* W */
    EVENTLOG_CLAIM_CODE_INTEGRITY,        /* W */
    EVENTLOG_CLAIM_TEST_SIGNING_OFF,      /* W */
    EVENTLOG_CLAIM_SAFE_MODE_OFF,         /* W */
    EVENTLOG_CLAIM_WINPE_OFF,             /* W */
    EVENTLOG_CLAIM_NO_FAILURE,            /* W: no measured failure */
    EVENTLOG_CLAIM_VSM_IDK,               /* W: one well-formed encryption key in PCR 12 */
    EVENTLOG_CLAIM_VSM_RUNNING,           /* W */
    EVENTLOG_CLAIM_IOMMU,     /* W: VBS_IOMMU_REQUIRED. L: the request of the command line */
    EVENTLOG_CLAIM_HVCI,      /* W */
    EVENTLOG_CLAIM_BITLOCKER, /* W: unlocked by a key protector */
    EVENTLOG_CLAIM_PAGEFILE_ENCRYPTION, /* W */
    EVENTLOG_CLAIM_NO_HIBERNATION,      /* W L */
    EVENTLOG_CLAIM_NO_DUMPS,            /* W L */
    EVENTLOG_CLAIM_DUMP_ENCRYPTION,     /* W */
    EVENTLOG_CLAIM_DUMP_KEY,            /* W: good when one dump key digest is proven */
    EVENTLOG_CLAIM_LOCKDOWN,            /* L: integrity or confidentiality */
    EVENTLOG_CLAIM_MODULE_SIGNATURES,   /* L: module.sig_enforce=1 or lockdown */
    EVENTLOG_CLAIM_IMA_APPRAISE,        /* L: enforced by command line */
    EVENTLOG_CLAIM_COMMAND_LINE, /* L: exactly one is proven (struct eventlog_command_line) */
    EVENTLOG_CLAIMS,
};

#define EVENTLOG_DECIDING_MAX 6

struct eventlog_claim {
    enum eventlog_value value;
    const char *sentence; /* for a person, without a full stop: static text, never NULL */
    uint32_t events[EVENTLOG_DECIDING_MAX]; /* indexes of the log's events that decided */
    uint32_t event_count;
};

#define EVENTLOG_SI_POLICIES_MAX 64
#define EVENTLOG_SI_POLICY_NAME_SIZE 128

/* A code integrity policy that Windows' loader activated (SIPAEVENT_SI_POLICY). */
struct eventlog_si_policy {
    char name[EVENTLOG_SI_POLICY_NAME_SIZE]; /* UTF-8: "SiPolicy.p7b", "{GUID}.CIP" */
    enum digest_algorithm algorithm;
    struct slice digest; /* borrowed from the log */
    uint64_t version;    /* four 16-bit parts, the highest first */
    uint32_t event;
    bool is_driver_block_list; /* DriverSiPolicy.p7b: never satisfies a policy */
};

/* A VSM identity key (SIPAEVENT_VSM_IDK_INFO, VSM_IDKS_INFO). exponent.size is 0: there is none. */
struct eventlog_vsm_key {
    struct slice exponent; /* big-endian, borrowed from the log */
    struct slice modulus;
    uint32_t event;
};

#define EVENTLOG_IMAGES_MAX 64

/* A digest of an image that firmware started (PCR 4), or of a section that a stub measured. */
struct eventlog_digest_at {
    struct slice digest; /* in the attested bank, borrowed from the log */
    uint32_t event;
};

enum eventlog_command_line_source {
    EVENTLOG_COMMAND_LINE_NONE,
    EVENTLOG_COMMAND_LINE_GRUB,    /* PCR 8: text is what follows "kernel_cmdline: " */
    EVENTLOG_COMMAND_LINE_SYSTEMD, /* PCR 12, or 8 of old systemd-boot: the whole line, which load
                                    * options in PCR 9, if there are any, do not contradict */
    EVENTLOG_COMMAND_LINE_CONTRADICTED /* there are several, or what they rest on is void */
};

struct eventlog_command_line {
    enum eventlog_command_line_source source;
    struct buf text; /* UTF-8, without a NUL; empty unless GRUB or SYSTEMD */
    uint32_t event;
};

struct eventlog_claims {
    enum eventlog_profile profile;
    enum digest_algorithm bank;
    struct eventlog_claim claims[EVENTLOG_CLAIMS];

    /* Windows */
    struct eventlog_si_policy si_policies[EVENTLOG_SI_POLICIES_MAX];
    uint32_t si_policy_count;         /* 0 unless the boot is complete and PCR 13 is understood */
    struct eventlog_vsm_key vsm_idk;  /* encryption */
    struct eventlog_vsm_key vsm_idks; /* signing */
    struct slice dump_key_digest;     /* SHA-256 of the BCRYPT_RSAKEY_BLOB, or empty */

    /* Both: images in PCR 4, in order; images_void when PCR 4 is not understood or has too many */
    struct eventlog_digest_at images[EVENTLOG_IMAGES_MAX];
    uint32_t image_count;
    bool images_void;

    /* Linux */
    struct eventlog_command_line command_line;
    /* The digest of the UTF-16LE text that the kernel's EFI stub was started with (PCR 9); empty:
     * not measured, or more than one. */
    struct eventlog_digest_at load_options;
    struct eventlog_digest_at initrd; /* PCR 9, what the kernel's EFI stub loaded; likewise */
    /* PCR 12 to 13 hold nothing that systemd-stub added to the unified kernel image. */
    bool has_no_additions;
    /* GRUB, or whoever, may have started another kernel than the one whose image or line was
     * measured: two images, one (or systemd-stub) beside a kernel of GRUB's, or what GRUB does not
     * measure. */
    bool has_other_start;
};

/*
 * Evaluates every claim of the profile in the bank of algorithm; those of other profiles are
 * unknown. Slices of *out borrow from the bytes of log. Free with eventlog_claims_done. Cannot
 * fail: a log that proves nothing, as one judged by SHA-1, gives claims that are all unknown. Time
 * is linear in the log.
 */
void eventlog_claims_evaluate(struct eventlog_claims *out, const struct eventlog *log,
                              enum eventlog_profile profile, enum digest_algorithm algorithm);
void eventlog_claims_done(struct eventlog_claims *claims);
#define _cleanup_eventlog_claims_ __attribute__((cleanup(eventlog_claims_done)))

/* The claim's stable word: "secure-boot", "full-boot"… */
const char *eventlog_claim_name(enum eventlog_claim_id id);

/*
 * Whether text, UTF-8, is the command line that the kernel's EFI stub was started with, as far as
 * PCR 9 says: its UTF-16LE form, with or without a NUL, has the digest that is there. Other events
 * of PCR 9 are opaque and the label is not authenticated, so false is a contradiction, but true no
 * proof.
 */
bool eventlog_claims_confirm_load_options(const struct eventlog_claims *claims, struct slice text);
