/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/replay.h"

#include "eventlog/errors.h"

/* PCRs that only a dynamic launch resets to zeros (PFP 2.3.4). */
#define DYNAMIC_FIRST 17
#define DYNAMIC_LAST 22

static void start(struct tpm_pcr_bank *bank, enum digest_algorithm algorithm, uint8_t locality)
{
    *bank = (struct tpm_pcr_bank){.algorithm = algorithm, .present = (1u << TPM_PCR_COUNT) - 1};
    bank->values[0][digest_size(algorithm) - 1] = locality;
    for (uint32_t pcr = DYNAMIC_FIRST; pcr <= DYNAMIC_LAST; pcr++)
        memset(bank->values[pcr], 0xFF, digest_size(algorithm));
}

bool eventlog_replay(struct tpm_pcr_bank *out, const struct eventlog *log,
                     enum digest_algorithm algorithm, struct error *err)
{
    enum eventlog_bank bank = eventlog_bank_of(algorithm);
    if (!tpm_pcr_bank_is_evidence(algorithm))
        return error_set(err, &eventlog_bank_weak, NULL, NULL, "the bank is not SHA-256 or better");
    if ((log->banks & 1u << bank) == 0)
        return error_set(err, &eventlog_bank_missing, NULL, NULL, "the log has no digests of %s",
                         digest_name(algorithm));
    start(out, algorithm, log->locality);
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->type == EVENTLOG_NO_ACTION)
            continue;
        if (event->digests[bank] == NULL)
            out->present &= ~(1u << event->pcr);
        else if (out->present >> event->pcr & 1) /* nothing makes up for a digest that is missing */
            tpm_pcr_extend(out, event->pcr, eventlog_event_digest(event, algorithm));
    }
    return true;
}

uint32_t eventlog_replay_differs(const struct tpm_pcr_bank *replayed,
                                 const struct tpm_pcr_bank *read, uint32_t pcrs)
{
    if (replayed->algorithm != read->algorithm)
        return pcrs;
    uint32_t missing = ~(replayed->present & read->present);
    return (tpm_pcr_differing(replayed, read, pcrs) | missing) & pcrs;
}
