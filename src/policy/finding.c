/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/finding.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REASON_SIZE 1024

void finding_set(struct finding *finding, enum verdict_result result, const char *format, ...)
{
    char text[REASON_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* A log's command line may be in it: who wrote that is not known. */
    utf8_replace_controls(text);
    free(finding->reason);
    finding->reason = memory_copy_text(text);
    finding->result = result;
}

void finding_add_event(struct finding *finding, uint32_t event)
{
    if (finding->event_count < VERDICT_EVENTS_MAX)
        finding->events[finding->event_count++] = event;
}

void finding_add_claim(struct finding *finding, const struct eventlog_claim *claim)
{
    for (uint32_t i = 0; i < claim->event_count; i++)
        finding_add_event(finding, claim->events[i]);
}

void finding_set_claim(struct finding *finding, const struct eventlog_claim *claim)
{
    static const enum verdict_result results[] = {
        [EVENTLOG_UNKNOWN] = VERDICT_NOT_EVALUATED,
        [EVENTLOG_GOOD] = VERDICT_PASSED,
        [EVENTLOG_BAD] = VERDICT_FAILED,
    };
    finding_set(finding, results[claim->value], "%s", claim->sentence);
    finding_add_claim(finding, claim);
}
