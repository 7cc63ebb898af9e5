/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/systemd.h"

#define BIT(pcr) (UINT32_C(1) << (pcr))
#define PCRS_SEPARATED (0xffu | BIT(9) | BIT(12) | BIT(13) | BIT(14))

/* In the order in which they are measured. Any may be missing, as an initrd without systemd, or not
 * have come yet. */
static const struct {
    const char *word;
    uint32_t pcrs;
} words[] = {
    {"os-separator", PCRS_SEPARATED},
    {"nvpcr-separator", BIT(9)},
    {"enter-initrd", BIT(11)},
    {"leave-initrd", BIT(11)},
    {"sysinit", BIT(11)},
    {"ready", BIT(11)},
    {"shutdown", BIT(11)},
    {"final", BIT(11)},
};
#define WORD_COUNT (sizeof words / sizeof words[0])

struct search {
    unsigned pcr;
    struct slice wanted;
    struct digest digests[WORD_COUNT]; /* of the words */
};

/* Whether some of the words from `first` on lead from value to the wanted one. There are no more
 * ways than subsets of six words. */
static bool leads(const struct search *search, struct slice value, size_t first)
{
    for (size_t i = first; i < WORD_COUNT; i++) {
        struct slice parts[] = {value, digest_slice(&search->digests[i])};
        struct digest next;
        if (!(words[i].pcrs & BIT(search->pcr)))
            continue;
        digest_compute_parts(&next, search->digests[i].algorithm, parts, 2);
        if (slice_equal(digest_slice(&next), search->wanted) ||
            leads(search, digest_slice(&next), i + 1))
            return true;
    }
    return false;
}

uint32_t systemd_explains(const struct tpm_pcr_bank *replayed, const struct tpm_pcr_bank *read,
                          uint32_t pcrs)
{
    struct search search;
    uint32_t explained = 0;
    if (replayed->algorithm != read->algorithm)
        return 0;
    for (size_t i = 0; i < WORD_COUNT; i++)
        digest_compute(&search.digests[i], read->algorithm, slice_from_text(words[i].word));
    for (search.pcr = 0; search.pcr < TPM_PCR_COUNT; search.pcr++) {
        if (!(pcrs & replayed->present & read->present & BIT(search.pcr)))
            continue;
        search.wanted = tpm_pcr_value(read, search.pcr);
        if (leads(&search, tpm_pcr_value(replayed, search.pcr), 0))
            explained |= BIT(search.pcr);
    }
    return explained;
}
