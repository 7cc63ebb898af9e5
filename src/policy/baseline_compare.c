/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/baseline_compare.h"

#include "base/memory.h"

#include <stdlib.h>

#define PCRS 16
#define PCR_FIRMWARE 0
#define PCR_IMAGES 4

/* One side of a comparison, as the other sees it. */
struct side {
    uint32_t pcr, type;
    struct slice digest;
};

static int compare_sides(const struct side *a, const struct side *b)
{
    if (a->pcr != b->pcr)
        return a->pcr < b->pcr ? -1 : 1;
    int digests = memcmp(a->digest.data, b->digest.data, a->digest.size);
    if (digests != 0)
        return digests;
    return a->type < b->type ? -1 : a->type > b->type;
}

static struct side boot_side(const struct baseline_boot *boot, uint32_t event)
{
    const struct eventlog_event *at = &boot->log->events[event];
    return (struct side){at->pcr, at->type, eventlog_event_digest(at, boot->algorithm)};
}

static int compare_events(const void *a, const void *b, void *context)
{
    struct side left = boot_side(context, *(const uint32_t *)a);
    struct side right = boot_side(context, *(const uint32_t *)b);
    return compare_sides(&left, &right);
}

void baseline_boot_init(struct baseline_boot *out, const struct eventlog *log,
                        enum digest_algorithm algorithm)
{
    *out = (struct baseline_boot){.log = log, .algorithm = algorithm};
    out->sorted = memory_allocate_zero((size_t)log->event_count + 1, sizeof *out->sorted);
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->type == EVENTLOG_NO_ACTION || event->pcr >= PCRS)
            continue;
        if (eventlog_event_digest(event, algorithm).size == 0)
            out->unusable |= 1u << event->pcr;
        else
            out->sorted[out->count++] = i;
    }
    qsort_r(out->sorted, out->count, sizeof *out->sorted, compare_events, out);
}

void baseline_boot_done(struct baseline_boot *boot)
{
    free(boot->sorted);
    boot->sorted = NULL;
}

static bool is_among(struct slice digest, const struct slice *digests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(digest, digests[i]))
            return true;
    }
    return false;
}

static bool is_image(const struct side *side)
{
    return side->pcr == PCR_IMAGES && side->type == EVENTLOG_EFI_BOOT_SERVICES_APPLICATION;
}

static void add(struct baseline_result *result, bool is_extra, uint32_t event)
{
    if (result->count < BASELINE_DIFFERENCES_MAX)
        result->differences[result->count] = (struct baseline_difference){is_extra, event};
    result->count++;
}

struct comparison {
    struct baseline_result *result;
    const struct policy_baseline *baseline;
    const struct baseline_boot *boot;
    const struct baseline_images *images;
    const uint32_t *sorted; /* of the baseline, in the boot's bank */
};

static void add_extra(const struct comparison *c, uint32_t event)
{
    struct side side = boot_side(c->boot, event);
    if (!is_image(&side) || !is_among(side.digest, c->images->allowed, c->images->allowed_count))
        add(c->result, true, event);
}

static struct side baseline_side(const struct comparison *c, uint32_t event)
{
    const struct baseline_event *at = &c->baseline->events[event];
    return (struct side){at->pcr, at->type,
                         baseline_digest(c->baseline, event, c->boot->algorithm)};
}

static void add_missing(const struct comparison *c, uint32_t event)
{
    struct side side = baseline_side(c, event);
    if (!is_image(&side) || !is_among(side.digest, c->images->known, c->images->known_count))
        add(c->result, false, event);
}

/* Which comes first: the boot's event (negative), the baseline's (positive), or both at once. */
static int order_of(const struct comparison *c, uint32_t has, uint32_t wants)
{
    if (has == c->boot->count || wants == c->baseline->count)
        return has == c->boot->count ? 1 : -1;
    struct side side = boot_side(c->boot, c->boot->sorted[has]);
    struct side wanted = baseline_side(c, c->sorted[wants]);
    return compare_sides(&side, &wanted);
}

static bool is_compared(const struct comparison *c, uint32_t has)
{
    return c->baseline->pcrs >> c->boot->log->events[c->boot->sorted[has]].pcr & 1;
}

/* Walks two sorted lists side by side. */
static void walk(const struct comparison *c)
{
    uint32_t has = 0, wants = 0;
    while ((has < c->boot->count || wants < c->baseline->count) &&
           c->result->count <= BASELINE_DIFFERENCES_MAX) {
        if (has < c->boot->count && !is_compared(c, has)) {
            has++;
            continue;
        }
        int order = order_of(c, has, wants);
        if (order < 0)
            add_extra(c, c->boot->sorted[has]);
        else if (order > 0)
            add_missing(c, c->sorted[wants]);
        has += order <= 0;
        wants += order >= 0;
    }
}

bool baseline_compare(struct baseline_result *out, const struct policy_baseline *baseline,
                      const struct baseline_boot *boot, const struct baseline_images *images)
{
    const uint32_t *sorted = baseline->sorted[eventlog_bank_of(boot->algorithm)];
    *out = (struct baseline_result){0};
    out->bank_missing = sorted == NULL || (boot->unusable & baseline->pcrs) != 0;
    if (out->bank_missing)
        return false;
    out->locality_differs =
        (baseline->pcrs >> PCR_FIRMWARE & 1) && baseline->locality != boot->log->locality;
    walk(&(struct comparison){out, baseline, boot, images, sorted});
    return out->count == 0 && !out->locality_differs;
}
