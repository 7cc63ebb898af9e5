/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this room share: recorded and made boots, policies, and a judgement of both. */

#include "../testing.h"
#include "../vector.h"
#include "base/errors.h"
#include "base/hex.h"
#include "log_builder.h"
#include "policy/errors.h"
#include "policy/evaluate.h"

#include <stdio.h>
#include <stdlib.h>

#define ALL_PCRS 0xffffffu

/* A parsed log with its bytes. */
struct testing_log {
    struct buf bytes;
    struct eventlog log;
};

static inline void testing_log_parse(struct testing_log *out, struct slice bytes)
{
    buf_init(&out->bytes, VECTOR_MAX);
    buf_append(&out->bytes, bytes);
    assert_ok(eventlog_parse(&out->log, buf_slice(&out->bytes), err));
}

/* A recorded boot: "secure-boot-uki". */
static inline void testing_log_recorded(struct testing_log *out, const char *boot)
{
    _cleanup_buf_ struct buf bytes;
    char folder[256];
    snprintf(folder, sizeof folder, "boots/%s", boot);
    vector_read(&bytes, folder, "bios.bin");
    testing_log_parse(out, buf_slice(&bytes));
}

static inline void testing_log_done(struct testing_log *log)
{
    eventlog_done(&log->log);
    buf_done(&log->bytes);
}
#define _cleanup_testing_log_ __attribute__((cleanup(testing_log_done)))

static const enum digest_algorithm testing_bank[] = {DIGEST_SHA256};

static inline void testing_log_windows(struct testing_log *out, const struct log_windows *windows)
{
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, testing_bank, 1);
    log_windows_build(&builder, windows);
    testing_log_parse(out, log_builder_slice(&builder));
}

static inline void testing_log_linux(struct testing_log *out, const struct log_linux *linux_boot)
{
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, testing_bank, 1);
    log_linux_build(&builder, linux_boot);
    testing_log_parse(out, log_builder_slice(&builder));
}

/* An enabled policy of version v2 for all hosts, without contents. */
static inline void testing_policy(struct policy *out, const char *name, enum policy_kind kind,
                                  enum eventlog_profile profile)
{
    *out = (struct policy){.kind = kind,
                           .profile = profile,
                           .version = POLICY_VERSION_2,
                           .state = POLICY_ENABLED,
                           .added = 1700000000,
                           .added_by = "root"};
    snprintf(out->name, sizeof out->name, "%s", name);
}

static inline void testing_baseline(struct policy *out, const char *name,
                                    enum eventlog_profile profile, const struct eventlog *log)
{
    testing_policy(out, name, POLICY_BASELINE, profile);
    assert_ok(baseline_take(&out->baseline, log, BASELINE_PCRS_DEFAULT, err));
}

/* Adds a policy; its owner is the set. */
static inline void testing_add(struct policy_set *set, struct policy *policy)
{
    assert_ok(policy_set_add(set, policy, err));
}

static inline void testing_set_state(struct policy_set *set, enum eventlog_profile profile,
                                     const char *name, enum policy_state state)
{
    struct policy policy;
    testing_policy(&policy, name, POLICY_BUILTIN, profile);
    policy.state = state;
    testing_add(set, &policy);
}

/* Everything at its best, for a host of the profile that is called "node1" and in no set. */
static inline void testing_evidence(struct policy_evidence *out, const struct testing_log *log,
                                    struct eventlog_claims *claims, enum eventlog_profile profile)
{
    eventlog_claims_evaluate(claims, &log->log, profile, DIGEST_SHA256);
    *out = (struct policy_evidence){
        .subject = {.host = "node1", .profile = profile, .version = POLICY_VERSION_2},
        .log = &log->log,
        .claims = claims,
        .bank = DIGEST_SHA256,
        .attested = ALL_PCRS,
        .identity_key = POLICY_KEY_IN_TPM,
        .now = 1700000100,
    };
}

/* The row of that name says so, with a reason that has these words in it. */
static inline void testing_assert_row(const struct verdict *verdict, const char *name,
                                      enum verdict_result result, const char *words)
{
    const struct verdict_policy *row = verdict_find(verdict, name);
    if (row == NULL)
        fail_msg("no row %s", name);
    else if (row->result != result || strstr(row->reason, words) == NULL)
        fail_msg("%s: %s (%s), wanted %s (…%s…)", name, verdict_result_name(row->result),
                 row->reason, verdict_result_name(result), words);
}

/* Judges the log by the set, with everything else at its best. */
static inline void testing_judge(struct verdict *out, const struct policy_set *set,
                                 const struct testing_log *log, enum eventlog_profile profile)
{
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    struct policy_evidence evidence;
    testing_evidence(&evidence, log, &claims, profile);
    policy_evaluate(out, set, &evidence);
}
