/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One evaluation under way: what the files of policy_evaluate() share. */

#include "policy/baseline_compare.h"
#include "policy/evaluate.h"
#include "policy/finding.h"

#define PCR(number) (1u << (number))

/* How far a code integrity policy is from passing: another image altogether, or this one with
 * something else. */
#define DISTANCE_OTHER 100
#define DISTANCE_NEAR 1

struct judgement {
    const struct policy_set *set;
    const struct policy_evidence *evidence;
    const struct policy **policies; /* that are for this host */
    struct finding *findings;       /* one for each */
    size_t count;
    struct eventlog_claims claims; /* borrowed, but for the claims of the command line */
    uint32_t line_pcrs;            /* that the claims of the command line rest on */
};

/* Whether all PCRs of the mask are attested; else the finding is that they are not. */
bool judgement_attested(const struct judgement *judgement, uint32_t pcrs, struct finding *finding);
/* Whether the policy counts (policy_counts). */
bool judgement_counts(const struct judgement *judgement, const struct policy *policy);
/* The event of PCR 4 by which firmware started the image of that digest; EVENTLOG_NO_EVENT: it did
 * not, or nothing can be told from PCR 4. */
uint32_t judgement_find_image(const struct judgement *judgement, struct slice digest);

/* evaluate_ci.c: one code integrity policy. */
void evaluate_ci(const struct judgement *judgement, struct finding *out,
                 const struct policy_ci *ci);
/* Whether what the policy names was started last, an image before the kernel that is in it, and
 * nothing that another one names: who starts a known image by itself, with a command line that
 * nobody measures, can have the rest of PCR 4 measured afterwards, but not before. Else the finding
 * says so. */
bool evaluate_ci_is_last(const struct judgement *judgement, struct finding *out,
                         const struct policy_ci *ci);
/* evaluate_unified.c: one that is a unified kernel image. */
void evaluate_unified(const struct judgement *judgement, struct finding *out,
                      const struct policy_ci *ci);
/* The command line that a boot of it had: the image's, and what was added. Appended to out. */
void evaluate_unified_line(const struct judgement *judgement, struct buf *out,
                           const struct policy_ci *ci);
/* evaluate_baseline.c: all baselines among the policies. */
void evaluate_baselines(struct judgement *judgement);
/* evaluate_builtin.c: one built-in policy, after all others. */
void evaluate_builtin(const struct judgement *judgement, struct finding *out,
                      const struct builtin *builtin);
