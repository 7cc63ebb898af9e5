/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_boot.h"

#include "attestation/errors.h"
#include "eventlog/replay.h"
#include "eventlog/systemd.h"

#include <stdio.h>

static const char clause[] = "protocol.md 2.3";

#define BIT(pcr) (UINT32_C(1) << (pcr))
#define STUB_PCR 11   /* systemd-stub's; systemd extends it further as the system starts */
#define SYSTEM_PCR 15 /* systemd's */
/* The identity keys of a Windows host are in its log: what proves them is always read. */
#define WINDOWS_PCRS (BIT(4) | BIT(7) | BIT(11) | BIT(12) | BIT(13) | BIT(14))
#define RUNTIME_PCRS UINT32_C(0xFF0000)
/* One exchange has two reads beside the creation of a key. */
#define READ_MAX (2 * TPM_PCR_READ_MAX)

static unsigned count_bits(uint32_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

bool attestation_tpm_boot_registers(struct attestation_tpm_registers *out,
                                    const struct policy_set *set,
                                    const struct policy_subject *subject, struct error *err)
{
    uint32_t read = policy_pcrs(set, subject);
    if (subject->profile == EVENTLOG_PROFILE_WINDOWS)
        read |= WINDOWS_PCRS;
    uint32_t sealed = read & ~(BIT(IMA_PCR) | RUNTIME_PCRS);
    if (subject->profile == EVENTLOG_PROFILE_LINUX)
        sealed &= ~(BIT(STUB_PCR) | BIT(SYSTEM_PCR));
    if (sealed == 0 || count_bits(read) > READ_MAX)
        return error_set(err, &attestation_pcrs_none, clause, subject->host,
                         "its policies look at %u PCRs, %u of them from the time of the boot",
                         count_bits(read), count_bits(sealed));
    *out = (struct attestation_tpm_registers){read, sealed};
    return true;
}

char *attestation_tpm_boot_format_registers(char text[ATTESTATION_REGISTERS_TEXT_SIZE],
                                            uint32_t registers)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++)
        if ((registers & BIT(pcr)) != 0)
            used += (size_t)snprintf(text + used, ATTESTATION_REGISTERS_TEXT_SIZE - used, "%s%u",
                                     used == 0 ? "" : ", ", pcr);
    return text;
}

bool attestation_tpm_boot_compare(const struct tpm_pcr_bank *replayed,
                                  const struct tpm_pcr_bank *bank, uint32_t registers,
                                  const struct policy_subject *subject, struct error *err)
{
    char text[ATTESTATION_REGISTERS_TEXT_SIZE];
    uint32_t missing = registers & ~bank->present;
    if (missing != 0)
        return error_set(err, &attestation_pcr_missing, clause, subject->host,
                         "there is no value of PCR %s",
                         attestation_tpm_boot_format_registers(text, missing));
    /* The IMA list, not the log, says what is in PCR 10. */
    uint32_t differing = eventlog_replay_differs(replayed, bank, registers & ~BIT(IMA_PCR));
    if (differing != 0 && subject->profile == EVENTLOG_PROFILE_LINUX)
        differing &= ~systemd_explains(replayed, bank, differing);
    return differing == 0 || error_set(err, &attestation_log_mismatch, clause, subject->host,
                                       "the log leads to other values than the TPM has in PCR %s",
                                       attestation_tpm_boot_format_registers(text, differing));
}

static struct slice ima_start(const struct tpm_pcr_bank *replayed)
{
    static const uint8_t zeros[DIGEST_SIZE_MAX];
    return (replayed->present & BIT(IMA_PCR)) != 0
               ? tpm_pcr_value(replayed, IMA_PCR)
               : slice_of(zeros, digest_size(replayed->algorithm));
}

/* What IMA measured, when a policy asks; evidence then points to its places. */
struct ima_evidence {
    struct ima_replay replay;
    struct ima_facts facts;
};

static bool judge_ima(struct policy_evidence *evidence, struct attestation_tpm_boot *boot,
                      struct ima_evidence *ima, const struct attestation_tpm_boot_input *input,
                      struct error *err)
{
    const struct tpm_pcr_bank *replayed = &boot->replayed;
    if ((input->registers & BIT(IMA_PCR)) == 0)
        return true;
    if (input->ima_log.size == 0) {
        evidence->attested &= ~BIT(IMA_PCR); /* nothing says what it holds */
        return true;
    }
    if (!ima_parse(&boot->ima, input->ima_log, err) ||
        !ima_replay(&ima->replay, &boot->ima, input->bank->algorithm, ima_start(replayed),
                    tpm_pcr_value(input->bank, IMA_PCR), err))
        return false;
    /* boot_aggregate is of what there was before user space extended anything. */
    ima_facts_evaluate(&ima->facts, &boot->ima, &ima->replay, replayed);
    evidence->ima = &boot->ima;
    evidence->ima_replay = &ima->replay;
    evidence->ima_facts = &ima->facts;
    return true;
}

static enum policy_identity_key where_the_key_is(const struct policy_subject *subject)
{
    return subject->profile == EVENTLOG_PROFILE_LINUX ? POLICY_KEY_IN_TPM : POLICY_KEY_ELSEWHERE;
}

static bool judge(struct attestation_tpm_boot *boot, const struct attestation_tpm_boot_input *input,
                  struct error *err)
{
    struct ima_evidence ima;
    if (!eventlog_parse(&boot->log, input->log, err) ||
        !eventlog_replay(&boot->replayed, &boot->log, input->bank->algorithm, err) ||
        !attestation_tpm_boot_compare(&boot->replayed, input->bank, input->registers,
                                      input->subject, err))
        return false;
    struct policy_evidence evidence = {
        .subject = *input->subject,
        .log = &boot->log,
        .claims = &boot->claims,
        .bank = input->bank->algorithm,
        .attested = input->registers,
        .identity_key = where_the_key_is(input->subject),
        .now = input->now,
    };
    if (!judge_ima(&evidence, boot, &ima, input, err))
        return false;
    eventlog_claims_evaluate(&boot->claims, &boot->log, input->subject->profile,
                             input->bank->algorithm);
    policy_evaluate(&boot->verdict, input->set, &evidence);
    if (boot->verdict.passed && input->horizon != 0) {
        int64_t end = policy_evaluate_end(input->set, &evidence, input->horizon);
        boot->until = end < input->horizon ? end : 0;
    }
    return true;
}

bool attestation_tpm_boot_judge(struct attestation_tpm_boot *out,
                                const struct attestation_tpm_boot_input *input, struct error *err)
{
    *out = (struct attestation_tpm_boot){0};
    if (judge(out, input, err))
        return true;
    attestation_tpm_boot_done(out);
    return false;
}

void attestation_tpm_boot_done(struct attestation_tpm_boot *boot)
{
    verdict_done(&boot->verdict);
    ima_done(&boot->ima);
    eventlog_claims_done(&boot->claims);
    eventlog_done(&boot->log);
    *boot = (struct attestation_tpm_boot){0};
}
