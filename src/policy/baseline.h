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
#define BASELINE_PCR_COUNT 16 /* 0 to 15 */
#define BASELINE_EVENTS_MAX 1024
#define BASELINE_WORDS_SIZE 200

struct baseline_event {
    uint32_t pcr;
    uint32_t type;
    uint8_t digests[DIGESTS_BANKS][DIGEST_SIZE_MAX]; /* as far as the baseline has the banks */
    char words[BASELINE_WORDS_SIZE];                 /* what it is: one line */
};

struct policy_baseline {
    uint32_t pcrs;    /* bit i: PCR i is compared */
    uint32_t banks;   /* bit enum eventlog_bank: every event has a digest in it; never SHA-1 */
    uint8_t locality; /* that started PCR 0 */
    struct baseline_event *events;
    uint32_t count;
    uint32_t *sorted[EVENTLOG_BANKS]; /* indexes of events by PCR, digest and type, for each bank */
};

/* An event's digest; an empty slice when the baseline has not that bank. */
struct slice baseline_digest(const struct policy_baseline *baseline, uint32_t event,
                             enum digest_algorithm algorithm);

/*
 * Takes a baseline from a parsed log. policy.baseline-pcrs (the selection lacks 4 or 7, or names
 * others than 0 to 15), policy.baseline-empty (a selected PCR has no event, or no bank of SHA-256
 * or stronger has them all), policy.baseline-large.
 */
bool baseline_take(struct policy_baseline *out, const struct eventlog *log, uint32_t pcrs,
                   struct error *err);
void baseline_done(struct policy_baseline *baseline);

/* {"pcrs": [0, 2, …], "locality", "events": [{"pcr", "type", "sha256": hex…, "words"}]} */
void baseline_write(struct json_writer *writer, const char *name,
                    const struct policy_baseline *baseline);
/* policy.record-malformed, base.json-*. */
bool baseline_read(struct policy_baseline *out, const struct json *object, struct error *err);
