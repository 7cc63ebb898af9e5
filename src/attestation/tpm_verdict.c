/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_verdict.h"

#include "attestation/errors.h"
#include "attestation/judged.h"
#include "attestation/tpm_boot.h"
#include "attestation/tpm_identity.h"

static const char clause[] = "protocol.md 2.3";

static bool reads_ima(const struct tpm_step *step)
{
    return (step->state.selection.pcrs >> IMA_PCR & 1) != 0;
}

/* The name of the log that came, once. */
static void note_log(struct tpm_step *step)
{
    struct attestation_evidence *evidence = step->evidence;
    if (evidence->has_boot)
        return;
    attestation_log_names_find(&step->log_name, step->input->tpm->log_names, step->context.log);
    memcpy(evidence->boot, step->log_name.digest, sizeof evidence->boot);
    evidence->has_boot = true;
}

/* What the boot is remembered by, for pending boots and the audit trail. */
static void note_boot(struct tpm_step *step, const struct tpm_pcr_bank *bank, bool proven)
{
    const struct attestation_evidence *evidence = step->evidence;
    struct attestation_boot_seen seen = {
        .host = step->host->host.name,
        .time = step->input->now,
        .profile = step->subject.profile,
        .version = step->subject.version,
        .bank = bank->algorithm,
        .proven = proven,
        .verdict = &evidence->verdict,
        .log = step->context.log,
        .digest = evidence->boot,
    };
    /* A what-if leaves no trace but for a boot that failed and that the TPM has proven. */
    bool counts = !step->input->what_if || (proven && !evidence->verdict.passed);
    if (step->input->tpm->pending != NULL && counts)
        attestation_pending_note(step->input->tpm->pending, &seen);
}

/* Judges the boot by these values; its verdict is the evidence's from then on. */
static bool judge(struct tpm_step *step, struct attestation_tpm_boot *boot,
                  const struct tpm_pcr_bank *bank, struct error *err)
{
    struct attestation_evidence *evidence = step->evidence;
    const struct attestation_settings *settings = step->input->settings;
    int64_t now = step->input->now;
    struct attestation_tpm_boot_input input = {
        .set = step->input->tpm->policies->set,
        .subject = &step->subject,
        .registers = step->state.selection.pcrs,
        .log = step->context.log,
        .ima_log = step->context.ima_log,
        .bank = bank,
        .now = now,
        /* of a certificate that is issued at the exchange's end */
        .horizon = now + settings->rtpm_exchange_seconds + settings->health_certificate_seconds + 1,
    };
    if (!attestation_tpm_boot_judge(boot, &input, err))
        return false;
    evidence->verdict = boot->verdict;
    evidence->until = boot->until;
    evidence->has_verdict = true;
    boot->verdict = (struct verdict){0};
    return true;
}

static bool refuse_policies(const struct tpm_step *step, struct error *err)
{
    const struct verdict *verdict = &step->evidence->verdict;
    const struct verdict_policy *first = verdict_first_failure(verdict);
    size_t count = 0;
    for (size_t i = 0; i < verdict->count; i++)
        count += verdict->policies[i].required && verdict->policies[i].result != VERDICT_PASSED;
    return error_set(err, &attestation_policies_failed, clause, step->host->host.name,
                     "%zu required policies did not pass; %s: %s", count,
                     first != NULL ? first->name : "policies",
                     first != NULL ? first->reason : "none was evaluated");
}

/* The registers hold what the state says that the log leads to: its verdict stands, until a policy
 * ends (what is issued looks at that). */
static bool settle(struct tpm_step *step, const struct tpm_pcr_bank *bank, struct error *err)
{
    const struct rtpm_state *state = &step->state;
    if (!attestation_tpm_boot_compare(&state->replayed, bank, state->selection.pcrs, &step->subject,
                                      err))
        return false;
    step->evidence->until = state->until;
    step->evidence->verdict = (struct verdict){.passed = true};
    step->evidence->has_verdict = true;
    return true;
}

bool tpm_verdict_keep_key(struct rtpm_state *state, const struct public_key *key, struct error *err)
{
    struct slice der = public_key_spki(key);
    struct rtpm_identity_key *kept = &state->keys[state->key_count];
    if (der.size > sizeof kept->der)
        return error_set(err, &attestation_identity_key, clause, state->host,
                         "an identity key of %zu bytes is too large", der.size);
    memcpy(kept->der, der.data, der.size);
    kept->size = der.size;
    state->key_count++;
    return true;
}

/* Puts what is remembered of the boot into the state. */
static bool take_over(struct tpm_step *step, const struct attestation_judged *judged,
                      struct error *err)
{
    struct rtpm_state *state = &step->state;
    state->replayed = judged->replayed;
    state->signing_key_protected = judged->signing_key_protected;
    for (size_t i = 0; i < judged->key_count; i++)
        if (!tpm_verdict_keep_key(state, judged->keys[i], err))
            return false;
    return true;
}

/* A Windows host's: the log has its identity keys. A what-if asks for no certificate. */
static bool take_measured_keys(struct attestation_judged *judged, struct tpm_step *step,
                               const struct attestation_tpm_boot *boot, struct error *err)
{
    struct attestation_evidence *evidence = step->evidence;
    if (step->subject.profile != EVENTLOG_PROFILE_WINDOWS || step->input->what_if)
        return true;
    if (!attestation_tpm_identity_measured(
            evidence, &boot->claims, step->input->settings->allow_unprotected_signing_keys, err))
        return false;
    judged->signing_key_protected = evidence->signing_key_protected;
    for (; judged->key_count < evidence->requested_count; judged->key_count++)
        judged->keys[judged->key_count] =
            public_key_ref(evidence->identity_keys[judged->key_count]);
    return true;
}

/* Of all that decides, but the time. */
static void make_key(uint8_t key[DIGEST_SHA256_SIZE], const struct tpm_step *step)
{
    const struct rtpm_state *state = &step->state;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 256);
    buf_append_bytes(&bytes, state->policies, sizeof state->policies);
    buf_append_bytes(&bytes, state->log, sizeof state->log);
    buf_append_u16_le(&bytes, (uint16_t)state->selection.algorithm);
    buf_append_u32_le(&bytes, state->selection.pcrs);
    buf_append_bytes(&bytes, step->evidence->requested, step->evidence->requested_count);
    digest_sha256(key, buf_slice(&bytes));
}

/* Whether a verdict may be remembered: it depends on nothing that is not in the key. */
static bool is_constant(const struct tpm_step *step)
{
    return !step->input->what_if && !reads_ima(step) &&
           !policy_set_has_ends(step->input->tpm->policies->set, &step->subject, step->input->now);
}

/* Judges by the claimed values; a boot that fails is refused, but in a what-if. */
static bool judge_first(struct attestation_judged *judged, struct tpm_step *step,
                        const struct tpm_pcr_bank *claimed, struct error *err)
{
    _cleanup_attestation_tpm_boot_ struct attestation_tpm_boot boot = {0};
    if (!judge(step, &boot, claimed, err))
        return false;
    if (!step->evidence->verdict.passed && !step->input->what_if) {
        note_boot(step, claimed, false);
        return refuse_policies(step, err);
    }
    step->state.until = step->evidence->until;
    judged->replayed = boot.replayed;
    judged->replayed.present &= step->state.selection.pcrs;
    return take_measured_keys(judged, step, &boot, err) && take_over(step, judged, err);
}

/* A boot that passed before, by the same policies. */
static bool recall(struct tpm_step *step, const struct attestation_judged *judged,
                   const struct tpm_pcr_bank *claimed, struct error *err)
{
    return take_over(step, judged, err) && settle(step, claimed, err) &&
           (step->subject.profile != EVENTLOG_PROFILE_WINDOWS ||
            attestation_tpm_identity_may_sign(step->evidence, judged->signing_key_protected,
                                              step->input->settings->allow_unprotected_signing_keys,
                                              err));
}

static bool judge_or_recall(struct tpm_step *step, const struct tpm_pcr_bank *claimed,
                            struct error *err)
{
    uint8_t key[DIGEST_SHA256_SIZE];
    struct cache *cache = step->input->tpm->judged;
    bool constant = cache != NULL && is_constant(step);
    make_key(key, step);
    _cleanup_attestation_judged_ struct attestation_judged *judged =
        constant ? cache_find(cache, slice_of(key, sizeof key)) : NULL;
    if (judged != NULL)
        return recall(step, judged, claimed, err);
    judged = attestation_judged_new();
    memcpy(judged->key, key, sizeof key);
    if (!judge_first(judged, step, claimed, err))
        return false;
    if (constant)
        judged = cache_keep(cache, judged);
    return true;
}

/* Whether the last step has to see the log: because the verdict is the answer, or because what is
 * judged grows meanwhile, or to remember the boot. */
static bool judges_again(const struct tpm_step *step)
{
    struct attestation_pending *pending = step->input->tpm->pending;
    return step->input->what_if || reads_ima(step) ||
           (pending != NULL &&
            !attestation_pending_knows(pending, step->host->host.name, step->evidence->boot));
}

bool tpm_verdict_first(struct tpm_step *step, const struct tpm_pcr_bank *claimed, struct error *err)
{
    struct rtpm_state *state = &step->state;
    note_log(step);
    memcpy(state->log, step->evidence->boot, sizeof state->log);
    attestation_policies_digest(state->policies, step->input->tpm->policies, &step->subject);
    if (!judge_or_recall(step, claimed, err))
        return false;
    if (step->evidence->verdict.passed)
        attestation_log_names_keep(step->input->tpm->log_names, &step->log_name);
    state->judges_again = judges_again(step);
    if (state->judges_again) {
        state->kept_log = step->context.log;
        state->replayed.present = 0;
    }
    return true;
}

bool tpm_verdict_find_log(struct tpm_step *step, struct error *err)
{
    const struct rtpm_state *state = &step->state;
    struct attestation_evidence *evidence = step->evidence;
    if (step->context.log.size == 0)
        step->context.log = state->kept_log;
    if (step->context.log.size == 0) {
        memcpy(evidence->boot, state->log, sizeof evidence->boot);
        evidence->has_boot = true;
        return !state->judges_again ||
               error_set(err, &attestation_context_incomplete, clause, "RtpmContext",
                         "the event log was cut from the state that it goes along with");
    }
    note_log(step);
    return memcmp(evidence->boot, state->log, sizeof state->log) == 0 ||
           error_set(err, &attestation_log_changed, clause, state->host,
                     "the event log is not the one that the exchange began with");
}

static bool judge_proven(struct tpm_step *step, const struct tpm_pcr_bank *bank, struct error *err)
{
    _cleanup_attestation_tpm_boot_ struct attestation_tpm_boot boot = {0};
    return judge(step, &boot, bank, err);
}

bool tpm_verdict_proven(struct tpm_step *step, const struct tpm_pcr_bank *bank, struct error *err)
{
    bool has_log = step->context.log.size != 0;
    if (!(has_log ? judge_proven(step, bank, err) : settle(step, bank, err)))
        return false;
    note_boot(step, bank, true);
    return step->evidence->verdict.passed || step->input->what_if || refuse_policies(step, err);
}
