/* SPDX-License-Identifier: Apache-2.0 */
/* An event log of a host, taken as it is and then as if a TPM had measured just what it says: each
 * digest made that of its data. Words are printable, deciding events exist, and nothing is good
 * without a whole PCR 7. */
#include "eventlog/claims.h"
#include "eventlog/difference.h"
#include "eventlog/replay.h"

#include "base/memory.h"

#include "require.h"

static void check_words(const struct eventlog *log)
{
    char text[EVENTLOG_WORDS_SIZE];
    for (uint32_t i = 0; i < log->event_count; i++) {
        eventlog_words(text, log, i, DIGEST_SHA256);
        require(text[0] != '\0' && memchr(text, 0, sizeof text) != NULL);
        for (const char *c = text; *c != '\0'; c++)
            require(*c >= 0x20 && *c <= 0x7E);
    }
}

static void check_claims(const struct eventlog *log, enum eventlog_profile profile)
{
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    eventlog_claims_evaluate(&claims, log, profile, DIGEST_SHA256);
    bool is_secure = claims.claims[EVENTLOG_CLAIM_SECURE_BOOT].value == EVENTLOG_GOOD;
    for (int id = 0; id < EVENTLOG_CLAIMS; id++) {
        const struct eventlog_claim *claim = &claims.claims[id];
        require(claim->sentence != NULL && claim->event_count <= EVENTLOG_DECIDING_MAX);
        for (uint32_t i = 0; i < claim->event_count; i++)
            require(claim->events[i] < log->event_count);
        require(claim->value != EVENTLOG_GOOD || is_secure || id == EVENTLOG_CLAIM_UEFI_DEBUG_OFF ||
                id == EVENTLOG_CLAIM_WINDOWS_AUTHORITY || id == EVENTLOG_CLAIM_COMMAND_LINE);
    }
    require(claims.vsm_idk.modulus.size == 0 || is_secure);
    require(claims.si_policy_count == 0 || is_secure);
}

static void check(const struct eventlog *log)
{
    struct tpm_pcr_bank bank;
    struct error err = {0};
    struct eventlog_differences differences;
    check_words(log);
    check_claims(log, EVENTLOG_PROFILE_WINDOWS);
    check_claims(log, EVENTLOG_PROFILE_LINUX);
    eventlog_compare(&differences, log, log, DIGEST_SHA256, UINT32_MAX);
    require(differences.count == 0 && differences.pcrs == 0);
    eventlog_differences_done(&differences);
    if (!eventlog_replay(&bank, log, DIGEST_SHA256, &err))
        require(err.code != NULL);
    else
        require(eventlog_replay_differs(&bank, &bank, bank.present) == 0);
}

/* Gives each event the digest of its data. */
static uint8_t *measure(struct eventlog *log)
{
    uint8_t *digests = memory_allocate_zero(log->event_count, DIGEST_SHA256_SIZE);
    for (uint32_t i = 0; i < log->event_count; i++) {
        uint8_t *digest = digests + (size_t)i * DIGEST_SHA256_SIZE;
        digest_sha256(digest, log->events[i].data);
        log->events[i].digests[EVENTLOG_BANK_SHA256] = digest;
    }
    return digests;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_eventlog_ struct eventlog log = {0};
    struct error err = {0};
    if (!eventlog_parse(&log, slice_of(data, size), &err)) {
        require(err.code != NULL && log.events == NULL);
        return 0;
    }
    require(log.event_count > 0 && log.event_count <= EVENTLOG_EVENTS_MAX);
    check(&log);
    uint8_t *digests = measure(&log);
    check(&log);
    free(digests);
    return 0;
}
