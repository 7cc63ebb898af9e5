/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From what a boot proves to the verdict. Pure: the same set and evidence give the same verdict.
 *
 * The caller has shown that the log replays to the values that the TPM attests, for the PCRs in
 * `attested`; a PCR outside it proves nothing. It need not have looked at anything else.
 */

#include "eventlog/claims.h"
#include "eventlog/ima.h"
#include "policy/set.h"
#include "policy/verdict.h"

/* Where the private half of the key that is to be certified lives. */
enum policy_identity_key {
    POLICY_KEY_UNKNOWN,
    POLICY_KEY_IN_TPM, /* created in the attesting TPM under PolicyPCR, or this exchange will */
    POLICY_KEY_ELSEWHERE,
};

struct policy_evidence {
    struct policy_subject subject;
    const struct eventlog *log;
    const struct eventlog_claims *claims; /* made of log, for the subject's profile */
    enum digest_algorithm bank;           /* that is attested: SHA-256 or stronger */
    uint32_t attested;                    /* bit i: PCR i */
    /* The IMA list, replayed to the attested PCR 10; NULL: none was given. All three or none. */
    const struct ima_list *ima;
    const struct ima_replay *ima_replay;
    const struct ima_facts *ima_facts;
    enum policy_identity_key identity_key;
    int64_t now; /* seconds since 1970, for policies with an end */
};

/* Freed with verdict_done. */
void policy_evaluate(struct verdict *out, const struct policy_set *set,
                     const struct policy_evidence *evidence);
/*
 * When the same evidence, which passes now, would pass no longer because policies end (their
 * `until`); horizon, when that is not before it. What is issued for a verdict need not outlive it.
 */
int64_t policy_evaluate_end(const struct policy_set *set, const struct policy_evidence *evidence,
                            int64_t horizon);
