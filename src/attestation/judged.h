/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Boots that passed, remembered by all that their verdict depends on: a host attests with the same
 * log every few hours until it boots again, and need not have it parsed, replayed and judged each
 * time. What is remembered is what the log leads to; the caller still compares the registers with
 * it, those that are claimed and those that the TPM reads.
 *
 * The verdict is a function of the policies, of whom they see in the host, of the log, bank and
 * registers, and of the time (policy/evaluate.h; IMA is judged anew always and never remembered).
 * The key is a digest of all of these but the time, and nothing is remembered where time may change
 * the verdict (tpm_verdict.c): so an entry never turns wrong, only useless, and none needs to be
 * dropped. Only boots that passed are there, so that a stranger who knows a host's public key puts
 * in nothing that its policies would not accept.
 */

#include "attestation/message.h"
#include "base/cache.h"
#include "crypto/public_key.h"
#include "tpm/pcr.h"

#include <stdatomic.h>

/* Immutable once it is in the cache, counted by references. */
struct attestation_judged {
    atomic_uint references;
    uint8_t key[DIGEST_SHA256_SIZE];
    struct tpm_pcr_bank replayed; /* what the log leads to, of the registers that are read */
    /* A Windows host's, from the log, for each certificate asked for. */
    struct public_key *keys[ATTESTATION_RESULT_MAX];
    size_t key_count;
    bool signing_key_protected;
};

/* One reference, of the caller. */
struct attestation_judged *attestation_judged_new(void);
/* NULL is allowed. */
void attestation_judged_release(struct attestation_judged **judged);
#define _cleanup_attestation_judged_ __attribute__((cleanup(attestation_judged_release)))

/* A cache of them by key; some 2 KB each. */
struct cache *attestation_judged_cache_new(size_t entries);
