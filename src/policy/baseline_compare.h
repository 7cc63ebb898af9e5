/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A boot compared with baselines. Its events are sorted once; each comparison walks two sorted
 * lists until it has seen enough differences. */

#include "policy/baseline.h"

/* An event as comparisons see it. */
struct baseline_side {
    uint64_t key; /* the PCR, then the digest's first bytes: decides most comparisons */
    uint32_t pcr, type;
    struct slice digest; /* in the boot's bank */
    uint32_t event;      /* index into the log, or into the baseline's events */
};

/* A boot's events of the PCRs 0 to 15 in one bank, sorted once for many comparisons. */
struct baseline_boot {
    const struct eventlog *log;
    enum digest_algorithm algorithm;
    struct baseline_side *sorted; /* by PCR, digest and type */
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
