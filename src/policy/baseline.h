/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A baseline: the boot events that are trusted on a model of hardware, taken from the log of a
 * reference host (.tcglog), of the PCRs that were selected. A boot is compared with it as events
 * and not as one PCR value: what is extra, what is missing, each in words. Events of one PCR may
 * stand in another order; the rules of eventlog/claims.h look at order where it matters.
 *
 * A boot image in PCR 4 that a code integrity policy names is that policy's business: it is neither
 * extra nor missing here, so that a new kernel needs a ci policy and no new baseline.
 */

#include "base/json.h"
#include "bootimage/digests.h"
#include "eventlog/eventlog.h"

#define BASELINE_PCRS_DEFAULT 0x95u  /* 0, 2, 4 and 7 */
#define BASELINE_PCRS_REQUIRED 0x90u /* 4 and 7: without them the boot loader may be anybody's */
#define BASELINE_PCRS_ALLOWED 0xffffu
#define BASELINE_EVENTS_MAX 1024
#define BASELINE_WORDS_SIZE 200

struct baseline_event {
    uint32_t pcr;
    uint32_t type;
    const uint8_t *digests[EVENTLOG_BANKS]; /* as in a log; NULL: none in that bank */
    const char *words;                      /* what it is, one line */
};

struct policy_baseline {
    uint32_t pcrs;  /* bit i: PCR i is compared */
    uint32_t banks; /* bit enum eventlog_bank: every event has a digest in it; never SHA-1 */
    uint8_t locality;
    struct baseline_event *events;
    uint32_t count;
    uint32_t *sorted[EVENTLOG_BANKS]; /* indexes of events by (PCR, digest), for each bank */
    struct buf memory;                /* owns digests and words */
};

/*
 * Takes a baseline from a parsed log. policy.baseline-pcrs (the selection lacks 4 or 7, or names
 * others than 0 to 15), policy.baseline-empty (a selected PCR has no event, or no bank of SHA-256
 * or stronger has them all), policy.baseline-large.
 */
bool baseline_take(struct policy_baseline *out, const struct eventlog *log, uint32_t pcrs,
                   struct error *err);
void baseline_done(struct policy_baseline *baseline);

/* "pcrs": [0, 2, …], "locality", "events": [{"pcr", "type", "sha256": hex…, "words"}], written into
 * the current object. */
void baseline_write(struct json_writer *writer, const struct policy_baseline *baseline);
/* policy.record-malformed, base.json-*. */
bool baseline_read(struct policy_baseline *out, const struct json *record, struct error *err);

/* A boot's events of the PCRs 0 to 15 in one bank, sorted once for many comparisons. */
struct baseline_boot {
    const struct eventlog *log;
    enum digest_algorithm algorithm;
    uint32_t *sorted; /* indexes into the log by (PCR, digest) */
    uint32_t count;
    uint32_t unusable; /* bit i: PCR i has an event without a digest in this bank */
};
void baseline_boot_init(struct baseline_boot *out, const struct eventlog *log,
                        enum digest_algorithm algorithm);
void baseline_boot_done(struct baseline_boot *boot);
#define _cleanup_baseline_boot_ __attribute__((cleanup(baseline_boot_done)))

#define BASELINE_DIFFERENCES_MAX 16

struct baseline_difference {
    bool is_extra;  /* in the boot, not in the baseline; else the other way round */
    uint32_t event; /* index into the log, or into the baseline's events */
};

struct baseline_result {
    bool bank_missing; /* the baseline or a selected PCR has no digests in this bank */
    bool locality_differs;
    uint32_t count;                                                   /* of all differences */
    struct baseline_difference differences[BASELINE_DIFFERENCES_MAX]; /* the first ones */
};

/* Digests of boot images: extra in PCR 4 when allowed, missing when known. */
struct baseline_images {
    const struct slice *allowed; /* in the boot's bank */
    size_t allowed_count;
    const struct slice *known;
    size_t known_count;
};

/* True when the boot has exactly the baseline's events; else *out says what differs. */
bool baseline_compare(struct baseline_result *out, const struct policy_baseline *baseline,
                      const struct baseline_boot *boot, const struct baseline_images *images);
