/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A TCG event log as a checked structure (TCG PC Client Platform Firmware Profile, PFP, section
 * 10): what firmware, boot loader and kernel say that they extended into the PCRs of this boot.
 *
 * The log is an untrusted list. What makes it evidence is that its digests replay to the PCR values
 * that the TPM reads (replay.h), and even then an event's type, its data and the order of events of
 * different PCRs are not authenticated: eventlog_event_is_proven tells whether the digest covers
 * the data, and claims.h draws conclusions from nothing else.
 *
 * Only crypto-agile logs of a TPM 2.0 are read. Logs in the layout of TPM 1.2, logs of confidential
 * machines (CCEL) and files that hold two boots are refused, each with its own code.
 */

#include "base/error.h"
#include "base/slice.h"
#include "crypto/digest.h"

#define EVENTLOG_SIZE_MAX (4u << 20)
#define EVENTLOG_EVENTS_MAX 20000
#define EVENTLOG_DATA_MAX (1u << 20)  /* the largest data of one event */
#define EVENTLOG_ALGORITHMS_MAX 16    /* that a log may declare */
#define EVENTLOG_PCR_NONE 0xFFFFFFFFu /* of events that are in no PCR */
#define EVENTLOG_NO_EVENT UINT32_MAX

/* Event types (PFP 10.4.1), those that somebody asks for. */
#define EVENTLOG_POST_CODE 0x00000001u
#define EVENTLOG_NO_ACTION 0x00000003u
#define EVENTLOG_SEPARATOR 0x00000004u
#define EVENTLOG_ACTION 0x00000005u
#define EVENTLOG_TAG 0x00000006u
#define EVENTLOG_S_CRTM_CONTENTS 0x00000007u
#define EVENTLOG_S_CRTM_VERSION 0x00000008u
#define EVENTLOG_CPU_MICROCODE 0x00000009u
#define EVENTLOG_PLATFORM_CONFIG_FLAGS 0x0000000Au
#define EVENTLOG_TABLE_OF_DEVICES 0x0000000Bu
#define EVENTLOG_COMPACT_HASH 0x0000000Cu
#define EVENTLOG_IPL 0x0000000Du
#define EVENTLOG_IPL_PARTITION_DATA 0x0000000Eu
#define EVENTLOG_NONHOST_CODE 0x0000000Fu
#define EVENTLOG_NONHOST_CONFIG 0x00000010u
#define EVENTLOG_NONHOST_INFO 0x00000011u
#define EVENTLOG_OMIT_BOOT_DEVICE_EVENTS 0x00000012u
#define EVENTLOG_POST_CODE2 0x00000013u
#define EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EVENTLOG_EFI_VARIABLE_BOOT 0x80000002u
#define EVENTLOG_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define EVENTLOG_EFI_BOOT_SERVICES_DRIVER 0x80000004u
#define EVENTLOG_EFI_RUNTIME_SERVICES_DRIVER 0x80000005u
#define EVENTLOG_EFI_GPT_EVENT 0x80000006u
#define EVENTLOG_EFI_ACTION 0x80000007u
#define EVENTLOG_EFI_PLATFORM_FIRMWARE_BLOB 0x80000008u
#define EVENTLOG_EFI_HANDOFF_TABLES 0x80000009u
#define EVENTLOG_EFI_PLATFORM_FIRMWARE_BLOB2 0x8000000Au
#define EVENTLOG_EFI_HANDOFF_TABLES2 0x8000000Bu
#define EVENTLOG_EFI_VARIABLE_BOOT2 0x8000000Cu
#define EVENTLOG_EFI_GPT_EVENT2 0x8000000Du
#define EVENTLOG_EFI_HCRTM_EVENT 0x80000010u
#define EVENTLOG_EFI_VARIABLE_AUTHORITY 0x800000E0u
#define EVENTLOG_EFI_SPDM_FIRMWARE_BLOB 0x800000E1u
#define EVENTLOG_EFI_SPDM_FIRMWARE_CONFIG 0x800000E2u
#define EVENTLOG_EFI_SPDM_DEVICE_POLICY 0x800000E3u
#define EVENTLOG_EFI_SPDM_DEVICE_AUTHORITY 0x800000E4u

/* Tags of EVENTLOG_TAG that the kernel's EFI stub measures. */
#define EVENTLOG_TAG_LOAD_OPTIONS 0x8F3B22EDu
#define EVENTLOG_TAG_INITRD 0x8F3B22ECu

/* The banks that we know, in the order of struct eventlog_event's digests. */
enum eventlog_bank {
    EVENTLOG_BANK_SHA1,
    EVENTLOG_BANK_SHA256,
    EVENTLOG_BANK_SHA384,
    EVENTLOG_BANK_SHA512,
    EVENTLOG_BANKS,
};

struct eventlog_event {
    uint32_t pcr;                           /* 0 to 23, or EVENTLOG_PCR_NONE */
    uint32_t type;                          /* one of the above, or another: not authenticated */
    const uint8_t *digests[EVENTLOG_BANKS]; /* NULL: none in that bank; else of the bank's size */
    struct slice data;
};

struct eventlog {
    uint32_t banks;       /* bit enum eventlog_bank: declared by the log */
    uint32_t event_count; /* with the first event, the specification's identifier, as event 0 */
    struct eventlog_event *events;
    uint8_t locality; /* that started PCR 0: 0, 3 or 4 */
};

/*
 * Reads a whole log. The events borrow bytes, which must outlive *out; free with eventlog_done.
 * bytes may end in zeros (copies of a fixed area). Refuses with eventlog.too-large,
 * eventlog.truncated, eventlog.malformed, eventlog.tpm12, eventlog.ccel, eventlog.two-boots.
 */
bool eventlog_parse(struct eventlog *out, struct slice bytes, struct error *err);
void eventlog_done(struct eventlog *log);
#define _cleanup_eventlog_ __attribute__((cleanup(eventlog_done)))

/* The place of algorithm in an event's digests. */
enum eventlog_bank eventlog_bank_of(enum digest_algorithm algorithm);

/* The event's digest in the bank of algorithm; an empty slice when it has none. */
struct slice eventlog_event_digest(const struct eventlog_event *event,
                                   enum digest_algorithm algorithm);

/* Whether the event's digest in the bank of algorithm is the digest of all of its data. */
bool eventlog_event_is_proven(const struct eventlog_event *event, enum digest_algorithm algorithm);

/* Whether the event's digest in the bank of algorithm is the digest of bytes. */
bool eventlog_event_covers(const struct eventlog_event *event, enum digest_algorithm algorithm,
                           struct slice bytes);
