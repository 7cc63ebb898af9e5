/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signer_schedule.h"

#include "attestation/errors.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>

/* Long enough that clocks apart by a day agree that a foreign node's signer has expired. */
#define EXPIRED_KEPT_SECONDS 86400

static const char *const state_names[] = {
    [ATTESTATION_SIGNER_FUTURE] = "future",       [ATTESTATION_SIGNER_NEXT] = "next",
    [ATTESTATION_SIGNER_PUBLISHED] = "published", [ATTESTATION_SIGNER_ACTIVE] = "active",
    [ATTESTATION_SIGNER_RETIRED] = "retired",     [ATTESTATION_SIGNER_EXPIRED] = "expired",
};

const char *attestation_signer_state_name(enum attestation_signer_state state)
{
    return state_names[state];
}

static int64_t minimum(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t maximum(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t not_before(const struct attestation_signer *signer)
{
    return certificate_facts(signer->certificate)->not_before;
}

static int64_t not_after(const struct attestation_signer *signer)
{
    return certificate_facts(signer->certificate)->not_after;
}

static bool valid(const struct attestation_signer *signer, int64_t now)
{
    return not_before(signer) <= now && now < not_after(signer);
}

/* How long before it signs a signer with this life is published. */
static int64_t lead(int64_t life)
{
    return minimum(ATTESTATION_SIGNER_LEAD_SECONDS, life / 6);
}

int64_t attestation_signer_schedule_signs_from(const struct attestation_signer *signer)
{
    if (signer->active_at > signer->publish_at)
        return signer->active_at;
    return signer->publish_at + lead(not_after(signer) - not_before(signer));
}

static bool same_line(const struct attestation_signer *a, const char *node,
                      enum attestation_signer_use use)
{
    return a->use == use && strcmp(a->node, node) == 0;
}

/* A total order within a line: positive when a is newer than b. */
static int compare_age(const struct attestation_signer *a, const struct attestation_signer *b)
{
    if (a->active_at != b->active_at)
        return a->active_at > b->active_at ? 1 : -1;
    if (not_before(a) != not_before(b))
        return not_before(a) > not_before(b) ? 1 : -1;
    return strcmp(a->thumbprint, b->thumbprint);
}

const struct attestation_signer *attestation_signer_schedule_select(
    const struct attestation_signer_list *list, const char *node, enum attestation_signer_use use,
    int64_t now)
{
    const struct attestation_signer *active = NULL, *early = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct attestation_signer *signer = &list->items[i];
        if (!same_line(signer, node, use) || !valid(signer, now))
            continue;
        if (attestation_signer_schedule_signs_from(signer) <= now) {
            if (active == NULL || compare_age(signer, active) > 0)
                active = signer;
        } else if (signer->publish_at <= now) {
            if (early == NULL || compare_age(signer, early) < 0)
                early = signer;
        }
    }
    return active != NULL ? active : early;
}

int64_t attestation_signer_schedule_served_until(const struct attestation_signer_list *list,
                                                 const struct attestation_signer *signer,
                                                 const struct attestation_settings *settings)
{
    int64_t end = not_after(signer);
    for (size_t i = 0; i < list->count; i++) {
        const struct attestation_signer *other = &list->items[i];
        if (same_line(other, signer->node, signer->use) && compare_age(other, signer) > 0) {
            int64_t longest =
                maximum(signer->longest_seconds, settings->health_certificate_seconds);
            end = minimum(end, attestation_signer_schedule_signs_from(other) + longest +
                                   settings->clock_tolerance_seconds);
        }
    }
    return end;
}

int64_t attestation_signer_schedule_renewed_at(const struct attestation_signer *signer)
{
    int64_t life = not_after(signer) - not_before(signer);
    return not_before(signer) + life / 3 * 2 - lead(life);
}

enum attestation_signer_state attestation_signer_schedule_state(
    const struct attestation_signer_list *list, const struct attestation_signer *signer,
    const struct attestation_settings *settings, int64_t now)
{
    if (now < not_before(signer))
        return ATTESTATION_SIGNER_FUTURE;
    if (now >= attestation_signer_schedule_served_until(list, signer, settings))
        return ATTESTATION_SIGNER_EXPIRED;
    if (now < signer->publish_at)
        return ATTESTATION_SIGNER_NEXT;
    if (signer == attestation_signer_schedule_select(list, signer->node, signer->use, now))
        return ATTESTATION_SIGNER_ACTIVE;
    return attestation_signer_schedule_signs_from(signer) > now ? ATTESTATION_SIGNER_PUBLISHED
                                                                : ATTESTATION_SIGNER_RETIRED;
}

/* One that verifiers may know in its place: it was made before, or while a clock was ahead. */
static bool has_predecessor(const struct attestation_signer_list *list,
                            const struct attestation_signer *signer, int64_t now)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct attestation_signer *other = &list->items[i];
        if (other != signer && same_line(other, signer->node, signer->use) &&
            (compare_age(other, signer) < 0 || not_before(other) > now))
            return true;
    }
    return false;
}

static bool has_other_of_line(const struct attestation_signer_list *list,
                              const struct attestation_signer *signer)
{
    for (size_t i = 0; i < list->count; i++)
        if (&list->items[i] != signer && same_line(&list->items[i], signer->node, signer->use))
            return true;
    return false;
}

bool attestation_signer_schedule_problem(struct error *problem,
                                         const struct attestation_signer_list *list,
                                         const struct attestation_signer *signer, int64_t now)
{
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    int64_t signs_from = attestation_signer_schedule_signs_from(signer);
    clock_format(not_before(signer), from);
    if (now < not_before(signer)) {
        error_set(problem, &attestation_signer_future, "protocol.md 2.4", signer->thumbprint,
                  "it is valid from %s, and here it is %s", from, clock_format(now, until));
        return true;
    }
    if (now >= signs_from || !has_predecessor(list, signer, now) ||
        signer != attestation_signer_schedule_select(list, signer->node, signer->use, now))
        return false;
    error_set(problem, &attestation_signer_unannounced, "protocol.md 2.4", signer->thumbprint,
              "it signs since %s, when it was published; who keeps a list of signers from before "
              "may refuse its certificates until %s",
              clock_format(signer->publish_at, from), clock_format(signs_from, until));
    return true;
}

static bool wanted(enum attestation_signer_use use, const struct attestation_settings *settings)
{
    return use == ATTESTATION_SIGNER_HEALTH || settings->allow_unprotected_signing_keys;
}

bool attestation_signer_schedule_plan(struct attestation_signer_plan *plan,
                                      const struct attestation_signer_list *list, const char *node,
                                      enum attestation_signer_use use,
                                      const struct attestation_settings *settings, int64_t now,
                                      bool at_once)
{
    const struct attestation_signer *newest = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct attestation_signer *signer = &list->items[i];
        if (same_line(signer, node, use) && valid(signer, now) &&
            (newest == NULL || compare_age(signer, newest) > 0))
            newest = signer;
    }
    if (!wanted(use, settings))
        return false;
    if (newest != NULL && !at_once && now < attestation_signer_schedule_renewed_at(newest))
        return false;

    const struct attestation_signer *current =
        attestation_signer_schedule_select(list, node, use, now);
    int64_t seconds = settings->signer_lifetime_days * 86400;
    int64_t active_at = now;
    if (current != NULL) {
        /* After a long stop there may be no time for the whole lead: certificates would become too
         * short. */
        int64_t latest = not_after(current) - settings->health_certificate_seconds;
        active_at = maximum(now, minimum(now + lead(seconds), latest));
    }
    *plan = (struct attestation_signer_plan){
        .node = node,
        .use = use,
        .key = settings->signer_key,
        .not_before = now - settings->clock_tolerance_seconds,
        .not_after = now + seconds,
        .publish_at = now,
        .active_at = active_at,
        .longest_seconds = settings->health_certificate_seconds,
    };
    return true;
}

bool attestation_signer_schedule_removes(const struct attestation_signer_list *list,
                                         const struct attestation_signer *signer, const char *node,
                                         const struct attestation_settings *settings, int64_t now)
{
    if (now >= not_after(signer) + EXPIRED_KEPT_SECONDS)
        return true;
    if (strcmp(signer->node, node) != 0)
        return false;
    return !wanted(signer->use, settings) ||
           now >= attestation_signer_schedule_served_until(list, signer, settings);
}

int64_t attestation_signer_schedule_due(const struct attestation_signer_list *list,
                                        const char *node,
                                        const struct attestation_settings *settings, int64_t now)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < list->count; i++) {
        const struct attestation_signer *signer = &list->items[i];
        const int64_t times[] = {
            signer->publish_at,
            signer->active_at,
            not_before(signer),
            has_other_of_line(list, signer) ? attestation_signer_schedule_signs_from(signer) : 0,
            attestation_signer_schedule_served_until(list, signer, settings),
            not_after(signer) + EXPIRED_KEPT_SECONDS,
            strcmp(signer->node, node) == 0 ? attestation_signer_schedule_renewed_at(signer) : 0,
        };
        for (size_t j = 0; j < sizeof times / sizeof times[0]; j++) {
            if (times[j] > now)
                due = minimum(due, times[j]);
        }
    }
    return due;
}

/* Where a signer stands in the list: less is earlier. */
static int rank(const struct attestation_signer *signer, enum attestation_signer_state state,
                const char *node)
{
    bool rsa = public_key_type(certificate_key(signer->certificate)) == PUBLIC_KEY_RSA;
    int by_state = state == ATTESTATION_SIGNER_ACTIVE    ? (strcmp(signer->node, node) == 0 ? 0 : 1)
                   : state == ATTESTATION_SIGNER_RETIRED ? 2
                                                         : 3;
    return (rsa ? 0 : 4) + by_state;
}

struct listed {
    const struct attestation_signer *signer;
    int rank;
};

static int compare_listed(const void *left, const void *right)
{
    const struct listed *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank - b->rank;
    if (a->signer->use != b->signer->use)
        return a->signer->use == ATTESTATION_SIGNER_HEALTH ? -1 : 1;
    return compare_age(b->signer, a->signer); /* newer ones first */
}

size_t attestation_signer_schedule_listed(const struct certificate **out,
                                          const struct attestation_signer_list *list,
                                          const char *node,
                                          const struct attestation_settings *settings, int64_t now)
{
    struct listed *listed = memory_allocate_zero(list->count + 1, sizeof *listed);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct attestation_signer *signer = &list->items[i];
        enum attestation_signer_state state =
            attestation_signer_schedule_state(list, signer, settings, now);
        if (state != ATTESTATION_SIGNER_FUTURE && state != ATTESTATION_SIGNER_NEXT &&
            state != ATTESTATION_SIGNER_EXPIRED && wanted(signer->use, settings))
            listed[count++] = (struct listed){signer, rank(signer, state, node)};
    }
    qsort(listed, count, sizeof *listed, compare_listed);
    for (size_t i = 0; i < count; i++)
        out[i] = listed[i].signer->certificate;
    free(listed);
    return count;
}
