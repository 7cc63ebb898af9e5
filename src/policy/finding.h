/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is found about one policy, before it becomes a row of the verdict. */

#include "eventlog/claims.h"
#include "policy/verdict.h"

struct finding {
    enum verdict_result result;
    char *reason; /* owned; NULL until it is set */
    uint32_t events[VERDICT_EVENTS_MAX];
    size_t event_count;
    uint32_t distance; /* of what failed: how far from passing; the nearest is what people want to
                        * read about */
};

/* Sets result and reason, freeing an earlier reason. format: one sentence without a full stop. */
void finding_set(struct finding *finding, enum verdict_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An event that decided; what does not fit is left out. */
void finding_add_event(struct finding *finding, uint32_t event);
/* A claim as it is: good passes, bad fails, unknown is not evaluated. */
void finding_set_claim(struct finding *finding, const struct eventlog_claim *claim);
/* The claim's events. */
void finding_add_claim(struct finding *finding, const struct eventlog_claim *claim);
