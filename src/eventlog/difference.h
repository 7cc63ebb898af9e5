/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Two boots compared, PCR by PCR, as events and not as one value: what is there now, what was there
 * before, in words ("Secure Boot off; was on").
 */

#include "eventlog/words.h"

#define EVENTLOG_DIFFERENCES_MAX 1000
#define EVENTLOG_DIFFERENCE_SIZE (2 * EVENTLOG_WORDS_SIZE + 16)

struct eventlog_difference {
    uint32_t pcr;
    uint32_t now; /* index in the new log, or EVENTLOG_NO_EVENT: it is gone */
    uint32_t was; /* index in the old log, or EVENTLOG_NO_EVENT: it is new */
    char text[EVENTLOG_DIFFERENCE_SIZE];
};

struct eventlog_differences {
    struct eventlog_difference *list; /* by PCR, then in the order of the logs */
    uint32_t count;
    uint32_t pcrs; /* bitmap of those that differ, also those whose differences were cut off */
    bool is_cut;   /* there were more than EVENTLOG_DIFFERENCES_MAX */
};

/*
 * Compares the PCRs of the bitmap pcrs. Events are equal when their digests in the bank of
 * algorithm are. Free with eventlog_differences_done.
 */
void eventlog_compare(struct eventlog_differences *out, const struct eventlog *now,
                      const struct eventlog *was, enum digest_algorithm algorithm, uint32_t pcrs);
void eventlog_differences_done(struct eventlog_differences *differences);
#define _cleanup_eventlog_differences_ __attribute__((cleanup(eventlog_differences_done)))
