/* SPDX-License-Identifier: Apache-2.0 */
/* An IMA list of a host, and the PCR 10 that it leads to. */
#include "eventlog/ima.h"

#include "require.h"

static const uint8_t zeros[DIGEST_SHA256_SIZE];

/* What PCR 10 holds if the kernel measured this list, by templates without padding. */
static void measure(struct tpm_pcr_bank *bank, const struct ima_list *list)
{
    uint8_t digest[DIGEST_SHA256_SIZE];
    *bank = (struct tpm_pcr_bank){.algorithm = DIGEST_SHA256, .present = (1u << TPM_PCR_COUNT) - 1};
    for (uint32_t i = 0; i < list->count; i++) {
        const struct ima_entry *entry = &list->entries[i];
        if (entry->pcr != IMA_PCR)
            continue;
        digest_sha256(digest, entry->data);
        if (entry->is_violation)
            memset(digest, 0xFF, sizeof digest);
        tpm_pcr_extend(bank, IMA_PCR, slice_of(digest, sizeof digest));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_ima_ struct ima_list list = {0};
    struct error err = {0};
    struct tpm_pcr_bank bank;
    struct ima_replay replay;
    struct ima_facts facts;
    uint32_t entry;
    if (!ima_parse(&list, slice_of(data, size), &err)) {
        require(err.code != NULL && list.entries == NULL);
        return 0;
    }
    measure(&bank, &list);
    if (!ima_replay(&replay, &list, DIGEST_SHA256, slice_of(zeros, sizeof zeros),
                    tpm_pcr_value(&bank, IMA_PCR), &err)) {
        require(err.code != NULL);
        return 0;
    }
    require(replay.count <= list.count);
    ima_facts_evaluate(&facts, &list, &replay, &bank);
    require(facts.count <= IMA_FACTS_MAX);
    for (uint32_t i = 0; i < facts.count; i++) {
        require(facts.facts[i].entry < replay.count);
        require(!list.entries[facts.facts[i].entry].is_violation);
    }
    if (facts.count > 0 && facts.facts[0].digest.size > 0 &&
        facts.facts[0].kind == IMA_FACT_POLICY_FILE)
        require(ima_find_file(&entry, &list, &replay, facts.facts[0].algorithm,
                              facts.facts[0].digest, NULL));
    return 0;
}
