/* SPDX-License-Identifier: Apache-2.0 */

/* A boot's log from anybody, judged by policies of every form for both profiles. Whatever it says,
 * the verdict is whole, its events are the log's, and it does not pass: no log is that of the
 * baseline. */

#include "policy/evaluate.h"

#include "require.h"

#include <stdio.h>

static void add(struct policy_set *set, struct policy *policy, const char *name)
{
    policy->version = POLICY_VERSION_2;
    snprintf(policy->name, sizeof policy->name, "%s", name);
    require(policy_set_add(set, policy, NULL));
}

static void add_baseline(struct policy_set *set, enum eventlog_profile profile, const char *name)
{
    static const char record[] =
        "{\"pcrs\":[4,7],\"locality\":0,\"events\":["
        "{\"pcr\":4,\"type\":4,\"words\":\"x\",\"sha256\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"},"
        "{\"pcr\":7,\"type\":4,\"words\":\"x\",\"sha256\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}";
    _cleanup_json_ struct json *document = NULL;
    struct policy policy = {.kind = POLICY_BASELINE, .profile = profile};
    require(json_parse(&document, slice_from_text(record), NULL) &&
            baseline_read(&policy.baseline, document, NULL));
    add(set, &policy, name);
}

/* An image whose sections are the texts of their names. */
static void add_unified(struct policy_set *set)
{
    static const char *const names[] = {".linux", ".cmdline", ".uname"};
    struct policy policy = {.kind = POLICY_CI, .profile = EVENTLOG_PROFILE_LINUX};
    policy.ci.form = POLICY_CI_UNIFIED_KERNEL;
    buf_init(&policy.ci.unified.command_line, 64);
    buf_append_text(&policy.ci.unified.command_line, "lockdown=integrity");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct slice part = slice_from_text(names[i]);
        struct unified_kernel_section *section = &policy.ci.unified.sections[i];
        snprintf(section->name, sizeof section->name, "%s", names[i]);
        digests_compute(&section->contents, &part, 1);
        policy.ci.unified.image = section->contents;
    }
    policy.ci.unified.section_count = sizeof names / sizeof names[0];
    add(set, &policy, "unified");
}

static struct policy_set *everything(void)
{
    struct policy_set *set = policy_set_new(2);
    struct policy policy = {.kind = POLICY_CI, .profile = EVENTLOG_PROFILE_LINUX};
    require(code_integrity_take_kernel(&policy.ci, slice_from_text("kernel"), "quiet", NULL));
    add(set, &policy, "kernel");
    policy = (struct policy){.kind = POLICY_CI, .profile = EVENTLOG_PROFILE_LINUX};
    require(code_integrity_take_ima(&policy.ci, slice_from_text("rules"), NULL));
    add(set, &policy, "ima");
    policy = (struct policy){.kind = POLICY_CI, .profile = EVENTLOG_PROFILE_WINDOWS};
    policy.ci.windows.candidate_count = 1;
    add(set, &policy, "windows");
    policy = (struct policy){.kind = POLICY_DUMP, .profile = EVENTLOG_PROFILE_WINDOWS};
    add(set, &policy, "dump");
    add_unified(set);
    add_baseline(set, EVENTLOG_PROFILE_LINUX, "model1");
    add_baseline(set, EVENTLOG_PROFILE_WINDOWS, "model2");
    return set;
}

static void judge(const struct policy_set *set, const struct eventlog *log,
                  enum eventlog_profile profile)
{
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    _cleanup_verdict_ struct verdict verdict;
    eventlog_claims_evaluate(&claims, log, profile, DIGEST_SHA256);
    struct policy_evidence evidence = {
        .subject = {.host = "node1", .profile = profile, .version = POLICY_VERSION_2},
        .log = log,
        .claims = &claims,
        .bank = DIGEST_SHA256,
        .attested = 0xffffff,
        .identity_key = POLICY_KEY_IN_TPM,
    };
    policy_evaluate(&verdict, set, &evidence);
    require(!verdict.passed && verdict_first_failure(&verdict) != NULL);
    for (size_t i = 0; i < verdict.count; i++) {
        const struct verdict_policy *row = &verdict.policies[i];
        require(row->reason != NULL && row->reason[0] != '\0');
        for (size_t event = 0; event < row->event_count; event++)
            require(row->events[event] < log->event_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy_set *set;
    _cleanup_eventlog_ struct eventlog log = {0};
    if (set == NULL)
        set = everything();
    if (!eventlog_parse(&log, slice_of(data, size), NULL))
        return 0;
    judge(set, &log, EVENTLOG_PROFILE_LINUX);
    judge(set, &log, EVENTLOG_PROFILE_WINDOWS);
    return 0;
}
