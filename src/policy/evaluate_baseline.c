/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "eventlog/words.h"
#include "policy/judgement.h"

#include <stdlib.h>

#define SHOWN_MAX 2 /* differences of each kind in the sentence; `policy diff` shows all */

/* Digests of boot images, in the attested bank. */
struct images {
    struct slice *list;
    size_t count, capacity;
};

static void add_image(struct images *images, struct slice digest)
{
    if (images->count == images->capacity) {
        images->capacity = images->capacity == 0 ? 16 : 2 * images->capacity;
        images->list = memory_resize(images->list, images->capacity, sizeof *images->list);
    }
    images->list[images->count++] = digest;
}

/* What firmware measures into PCR 4 when what the policy names is booted. */
static void add_images(struct images *images, const struct policy_ci *ci,
                       enum digest_algorithm bank)
{
    if (ci->form == POLICY_CI_KERNEL && ci->kernel.has_image)
        add_image(images, digests_get(&ci->kernel.image, bank));
    if (ci->form != POLICY_CI_UNIFIED_KERNEL)
        return;
    add_image(images, digests_get(&ci->unified.image, bank));
    if (ci->unified.has_kernel)
        add_image(images, digests_get(&ci->unified.kernel, bank));
    for (size_t i = 0; i < ci->addition_count; i++)
        add_image(images, digests_get(&ci->additions[i].image, bank));
}

static void describe_one(struct buf *text, const struct judgement *judgement,
                         const struct policy_baseline *baseline,
                         const struct baseline_difference *difference)
{
    const struct policy_evidence *evidence = judgement->evidence;
    char words[EVENTLOG_WORDS_SIZE];
    uint32_t event = difference->event;
    buf_append_text(text, text->size > 0 ? "; " : "");
    if (difference->is_extra)
        buf_append_format(text, "extra in PCR %u: %s", evidence->log->events[event].pcr,
                          eventlog_words(words, evidence->log, event, evidence->bank));
    else
        buf_append_format(text, "missing in PCR %u: %s", baseline->events[event].pcr,
                          baseline->events[event].words);
}

/* "extra in PCR 4: started an image, sha256 5fa1…; missing in PCR 7: Secure Boot on; and 2 more" */
static void describe(struct finding *out, const struct judgement *judgement,
                     const struct policy_baseline *baseline, const struct baseline_result *result)
{
    _cleanup_buf_ struct buf text;
    uint32_t shown[2] = {0}; /* of missing and of extra ones */
    buf_init(&text, (2 * SHOWN_MAX + 1) * (EVENTLOG_WORDS_SIZE + 64));
    if (result->locality_differs)
        buf_append_format(&text, "PCR 0 was started at locality %u, not %u",
                          judgement->evidence->log->locality, baseline->locality);
    for (uint32_t i = 0; i < result->count && i < BASELINE_DIFFERENCES_MAX; i++) {
        const struct baseline_difference *difference = &result->differences[i];
        if (difference->is_extra)
            finding_add_event(out, difference->event);
        if (shown[difference->is_extra] == SHOWN_MAX)
            continue;
        shown[difference->is_extra]++;
        describe_one(&text, judgement, baseline, difference);
    }
    if (result->count > BASELINE_DIFFERENCES_MAX)
        buf_append_text(&text, "; and many more");
    else if (result->count > shown[0] + shown[1])
        buf_append_format(&text, "; and %u more", result->count - shown[0] - shown[1]);
    finding_set(out, VERDICT_FAILED, "%s", buf_text(&text));
}

/* With words only where somebody has to find out what is wrong: they cost more than comparing. */
static void conclude(struct finding *out, const struct judgement *judgement,
                     const struct policy_baseline *baseline, const struct baseline_result *result,
                     bool another_passed)
{
    if (result->bank_missing)
        finding_set(out, VERDICT_NOT_EVALUATED,
                    "the baseline, or the boot, lacks digests in the attested bank (%s)",
                    digest_name(judgement->evidence->bank));
    else if (out->distance == 0)
        finding_set(out, VERDICT_PASSED,
                    "firmware, its settings and the boot loader are the baseline's");
    else if (another_passed)
        finding_set(out, VERDICT_FAILED, "it differs in %u events%s", result->count,
                    result->count > BASELINE_DIFFERENCES_MAX ? " or more" : "");
    else
        describe(out, judgement, baseline, result);
}

/* Compares with one baseline; *out has the distance, and a reason only when it could not. */
static void compare(const struct judgement *judgement, struct finding *out,
                    const struct policy_baseline *baseline, const struct baseline_boot *boot,
                    const struct baseline_images *images, struct baseline_result *result)
{
    if (!judgement_attested(judgement, baseline->pcrs, out))
        return;
    baseline_compare(result, baseline, boot, images);
    out->distance = result->count + result->locality_differs;
}

static bool is_open(const struct judgement *judgement, size_t index)
{
    return judgement->policies[index]->kind == POLICY_BASELINE &&
           judgement->findings[index].reason == NULL;
}

static void compare_all(struct judgement *judgement, const struct baseline_boot *boot,
                        const struct baseline_images *images)
{
    struct baseline_result *results = memory_allocate_zero(judgement->count + 1, sizeof *results);
    bool any_passed = false;
    for (size_t i = 0; i < judgement->count; i++) {
        struct finding *finding = &judgement->findings[i];
        if (!is_open(judgement, i))
            continue;
        compare(judgement, finding, &judgement->policies[i]->baseline, boot, images, &results[i]);
        any_passed = any_passed || (finding->reason == NULL && finding->distance == 0 &&
                                    !results[i].bank_missing &&
                                    judgement_counts(judgement, judgement->policies[i]));
    }
    for (size_t i = 0; i < judgement->count; i++) {
        if (is_open(judgement, i))
            conclude(&judgement->findings[i], judgement, &judgement->policies[i]->baseline,
                     &results[i], any_passed);
    }
    free(results);
}

void evaluate_baselines(struct judgement *judgement)
{
    const struct policy_evidence *evidence = judgement->evidence;
    struct images allowed = {0}, known = {0};
    _cleanup_baseline_boot_ struct baseline_boot boot;
    baseline_boot_init(&boot, evidence->log, evidence->bank);
    for (size_t i = 0; i < judgement->count; i++) {
        const struct policy *policy = judgement->policies[i];
        if (policy->kind != POLICY_CI)
            continue;
        add_images(&known, &policy->ci, evidence->bank);
        if (judgement_counts(judgement, policy))
            add_images(&allowed, &policy->ci, evidence->bank);
    }
    struct baseline_images images = {allowed.list, allowed.count, known.list, known.count};
    compare_all(judgement, &boot, &images);
    free(allowed.list);
    free(known.list);
}
