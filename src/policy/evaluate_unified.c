/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/command_line_section.h"
#include "policy/judgement.h"

/* The image, what it was given besides, and where other boot loaders would have left their traces.
 */
#define PCRS (PCR(4) | PCR(8) | PCR(9) | PCR(11) | PCR(12) | PCR(13))

#define LINE_MAX (UNIFIED_KERNEL_COMMAND_LINE_MAX * (CODE_INTEGRITY_ADDITIONS_MAX + 2))

static bool fail(struct finding *out, const char *sentence)
{
    finding_set(out, VERDICT_FAILED, "%s", sentence);
    out->distance = DISTANCE_NEAR;
    return false;
}

static bool fail_section(struct finding *out, const char *name)
{
    finding_set(out, VERDICT_FAILED, "section %s in PCR 11 is not the image's", name);
    out->distance = DISTANCE_NEAR;
    return false;
}

/* PCR 4: firmware started the image. */
static bool check_image(const struct judgement *judgement, struct finding *out,
                        const struct unified_kernel *unified)
{
    struct slice digest = digests_get(&unified->image, judgement->evidence->bank);
    if (judgement->claims.images_void) {
        finding_set(out, VERDICT_NOT_EVALUATED, "what firmware started cannot be told from PCR 4");
        return false;
    }
    uint32_t event = judgement_find_image(judgement, digest);
    if (event != EVENTLOG_NO_EVENT) {
        finding_add_event(out, event);
        return true;
    }
    finding_set(out, VERDICT_FAILED, "the image is not among those that firmware started (PCR 4)");
    out->distance = DISTANCE_OTHER;
    return false;
}

/* The section that the event names; NULL when it is none of those from *place on, or when one that
 * every stub measures would be left out before it. */
static const struct unified_kernel_section *find_named(const struct unified_kernel *unified,
                                                       size_t *place,
                                                       const struct eventlog_event *event,
                                                       enum digest_algorithm bank)
{
    while (*place < unified->section_count) {
        const struct unified_kernel_section *section = &unified->sections[(*place)++];
        struct slice name = slice_of(section->name, strlen(section->name) + 1);
        if (eventlog_event_covers(event, bank, name))
            return section;
        if (unified_kernel_always_measured(section->name))
            return NULL;
    }
    return NULL;
}

static bool rest_is_optional(const struct unified_kernel *unified, size_t place)
{
    for (; place < unified->section_count; place++) {
        if (unified_kernel_always_measured(unified->sections[place].name))
            return false;
    }
    return true;
}

/*
 * PCR 11: the image's sections and nothing else, each as its name and its contents, in the stub's
 * order. Which sections a stub knows depends on its version.
 */
static bool check_sections(const struct judgement *judgement, struct finding *out,
                           const struct unified_kernel *unified)
{
    const struct eventlog *log = judgement->evidence->log;
    enum digest_algorithm bank = judgement->evidence->bank;
    const struct unified_kernel_section *named = NULL;
    size_t place = 0;
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->pcr != 11 || event->type == EVENTLOG_NO_ACTION)
            continue;
        if (event->type != EVENTLOG_IPL)
            return fail(out, "PCR 11 holds something that is no section");
        if (named == NULL) {
            named = find_named(unified, &place, event, bank);
            if (named == NULL)
                return fail(out, "PCR 11 has other sections than the image");
            continue;
        }
        if (!slice_equal(eventlog_event_digest(event, bank), digests_get(&named->contents, bank)))
            return fail_section(out, named->name);
        finding_add_event(out, i);
        named = NULL;
    }
    if (named != NULL || !rest_is_optional(unified, place))
        return fail(out, "sections of the image are missing in PCR 11");
    return true;
}

/* The addition that an event of PCR 12 is; NULL: none that is allowed. */
static const struct unified_kernel_addon *find_addition(const struct policy_ci *ci,
                                                        const struct eventlog_event *event,
                                                        enum digest_algorithm bank)
{
    struct slice digest = eventlog_event_digest(event, bank);
    for (size_t i = 0; event->pcr == 12 && i < ci->addition_count; i++) {
        if (slice_equal(digest, digests_get(&ci->additions[i].measured, bank)))
            return &ci->additions[i];
    }
    return NULL;
}

/* PCR 4: firmware, or shim, verified the add-on as it verifies what it starts. What PCR 12 alone
 * says, a running system may have said. */
static bool was_loaded(const struct judgement *judgement, const struct unified_kernel_addon *addon)
{
    struct slice digest = digests_get(&addon->image, judgement->evidence->bank);
    return judgement_find_image(judgement, digest) != EVENTLOG_NO_EVENT;
}

static bool is_addition(const struct eventlog_event *event)
{
    return (event->pcr == 12 || event->pcr == 13) && event->type != EVENTLOG_NO_ACTION;
}

/* PCRs 12 and 13: what was added is allowed. */
static bool check_additions(const struct judgement *judgement, struct finding *out,
                            const struct policy_ci *ci)
{
    const struct eventlog *log = judgement->evidence->log;
    if (judgement->claims.has_no_additions)
        return true;
    bool any = false;
    for (uint32_t i = 0; i < log->event_count; i++) {
        if (!is_addition(&log->events[i]))
            continue;
        any = true;
        const struct unified_kernel_addon *addon =
            find_addition(ci, &log->events[i], judgement->evidence->bank);
        if (addon != NULL && was_loaded(judgement, addon))
            continue;
        finding_add_event(out, i);
        if (addon != NULL)
            return fail(out, "an add-on was measured (PCR 12) that was not loaded (PCR 4)");
        return fail(out, "something was added to the image that is not allowed (PCRs 12, 13)");
    }
    if (any)
        return true;
    return fail(out, "that nothing was added to the image is not proven");
}

void evaluate_unified_line(const struct judgement *judgement, struct buf *out,
                           const struct policy_ci *ci)
{
    const struct eventlog *log = judgement->evidence->log;
    command_line_section_clean(out, buf_slice(&ci->unified.command_line));
    for (uint32_t i = 0; i < log->event_count; i++) {
        if (!is_addition(&log->events[i]))
            continue;
        const struct unified_kernel_addon *addon =
            find_addition(ci, &log->events[i], judgement->evidence->bank);
        if (addon == NULL)
            continue;
        if (out->size > 0)
            buf_append_u8(out, ' ');
        buf_append(out, buf_slice(&addon->command_line));
    }
}

/* What was measured elsewhere speaks of no other command line. With additions, PCR 12 has lines
 * too, which were looked at. */
static bool check_other_lines(const struct judgement *judgement, struct finding *out)
{
    const struct eventlog_claims *claims = &judgement->claims;
    const struct eventlog_claim *claim = &claims->claims[EVENTLOG_CLAIM_COMMAND_LINE];
    enum eventlog_command_line_source source = claims->command_line.source;
    if (claims->has_other_start)
        return fail(out, "something else may have been started than the image (PCRs 8, 9)");
    if (source == EVENTLOG_COMMAND_LINE_GRUB ||
        (source == EVENTLOG_COMMAND_LINE_CONTRADICTED && claims->has_no_additions)) {
        finding_add_claim(out, claim);
        return fail(out, source == EVENTLOG_COMMAND_LINE_GRUB
                             ? "GRUB started a kernel with a command line of its own"
                             : claim->sentence);
    }
    return true;
}

/* PCR 9, where the kernel measures it: the command line that it was started with. */
static bool check_line(const struct judgement *judgement, struct finding *out,
                       const struct policy_ci *ci)
{
    const struct eventlog_claims *claims = &judgement->claims;
    struct slice embedded = buf_slice(&ci->unified.command_line);
    _cleanup_buf_ struct buf text;
    buf_init(&text, LINE_MAX);
    if (claims->load_options.digest.size == 0)
        return true;
    finding_add_event(out, claims->load_options.event);
    evaluate_unified_line(judgement, &text, ci);
    return eventlog_claims_confirm_load_options(claims, buf_slice(&text)) ||
           (claims->has_no_additions && eventlog_claims_confirm_load_options(claims, embedded)) ||
           fail(out, "the kernel was started with another command line than the image's (PCR 9)");
}

void evaluate_unified(const struct judgement *judgement, struct finding *out,
                      const struct policy_ci *ci)
{
    if (judgement_attested(judgement, PCRS, out) && check_image(judgement, out, &ci->unified) &&
        evaluate_ci_is_last(judgement, out, ci) && check_sections(judgement, out, &ci->unified) &&
        check_additions(judgement, out, ci) && check_other_lines(judgement, out) &&
        check_line(judgement, out, ci))
        finding_set(out, VERDICT_PASSED, "the image was booted, whole and as it is");
}
