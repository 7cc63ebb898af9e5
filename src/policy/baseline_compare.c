/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/baseline_compare.h"

#include "base/memory.h"

#include <stdlib.h>

#define PCR_FIRMWARE 0
#define PCR_IMAGES 4

static int compare_sides(const void *a, const void *b)
{
    const struct baseline_side *left = a, *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    int digests = memcmp(left->digest.data, right->digest.data, left->digest.size);
    if (digests != 0)
        return digests;
    return left->type < right->type ? -1 : left->type > right->type;
}

static struct baseline_side side_of(uint32_t pcr, uint32_t type, struct slice digest,
                                    uint32_t event)
{
    uint64_t key = pcr;
    for (size_t i = 0; i < sizeof key - 1; i++)
        key = key << 8 | digest.data[i];
    return (struct baseline_side){key, pcr, type, digest, event};
}

void baseline_boot_init(struct baseline_boot *out, const struct eventlog *log,
                        enum digest_algorithm algorithm)
{
    *out = (struct baseline_boot){.log = log, .algorithm = algorithm};
    out->sorted = memory_allocate_zero((size_t)log->event_count + 1, sizeof *out->sorted);
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->type == EVENTLOG_NO_ACTION || event->pcr >= BASELINE_PCR_COUNT)
            continue;
        struct slice digest = eventlog_event_digest(event, algorithm);
        if (digest.size == 0)
            out->unusable |= 1u << event->pcr;
        else
            out->sorted[out->count++] = side_of(event->pcr, event->type, digest, i);
    }
    qsort(out->sorted, out->count, sizeof *out->sorted, compare_sides);
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

static bool is_image(const struct baseline_side *side)
{
    return side->pcr == PCR_IMAGES && side->type == EVENTLOG_EFI_BOOT_SERVICES_APPLICATION;
}

struct comparison {
    struct baseline_result *result;
    const struct policy_baseline *baseline;
    const struct baseline_boot *boot;
    const struct baseline_images *images;
    const uint32_t *sorted; /* of the baseline, in the boot's bank */
};

static void add(const struct comparison *c, const struct baseline_side *side, bool is_extra)
{
    const struct slice *list = is_extra ? c->images->allowed : c->images->known;
    size_t count = is_extra ? c->images->allowed_count : c->images->known_count;
    if (is_image(side) && is_among(side->digest, list, count))
        return;
    if (c->result->count < BASELINE_DIFFERENCES_MAX)
        c->result->differences[c->result->count] =
            (struct baseline_difference){is_extra, side->event};
    c->result->count++;
}

static struct baseline_side wanted_side(const struct comparison *c, uint32_t place)
{
    uint32_t event = c->sorted[place];
    const struct baseline_event *at = &c->baseline->events[event];
    return side_of(at->pcr, at->type, baseline_digest(c->baseline, event, c->boot->algorithm),
                   event);
}

static bool is_compared(const struct comparison *c, const struct baseline_side *side)
{
    return c->baseline->pcrs >> side->pcr & 1;
}

/* Walks two sorted lists side by side. */
static void walk(const struct comparison *c)
{
    const struct baseline_side *has = c->boot->sorted, *end = has + c->boot->count;
    uint32_t place = 0;
    while ((has < end || place < c->baseline->count) &&
           c->result->count <= BASELINE_DIFFERENCES_MAX) {
        if (has < end && !is_compared(c, has)) {
            has++;
            continue;
        }
        struct baseline_side wanted = {0};
        int order = -1; /* which comes first: the boot's (negative), the baseline's, or both */
        if (place < c->baseline->count) {
            wanted = wanted_side(c, place);
            order = has == end ? 1 : compare_sides(has, &wanted);
        }
        if (order < 0)
            add(c, has, true);
        else if (order > 0)
            add(c, &wanted, false);
        has += order <= 0;
        place += order >= 0;
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
