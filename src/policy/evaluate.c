/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/evaluate.h"

#include "base/clock.h"
#include "base/memory.h"
#include "eventlog/command_line.h"
#include "policy/judgement.h"

#include <stdlib.h>

bool judgement_attested(const struct judgement *judgement, uint32_t pcrs, struct finding *finding)
{
    uint32_t missing = pcrs & ~judgement->evidence->attested;
    if (missing != 0)
        finding_set(finding, VERDICT_NOT_EVALUATED, "PCR %d is not attested",
                    __builtin_ctz(missing));
    return missing == 0;
}

bool judgement_counts(const struct judgement *judgement, const struct policy *policy)
{
    return policy_counts(policy, &judgement->evidence->subject, judgement->evidence->now);
}

uint32_t judgement_find_image(const struct judgement *judgement, struct slice digest)
{
    const struct eventlog_claims *claims = &judgement->claims;
    for (uint32_t i = 0; !claims->images_void && i < claims->image_count; i++) {
        if (slice_equal(claims->images[i].digest, digest))
            return claims->images[i].event;
    }
    return EVENTLOG_NO_EVENT;
}

/* Policies of the other version, and those at their end, are not looked at: the finding says so. */
static bool refuse(const struct judgement *judgement, const struct policy *policy,
                   struct finding *out)
{
    const struct policy_evidence *evidence = judgement->evidence;
    char time[CLOCK_TEXT_SIZE];
    if (policy->version != evidence->subject.version)
        finding_set(out, VERDICT_NOT_EVALUATED,
                    "it is of version %s and the host is registered as %s; the two do not mix",
                    policy_version_name(policy->version),
                    policy_version_name(evidence->subject.version));
    else if (policy->until != 0 && evidence->now >= policy->until)
        finding_set(out, VERDICT_NOT_EVALUATED, "it ended at %s",
                    clock_format(policy->until, time));
    return out->reason != NULL;
}

static void evaluate_dump(const struct judgement *judgement, struct finding *out,
                          const struct policy *policy)
{
    const struct eventlog_claims *claims = &judgement->claims;
    struct slice known = slice_of(policy->dump_key, sizeof policy->dump_key);
    if (claims->claims[EVENTLOG_CLAIM_DUMP_KEY].value != EVENTLOG_GOOD) {
        finding_set_claim(out, &claims->claims[EVENTLOG_CLAIM_DUMP_KEY]);
        return;
    }
    finding_add_claim(out, &claims->claims[EVENTLOG_CLAIM_DUMP_KEY]);
    if (slice_equal(claims->dump_key_digest, known))
        finding_set(out, VERDICT_PASSED, "dumps are encrypted to this key");
    else
        finding_set(out, VERDICT_FAILED, "dumps are encrypted to another key");
}

/* What speaks of a command line, for or against it: no line is believed without Secure Boot. */
#define PCRS_LINE (PCR(7) | PCR(8) | PCR(9) | PCR(11) | PCR(12) | PCR(14))
#define PCRS_UNIFIED (PCRS_LINE | PCR(4) | PCR(13))

/* The image that was booted carries the command line, which the log alone does not show. */
static void take_line(struct judgement *judgement, const struct policy_ci *ci,
                      const struct finding *finding)
{
    _cleanup_buf_ struct buf line;
    uint32_t count = finding->event_count < EVENTLOG_DECIDING_MAX ? (uint32_t)finding->event_count
                                                                  : EVENTLOG_DECIDING_MAX;
    buf_init(&line, COMMAND_LINE_SIZE_MAX);
    evaluate_unified_line(judgement, &line, ci);
    if (line.overflow)
        return;
    if (judgement->claims.claims[EVENTLOG_CLAIM_SECURE_BOOT].value != EVENTLOG_GOOD) {
        command_line_unknown(&judgement->claims,
                             "Secure Boot is not proven, so whatever loaded the image may have "
                             "given it any command line");
        return;
    }
    command_line_evaluate(&judgement->claims, buf_slice(&line), finding->events, count);
    judgement->line_pcrs = PCRS_UNIFIED;
}

static void evaluate_policies(struct judgement *judgement)
{
    const struct policy *booted = NULL;
    size_t place = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        const struct policy *policy = judgement->policies[i];
        struct finding *finding = &judgement->findings[i];
        if (refuse(judgement, policy, finding))
            continue;
        if (policy->kind == POLICY_DUMP)
            evaluate_dump(judgement, finding, policy);
        if (policy->kind != POLICY_CI)
            continue;
        evaluate_ci(judgement, finding, &policy->ci);
        if (booted == NULL && finding->result == VERDICT_PASSED &&
            policy->ci.form == POLICY_CI_UNIFIED_KERNEL && judgement_counts(judgement, policy)) {
            booted = policy;
            place = i;
        }
    }
    evaluate_baselines(judgement);
    if (booted != NULL)
        take_line(judgement, &booted->ci, &judgement->findings[place]);
}

/* Moves the finding into a row. */
static struct verdict_policy *add_row(struct verdict *verdict, const char *name,
                                      struct finding *finding)
{
    struct verdict_policy *row = &verdict->policies[verdict->count++];
    *row = (struct verdict_policy){.name = memory_copy_text(name),
                                   .result = finding->result,
                                   .reason = finding->reason,
                                   .event_count = finding->event_count};
    memcpy(row->events, finding->events, sizeof row->events);
    finding->reason = NULL;
    return row;
}

static void add_builtin(const struct judgement *judgement, struct verdict *verdict,
                        const struct builtin *builtin)
{
    struct finding finding = {0};
    evaluate_builtin(judgement, &finding, builtin);
    struct verdict_policy *row = add_row(verdict, builtin->name, &finding);
    row->kind = POLICY_BUILTIN;
    row->guid = builtin->guid;
    row->state = policy_set_builtin_state(judgement->set, judgement->evidence->subject.profile,
                                          builtin->policy);
    row->required = row->state == POLICY_ENABLED || row->state == POLICY_LOCKED;
    verdict->passed = verdict->passed && (!row->required || row->result == VERDICT_PASSED);
}

static const struct builtin *served_by(enum eventlog_profile profile, enum policy_kind kind)
{
    static const enum builtin_policy served[] = {[POLICY_BASELINE] = BUILTIN_SECURE_BOOT_SETTINGS,
                                                 [POLICY_CI] = BUILTIN_CI_POLICY,
                                                 [POLICY_DUMP] = BUILTIN_DUMP_ENCRYPTION_KEY};
    return builtin_get(profile, served[kind]);
}

static void add_policy(const struct judgement *judgement, struct verdict *verdict, size_t index)
{
    const struct policy *policy = judgement->policies[index];
    struct verdict_policy *row = add_row(verdict, policy->name, &judgement->findings[index]);
    row->kind = policy->kind;
    row->state = policy->state;
    row->guid = served_by(policy->profile, policy->kind)->guid;
}

void policy_evaluate(struct verdict *out, const struct policy_set *set,
                     const struct policy_evidence *evidence)
{
    size_t count;
    const struct builtin *table = builtin_table(evidence->subject.profile, &count);
    struct judgement *judgement = memory_allocate(sizeof *judgement);
    *judgement = (struct judgement){
        .set = set,
        .evidence = evidence,
        .claims = *evidence->claims,
        .line_pcrs = PCRS_LINE,
    };
    judgement->policies = policy_set_select(set, &evidence->subject, &judgement->count);
    judgement->findings = memory_allocate_zero(judgement->count + 1, sizeof *judgement->findings);
    evaluate_policies(judgement);
    *out = (struct verdict){
        .passed = true,
        .policies = memory_allocate_zero(count + judgement->count, sizeof *out->policies)};
    for (size_t i = 0; i < count; i++)
        add_builtin(judgement, out, &table[i]);
    for (size_t i = 0; i < judgement->count; i++)
        add_policy(judgement, out, i);
    free(judgement->findings);
    free(judgement->policies);
    free(judgement);
}

/* The first end of a policy for this host that is later than after; horizon when there is none
 * before it. */
static int64_t next_end(const struct policy *const *policies, size_t count, int64_t after,
                        int64_t horizon)
{
    int64_t next = horizon;
    for (size_t i = 0; i < count; i++)
        if (policies[i]->until > after && policies[i]->until < next)
            next = policies[i]->until;
    return next;
}

/* Which policies a verdict rests on is not always told by which passed (a baseline passes by the
 * images that others allow), so each end is tried. There are few before the horizon: mostly none.
 */
int64_t policy_evaluate_end(const struct policy_set *set, const struct policy_evidence *evidence,
                            int64_t horizon)
{
    size_t count;
    struct policy_evidence then = *evidence;
    const struct policy **policies = policy_set_select(set, &evidence->subject, &count);
    bool passes = true;
    while (passes) {
        then.now = next_end(policies, count, then.now, horizon);
        if (then.now == horizon)
            break;
        _cleanup_verdict_ struct verdict verdict = {0};
        policy_evaluate(&verdict, set, &then);
        passes = verdict.passed;
    }
    free(policies);
    return then.now;
}
