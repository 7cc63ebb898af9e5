/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the parts of an evaluation (firmware.c, windows.c, linux.c, command_line.c) state claims.
 * Sentences are static text.
 */

#include "eventlog/claims.h"

struct evaluation {
    struct eventlog_claims *out;
    const struct eventlog *log;
};

/*
 * States that claim id is value, because of event (or EVENTLOG_NO_EVENT). Bad replaces good
 * replaces unknown; a statement that is weaker than what stands changes nothing, an equal one adds
 * its event.
 */
void evaluation_state(struct eventlog_claims *claims, enum eventlog_claim_id id,
                      enum eventlog_value value, const char *sentence, uint32_t event);

/* What was good or unknown becomes unknown for another reason; bad stays. */
void evaluation_void(struct eventlog_claims *claims, enum eventlog_claim_id id,
                     const char *sentence, uint32_t event);

/* Whether the digest of event, in the attested bank, is that of bytes. */
static inline bool evaluation_covers(const struct evaluation *evaluation,
                                     const struct eventlog_event *event, struct slice bytes)
{
    return eventlog_event_covers(event, evaluation->out->bank, bytes);
}

/* firmware.c: PCR 7 (secure boot, debug mode, DMA, authority) and the images of PCR 4. */
void firmware_evaluate(struct evaluation *evaluation);
/* windows.c: PCRs 11 to 14. After firmware_evaluate. */
void windows_evaluate(struct evaluation *evaluation);
/* linux.c: PCRs 8, 9, 11 to 14. After firmware_evaluate. */
void linux_evaluate(struct evaluation *evaluation);
