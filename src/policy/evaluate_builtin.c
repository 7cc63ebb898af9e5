/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/judgement.h"

#define CLAIMS_MAX 6
#define NO_CLAIM EVENTLOG_CLAIMS

/* PCRs that Windows' loaders measure into, with their caps. */
#define PCRS_LOADER (PCR(7) | PCR(11) | PCR(12) | PCR(13) | PCR(14))

/* What a policy wants of the claims. */
struct rule {
    enum builtin_policy policy;
    enum {
        FROM_FIRMWARE,     /* PCR 7 */
        FROM_SHIM,         /* PCR 7, and 14, by which shim may speak against it */
        FROM_LOADER,       /* what Windows' loaders measured */
        FROM_COMMAND_LINE, /* of a Linux kernel */
    } source;
    enum eventlog_claim_id good[CLAIMS_MAX]; /* all of these; the first gives the sentence */
    enum eventlog_claim_id not_bad;          /* nothing speaks against it */
};

#define ONLY(claim) {claim, NO_CLAIM}, NO_CLAIM

static const struct rule windows_rules[] = {
    {BUILTIN_SECURE_BOOT_ENABLED, FROM_FIRMWARE, ONLY(EVENTLOG_CLAIM_SECURE_BOOT)},
    /* Loaders need not say that a debugger of a hypervisor that they do not start is off. */
    {BUILTIN_UEFI_DEBUG_DISABLED,
     FROM_LOADER,
     {EVENTLOG_CLAIM_UEFI_DEBUG_OFF, EVENTLOG_CLAIM_BOOT_DEBUG_OFF, EVENTLOG_CLAIM_KERNEL_DEBUG_OFF,
      NO_CLAIM},
     EVENTLOG_CLAIM_HYPERVISOR_DEBUG_OFF},
    {BUILTIN_FULL_BOOT, FROM_LOADER, ONLY(EVENTLOG_CLAIM_FULL_BOOT)},
    {BUILTIN_VSM_IDK_PRESENT, FROM_LOADER, ONLY(EVENTLOG_CLAIM_VSM_IDK)},
    {BUILTIN_VSM_RUNNING, FROM_LOADER, ONLY(EVENTLOG_CLAIM_VSM_RUNNING)},
    {BUILTIN_IOMMU_ENABLED,
     FROM_LOADER,
     {EVENTLOG_CLAIM_IOMMU, NO_CLAIM},
     EVENTLOG_CLAIM_DMA_PROTECTION},
    {BUILTIN_BITLOCKER_ENABLED, FROM_LOADER, ONLY(EVENTLOG_CLAIM_BITLOCKER)},
    {BUILTIN_PAGEFILE_ENCRYPTION, FROM_LOADER, ONLY(EVENTLOG_CLAIM_PAGEFILE_ENCRYPTION)},
    {BUILTIN_HYPERVISOR_ENFORCED_CI, FROM_LOADER, ONLY(EVENTLOG_CLAIM_HVCI)},
    {BUILTIN_NO_HIBERNATION, FROM_LOADER, ONLY(EVENTLOG_CLAIM_NO_HIBERNATION)},
    {BUILTIN_NO_DUMPS, FROM_LOADER, ONLY(EVENTLOG_CLAIM_NO_DUMPS)},
    {BUILTIN_DUMP_ENCRYPTION, FROM_LOADER, ONLY(EVENTLOG_CLAIM_DUMP_ENCRYPTION)},
    {BUILTIN_DUMP_ENCRYPTION_KEY, FROM_LOADER, ONLY(EVENTLOG_CLAIM_DUMP_KEY)},
    /* What would make any code integrity policy worthless. */
    {BUILTIN_CI_POLICY,
     FROM_LOADER,
     {EVENTLOG_CLAIM_CODE_INTEGRITY, EVENTLOG_CLAIM_TEST_SIGNING_OFF, EVENTLOG_CLAIM_SAFE_MODE_OFF,
      EVENTLOG_CLAIM_WINPE_OFF, EVENTLOG_CLAIM_NO_FAILURE, NO_CLAIM},
     NO_CLAIM},
};

static const struct rule linux_rules[] = {
    {BUILTIN_SECURE_BOOT_ENABLED, FROM_SHIM, ONLY(EVENTLOG_CLAIM_SECURE_BOOT)},
    {BUILTIN_UEFI_DEBUG_DISABLED, FROM_FIRMWARE, ONLY(EVENTLOG_CLAIM_UEFI_DEBUG_OFF)},
    {BUILTIN_FULL_BOOT, FROM_COMMAND_LINE, ONLY(EVENTLOG_CLAIM_FULL_BOOT)},
    {BUILTIN_LOCKDOWN, FROM_COMMAND_LINE, ONLY(EVENTLOG_CLAIM_LOCKDOWN)},
    {BUILTIN_IOMMU_ENABLED,
     FROM_COMMAND_LINE,
     {EVENTLOG_CLAIM_IOMMU, NO_CLAIM},
     EVENTLOG_CLAIM_DMA_PROTECTION},
    {BUILTIN_NO_HIBERNATION, FROM_COMMAND_LINE, ONLY(EVENTLOG_CLAIM_NO_HIBERNATION)},
    {BUILTIN_NO_DUMPS, FROM_COMMAND_LINE, ONLY(EVENTLOG_CLAIM_NO_DUMPS)},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct rule *find_rule(enum eventlog_profile profile, enum builtin_policy policy)
{
    const struct rule *rules = profile == EVENTLOG_PROFILE_WINDOWS ? windows_rules : linux_rules;
    size_t count = profile == EVENTLOG_PROFILE_WINDOWS ? COUNT(windows_rules) : COUNT(linux_rules);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].policy == policy)
            return &rules[i];
    }
    return NULL;
}

/* That it was Windows that booted: its loader may write what another system wrote just as well. */
static bool windows_booted(const struct eventlog_claims *claims, struct finding *out)
{
    static const enum eventlog_claim_id needed[] = {EVENTLOG_CLAIM_WINDOWS_AUTHORITY,
                                                    EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE};
    for (size_t i = 0; i < COUNT(needed); i++) {
        const struct eventlog_claim *claim = &claims->claims[needed[i]];
        if (claim->value == EVENTLOG_GOOD)
            continue;
        finding_set(out, VERDICT_NOT_EVALUATED, "that Windows booted is not proven: %s",
                    claim->sentence);
        finding_add_claim(out, claim);
        return false;
    }
    return true;
}

static bool has_source(const struct judgement *judgement, const struct rule *rule,
                       struct finding *out)
{
    switch (rule->source) {
    case FROM_FIRMWARE:
        return judgement_attested(judgement, PCR(7), out);
    case FROM_SHIM:
        return judgement_attested(judgement, PCR(7) | PCR(14), out);
    case FROM_LOADER:
        return judgement_attested(judgement, PCRS_LOADER, out) &&
               windows_booted(&judgement->claims, out);
    case FROM_COMMAND_LINE:
        return judgement_attested(judgement, judgement->line_pcrs, out);
    }
    return false;
}

/* Bad wins, then unknown, then the first claim's sentence. */
static void evaluate_rule(const struct judgement *judgement, const struct rule *rule,
                          struct finding *out)
{
    const struct eventlog_claim *claims = judgement->claims.claims;
    const struct eventlog_claim *decides = &claims[rule->good[0]];
    if (!has_source(judgement, rule, out))
        return;
    for (size_t i = 1; i < CLAIMS_MAX && rule->good[i] != NO_CLAIM; i++) {
        const struct eventlog_claim *claim = &claims[rule->good[i]];
        if (decides->value != EVENTLOG_BAD &&
            (claim->value == EVENTLOG_BAD || decides->value == EVENTLOG_GOOD) &&
            claim->value != EVENTLOG_GOOD)
            decides = claim;
    }
    if (rule->not_bad != NO_CLAIM && claims[rule->not_bad].value == EVENTLOG_BAD)
        decides = &claims[rule->not_bad];
    finding_set_claim(out, decides);
}

static const char *one_of(enum policy_kind kind)
{
    static const char *const words[] = {
        [POLICY_BASELINE] = "baseline", [POLICY_CI] = "ci policy", [POLICY_DUMP] = "dump policy"};
    return words[kind];
}

static void copy_events(struct finding *out, const struct finding *from)
{
    for (size_t i = 0; i < from->event_count; i++)
        finding_add_event(out, from->events[i]);
}

/* Nothing counts: says of one that is there why it does not. */
static void explain_none(const struct judgement *judgement, enum policy_kind kind,
                         struct finding *out)
{
    finding_set(out, VERDICT_NOT_EVALUATED, "there is no %s of version %s for this host",
                one_of(kind), policy_version_name(judgement->evidence->subject.version));
    for (size_t i = 0; i < judgement->count; i++) {
        const struct policy *policy = judgement->policies[i];
        if (policy->kind != kind)
            continue;
        if (policy->state == POLICY_ENABLED)
            finding_set(out, VERDICT_NOT_EVALUATED, "%s %s does not count: %s", one_of(kind),
                        policy->name, judgement->findings[i].reason);
        else
            finding_set(out, VERDICT_NOT_EVALUATED, "%s %s does not count: it is %s", one_of(kind),
                        policy->name, policy_state_name(policy->state));
        if (policy->version != judgement->evidence->subject.version)
            return; /* the mistake that is hardest to see */
    }
}

static bool is_better(const struct finding *a, const struct finding *b)
{
    return a->result > b->result || (a->result == b->result && a->distance < b->distance);
}

/* One policy of the kind must pass; the best of those that count is told about. */
static void evaluate_one_of(const struct judgement *judgement, enum policy_kind kind,
                            struct finding *out)
{
    size_t best = judgement->count;
    for (size_t i = 0; i < judgement->count; i++) {
        if (judgement->policies[i]->kind != kind ||
            !judgement_counts(judgement, judgement->policies[i]))
            continue;
        if (best == judgement->count ||
            is_better(&judgement->findings[i], &judgement->findings[best]))
            best = i;
    }
    if (best == judgement->count) {
        explain_none(judgement, kind, out);
        return;
    }
    const struct finding *finding = &judgement->findings[best];
    finding_set(out, finding->result, "%s %s: %s", one_of(kind), judgement->policies[best]->name,
                finding->reason);
    copy_events(out, finding);
}

static void evaluate_identity_key(const struct judgement *judgement, struct finding *out)
{
    switch (judgement->evidence->identity_key) {
    case POLICY_KEY_IN_TPM:
        finding_set(out, VERDICT_PASSED, "the TPM made the key, bound to the attested PCRs");
        break;
    case POLICY_KEY_ELSEWHERE:
        finding_set(out, VERDICT_FAILED, "the identity key was not made in the TPM");
        break;
    case POLICY_KEY_UNKNOWN:
        finding_set(out, VERDICT_NOT_EVALUATED, "where the identity key lives is not known");
        break;
    }
}

static bool dumps_are_off(const struct judgement *judgement)
{
    return judgement->claims.claims[EVENTLOG_CLAIM_NO_DUMPS].value == EVENTLOG_GOOD;
}

/* The documented interplay: no dumps, no matter how; and without the policy of encryption, the key
 * is moot. Both only once it is clear that Windows' word counts. */
static void evaluate_dumps(const struct judgement *judgement, const struct rule *rule,
                           struct finding *out)
{
    enum policy_state encryption =
        policy_set_builtin_state(judgement->set, EVENTLOG_PROFILE_WINDOWS, BUILTIN_DUMP_ENCRYPTION);
    bool is_key = rule->policy == BUILTIN_DUMP_ENCRYPTION_KEY;
    if (is_key && encryption != POLICY_ENABLED) {
        finding_set(out, VERDICT_PASSED, "it does not apply while Hgs_DumpEncryption is %s",
                    policy_state_name(encryption));
        return;
    }
    if (!has_source(judgement, rule, out))
        return;
    if (dumps_are_off(judgement)) {
        finding_set_claim(out, &judgement->claims.claims[EVENTLOG_CLAIM_NO_DUMPS]);
        return;
    }
    finding_set_claim(out, &judgement->claims.claims[rule->good[0]]);
    if (is_key && out->result == VERDICT_PASSED)
        evaluate_one_of(judgement, POLICY_DUMP, out);
}

/* A crash kernel is loaded by kexec, also without a word in the command line. */
static void check_kexec(const struct judgement *judgement, struct finding *out)
{
    const struct ima_facts *facts = judgement->evidence->ima_facts;
    for (uint32_t i = 0; facts != NULL && i < facts->count; i++) {
        if (facts->facts[i].kind == IMA_FACT_KEXEC_LINE)
            finding_set(out, VERDICT_FAILED, "another kernel was loaded (kexec), as for dumps");
    }
}

/* What claims decide, and what depends on other policies besides. */
static void evaluate_by_rule(const struct judgement *judgement, const struct rule *rule,
                             struct finding *out)
{
    switch (rule->policy) {
    case BUILTIN_DUMP_ENCRYPTION:
    case BUILTIN_DUMP_ENCRYPTION_KEY:
        evaluate_dumps(judgement, rule, out);
        return;
    case BUILTIN_CI_POLICY:
        evaluate_rule(judgement, rule, out);
        if (out->result == VERDICT_PASSED)
            evaluate_one_of(judgement, POLICY_CI, out);
        return;
    case BUILTIN_NO_DUMPS:
        evaluate_rule(judgement, rule, out);
        check_kexec(judgement, out);
        return;
    default:
        evaluate_rule(judgement, rule, out);
        return;
    }
}

void evaluate_builtin(const struct judgement *judgement, struct finding *out,
                      const struct builtin *builtin)
{
    const struct rule *rule = find_rule(judgement->evidence->subject.profile, builtin->policy);
    if (builtin->policy == BUILTIN_SECURE_BOOT_SETTINGS)
        evaluate_one_of(judgement, POLICY_BASELINE, out);
    else if (builtin->policy == BUILTIN_IDENTITY_KEY_IN_TPM)
        evaluate_identity_key(judgement, out);
    else if (rule != NULL)
        evaluate_by_rule(judgement, rule, out);
    else if (builtin->policy == BUILTIN_CI_POLICY) /* Linux: each form has its own guards */
        evaluate_one_of(judgement, POLICY_CI, out);
    else
        finding_set(out, VERDICT_NOT_EVALUATED, "nothing that is measured decides it");
}
