/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/judgement.h"

static bool is_candidate(const struct windows_policy *windows,
                         const struct eventlog_si_policy *active)
{
    for (size_t i = 0; i < windows->candidate_count; i++) {
        struct slice digest = digests_get(&windows->candidates[i], active->algorithm);
        if (digest.size > 0 && slice_equal(digest, active->digest))
            return true;
    }
    return false;
}

/* The list of blocked drivers never counts: it allows everything else. */
static void evaluate_windows(const struct judgement *judgement, struct finding *out,
                             const struct windows_policy *windows)
{
    const struct eventlog_claims *claims = &judgement->claims;
    bool any = false;
    if (!judgement_attested(judgement, PCR(11) | PCR(12) | PCR(13) | PCR(14), out))
        return;
    for (uint32_t i = 0; i < claims->si_policy_count; i++) {
        const struct eventlog_si_policy *active = &claims->si_policies[i];
        if (active->is_driver_block_list)
            continue;
        any = true;
        if (is_candidate(windows, active)) {
            finding_add_event(out, active->event);
            finding_set(out, VERDICT_PASSED, "Windows' loader activated it as %s", active->name);
            return;
        }
    }
    out->distance = DISTANCE_OTHER;
    if (any)
        finding_set(out, VERDICT_FAILED, "it is not among the policies that Windows activated");
    else
        finding_set(out, VERDICT_NOT_EVALUATED,
                    "the log proves no code integrity policy of an administrator");
}

static bool is_named(const struct judgement *judgement, struct slice digest)
{
    for (size_t i = 0; i < judgement->count; i++) {
        const struct policy *policy = judgement->policies[i];
        if (policy->kind == POLICY_CI &&
            code_integrity_names_image(&policy->ci, judgement->evidence->bank, digest))
            return true;
    }
    return false;
}

/* Why digest, the next image in PCR 4, must not have been started; NULL: it may. *started: what the
 * policy names was. The kernel in an image is not started before the image. */
static const char *find_fault(bool *started, const struct judgement *judgement,
                              const struct policy_ci *ci, struct slice digest)
{
    enum digest_algorithm bank = judgement->evidence->bank;
    if (code_integrity_names_image(ci, bank, digest)) {
        bool is_whole = *started || ci->form == POLICY_CI_KERNEL ||
                        slice_equal(digests_get(&ci->unified.image, bank), digest);
        *started = true;
        return is_whole ? NULL : "what is in the image was started before it (PCR 4)";
    }
    if (*started)
        return "another image was started after it (PCR 4)";
    return is_named(judgement, digest) ? "the image of another ci policy was started, too (PCR 4)"
                                       : NULL;
}

/* Looks at events, not at the claims' images: of those there are none when PCR 4 has too many, or
 * something else that root can add. Texts and separators prove themselves. */
bool evaluate_ci_is_last(const struct judgement *judgement, struct finding *out,
                         const struct policy_ci *ci)
{
    const struct eventlog *log = judgement->evidence->log;
    enum digest_algorithm bank = judgement->evidence->bank;
    bool started = false;
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->pcr != 4 || event->type == EVENTLOG_NO_ACTION ||
            eventlog_event_covers(event, bank, event->data))
            continue;
        const char *fault = find_fault(&started, judgement, ci, eventlog_event_digest(event, bank));
        if (fault != NULL) {
            finding_add_event(out, i);
            finding_set(out, VERDICT_FAILED, "%s", fault);
            out->distance = DISTANCE_NEAR;
            return false;
        }
    }
    return true;
}

/* The index of PCR 9's event for the kernel's file, or EVENTLOG_NO_EVENT. */
static uint32_t find_file(const struct judgement *judgement, struct slice digest)
{
    const struct eventlog *log = judgement->evidence->log;
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->pcr == 9 && event->type == EVENTLOG_IPL &&
            slice_equal(eventlog_event_digest(event, judgement->evidence->bank), digest))
            return i;
    }
    return EVENTLOG_NO_EVENT;
}

/* GRUB's text begins with the kernel's path, which the policy's may leave out. */
static bool is_line(const struct policy_ci_kernel *kernel,
                    const struct eventlog_command_line *proven)
{
    struct slice text = buf_slice(&proven->text), wanted = buf_slice(&kernel->command_line);
    if (slice_equal(text, wanted))
        return true;
    const uint8_t *space = text.size == 0 ? NULL : memchr(text.data, ' ', text.size);
    if (proven->source != EVENTLOG_COMMAND_LINE_GRUB || space == NULL)
        return false;
    size_t skipped = (size_t)(space + 1 - text.data);
    return slice_equal(slice_of(space + 1, text.size - skipped), wanted);
}

static void evaluate_kernel(const struct judgement *judgement, struct finding *out,
                            const struct policy_ci *ci)
{
    const struct policy_ci_kernel *kernel = &ci->kernel;
    const struct eventlog_command_line *line = &judgement->claims.command_line;
    const struct eventlog_claim *claim = &judgement->claims.claims[EVENTLOG_CLAIM_COMMAND_LINE];
    enum digest_algorithm bank = judgement->evidence->bank;
    if (!judgement_attested(judgement, PCR(4) | judgement->line_pcrs, out))
        return;
    uint32_t event = EVENTLOG_NO_EVENT;
    if (kernel->has_image)
        event = judgement_find_image(judgement, digests_get(&kernel->image, bank));
    if (event == EVENTLOG_NO_EVENT)
        event = find_file(judgement, digests_get(&kernel->file, bank));
    out->distance = DISTANCE_OTHER;
    if (event == EVENTLOG_NO_EVENT) {
        finding_set(out, VERDICT_FAILED, "the kernel is neither in PCR 4 nor in PCR 9");
        return;
    }
    finding_add_event(out, event);
    out->distance = DISTANCE_NEAR;
    if (claim->value != EVENTLOG_GOOD) {
        finding_set_claim(out, claim);
        return;
    }
    if (!evaluate_ci_is_last(judgement, out, ci))
        return;
    finding_add_event(out, line->event);
    if (is_line(kernel, line))
        finding_set(out, VERDICT_PASSED, "the kernel was booted with the policy's command line");
    else
        finding_set(out, VERDICT_FAILED, "the kernel was booted with another command line: %.*s",
                    (int)line->text.size, (const char *)line->text.data);
}

/* Another kernel that was loaded to be run next, with a command line of its own. */
static const struct ima_fact *find_kexec(const struct ima_facts *facts)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        if (facts->facts[i].kind == IMA_FACT_KEXEC_LINE)
            return &facts->facts[i];
    }
    return NULL;
}

static bool measured_by_ima(const struct policy_evidence *evidence, const struct digests *file)
{
    uint32_t entry;
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (ima_find_file(&entry, evidence->ima, evidence->ima_replay, digests_algorithms[i],
                          digest_slice(&file->banks[i]), NULL))
            return true;
    }
    return false;
}

static void evaluate_ima(const struct judgement *judgement, struct finding *out,
                         const struct digests *file)
{
    const struct policy_evidence *evidence = judgement->evidence;
    const struct eventlog_claim *appraise = &judgement->claims.claims[EVENTLOG_CLAIM_IMA_APPRAISE];
    if (!judgement_attested(judgement, PCR(10), out))
        return;
    out->distance = DISTANCE_NEAR;
    if (evidence->ima == NULL)
        finding_set(out, VERDICT_NOT_EVALUATED, "the host sent no IMA list");
    else if (evidence->ima_facts->aggregate != IMA_AGGREGATE_GOOD)
        finding_set(out, VERDICT_NOT_EVALUATED,
                    "the IMA list does not begin with the digest of this boot's PCRs");
    else if (appraise->value == EVENTLOG_BAD)
        finding_set_claim(out, appraise);
    else if (find_kexec(evidence->ima_facts) != NULL || evidence->ima_facts->is_cut)
        finding_set(out, VERDICT_FAILED, "another kernel was loaded, or may have been (kexec)");
    else if (measured_by_ima(evidence, file))
        finding_set(out, VERDICT_PASSED, "IMA measured the policy's file");
    else
        finding_set(out, VERDICT_FAILED, "IMA measured no such policy file");
}

void evaluate_ci(const struct judgement *judgement, struct finding *out, const struct policy_ci *ci)
{
    switch (ci->form) {
    case POLICY_CI_WINDOWS:
        evaluate_windows(judgement, out, &ci->windows);
        break;
    case POLICY_CI_UNIFIED_KERNEL:
        evaluate_unified(judgement, out, ci);
        break;
    case POLICY_CI_KERNEL:
        evaluate_kernel(judgement, out, ci);
        break;
    case POLICY_CI_IMA:
        evaluate_ima(judgement, out, &ci->ima);
        break;
    }
}
