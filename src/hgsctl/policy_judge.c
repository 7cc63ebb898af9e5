/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/policy_judge.h"

#include <stdio.h>

#include "attestation/host.h"
#include "attestation/tpm_boot.h"
#include "eventlog/difference.h"
#include "eventlog/replay.h"
#include "hgsctl/boot_log.h"
#include "hgsctl/call.h"

#define BOOT_PCRS 0xFFFFu

/* The service's policies, as they judge now. */
struct policies {
    struct policy_set *set;
    int64_t now;
    struct attestation_host host; /* name empty: none */
};

static void policies_done(struct policies *policies)
{
    policy_set_free(policies->set);
    attestation_host_done(&policies->host);
}
#define _cleanup_policies_ __attribute__((cleanup(policies_done)))

/* A record that the service passes over is passed over here, too. */
static void add_record(struct policy_set *set, const char *record)
{
    struct policy policy;
    struct error ignored;
    if (policy_parse(&policy, slice_from_text(record), &ignored) &&
        !policy_set_add(set, &policy, &ignored))
        policy_done(&policy);
}

static bool fetch(struct policies *out, struct call *call)
{
    const char *host = option_text(call->values, "host");
    if (host != NULL)
        json_write_text(&call->writer, "host", host);
    if (!call_run(call, "policy.records"))
        return false;
    out->now = call_integer(call->result, "now");
    out->set = policy_set_new((uint32_t)call_integer(call->result, "functional_level"));
    for (const struct json *it = json_first(json_get(call->result, "records")); it != NULL;
         it = json_next(it))
        add_record(out->set, json_text(it));
    if (host == NULL)
        return true;
    _cleanup_buf_ struct buf record;
    buf_init(&record, 1024 * 1024);
    json_append(&record, json_get(call->result, "host"));
    return attestation_host_parse(&out->host, buf_slice(&record), &call->err);
}

/* The host that was named, and its bank, or any of the profile and version that were. */
static void choose_subject(struct policy_subject *out, enum digest_algorithm *bank,
                           const struct policies *policies, const struct option_values *values)
{
    const char *profile = option_text(values, "profile");
    const char *version = option_text(values, "policy-version");
    if (policies->host.name[0] != '\0' && policies->host.mode == ATTESTATION_MODE_TPM) {
        attestation_tpm_host_subject(out, &policies->host.tpm, policies->host.name);
        *bank = policies->host.tpm.bank;
        return;
    }
    *out = (struct policy_subject){.host = policies->host.name,
                                   .profile = EVENTLOG_PROFILE_LINUX,
                                   .version = POLICY_VERSION_2};
    if (profile != NULL)
        policy_profile_parse(&out->profile, profile);
    if (version != NULL)
        policy_version_parse(&out->version, version);
}

static void write_verdict(struct json_writer *writer, const struct attestation_tpm_boot *boot,
                          enum digest_algorithm bank)
{
    char words[EVENTLOG_WORDS_SIZE];
    json_write_object(writer, NULL);
    json_write_bool(writer, "passed", boot->verdict.passed);
    json_write_array(writer, "policies");
    for (size_t i = 0; i < boot->verdict.count; i++) {
        const struct verdict_policy *policy = &boot->verdict.policies[i];
        json_write_object(writer, NULL);
        json_write_text(writer, "name", policy->name);
        json_write_text(writer, "type", policy_kind_name(policy->kind));
        json_write_text(writer, "state", policy_state_name(policy->state));
        json_write_bool(writer, "required", policy->required);
        json_write_text(writer, "result", verdict_result_name(policy->result));
        json_write_text(writer, "reason", policy->reason);
        json_write_array(writer, "events");
        for (size_t j = 0; j < policy->event_count; j++) {
            uint32_t event = policy->events[j];
            json_write_object(writer, NULL);
            json_write_integer(writer, "index", event);
            json_write_integer(writer, "pcr", boot->log.events[event].pcr);
            json_write_text(writer, "words", eventlog_words(words, &boot->log, event, bank));
            json_write_object_end(writer);
        }
        json_write_array_end(writer);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_object_end(writer);
}

/* What decided: a line below its policy, event by event. */
static void print_events(const struct attestation_tpm_boot *boot,
                         const struct verdict_policy *policy, enum digest_algorithm bank)
{
    char words[EVENTLOG_WORDS_SIZE];
    for (size_t i = 0; i < policy->event_count; i++) {
        uint32_t event = policy->events[i];
        printf("    PCR %u: %s\n", boot->log.events[event].pcr,
               eventlog_words(words, &boot->log, event, bank));
    }
}

static const char *result_words(enum verdict_result result)
{
    return result == VERDICT_PASSED   ? "passed"
           : result == VERDICT_FAILED ? "failed"
                                      : "not evaluated";
}

static void print_verdict(const struct attestation_tpm_boot *boot, enum digest_algorithm bank)
{
    for (size_t i = 0; i < boot->verdict.count; i++) {
        const struct verdict_policy *policy = &boot->verdict.policies[i];
        printf("%s: %s%s\n  %s\n", policy->name, result_words(policy->result),
               policy->required ? "" : " (not required)", policy->reason);
        print_events(boot, policy, bank);
    }
    puts(boot->verdict.passed ? "\nA host that boots so would pass."
                              : "\nA host that boots so would not pass.");
}

static bool judge(struct attestation_tpm_boot *boot, const struct boot_log *log,
                  const struct policies *policies, const struct policy_subject *subject,
                  struct error *err)
{
    struct tpm_pcr_bank bank;
    if (!eventlog_replay(&bank, &log->log, log->bank, err))
        return false;
    struct attestation_tpm_boot_input input = {
        .set = policies->set,
        .subject = subject,
        .registers = bank.present & BOOT_PCRS,
        .log = buf_slice(&log->bytes),
        .bank = &bank,
        .now = policies->now,
    };
    return attestation_tpm_boot_judge(boot, &input, err);
}

int policy_judge_explain(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    _cleanup_boot_log_ struct boot_log log = {0};
    _cleanup_policies_ struct policies policies = {0};
    _cleanup_attestation_tpm_boot_ struct attestation_tpm_boot boot = {0};
    struct policy_subject subject;
    call_init(&call, values);
    if (!boot_log_read(&log, option_argument(values, 0), &call.err) || !fetch(&policies, &call))
        return call_fail(&call);
    choose_subject(&subject, &log.bank, &policies, values);
    if (!judge(&boot, &log, &policies, &subject, &call.err))
        return call_fail(&call);
    if (option_json(values)) {
        struct json_writer writer;
        _cleanup_buf_ struct buf text;
        buf_init(&text, 64 * 1024 * 1024);
        json_writer_init(&writer, &text);
        write_verdict(&writer, &boot, log.bank);
        puts(buf_text(&text));
    } else {
        print_verdict(&boot, log.bank);
    }
    return boot.verdict.passed ? 0 : 1;
}

static void write_differences(const struct eventlog_differences *differences)
{
    struct json_writer writer;
    _cleanup_buf_ struct buf text;
    buf_init(&text, 64 * 1024 * 1024);
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    json_write_array(&writer, "differences");
    for (uint32_t i = 0; i < differences->count; i++) {
        json_write_object(&writer, NULL);
        json_write_integer(&writer, "pcr", differences->list[i].pcr);
        json_write_text(&writer, "text", differences->list[i].text);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_bool(&writer, "cut", differences->is_cut);
    json_write_object_end(&writer);
    puts(buf_text(&text));
}

static bool read_both(struct boot_log *was, struct boot_log *now,
                      const struct option_values *values, struct error *err)
{
    if (!boot_log_read(was, option_argument(values, 0), err) ||
        !boot_log_read(now, option_argument(values, 1), err))
        return false;
    struct tpm_pcr_bank bank; /* that the first log has this bank is known, of the second not */
    return eventlog_replay(&bank, &now->log, was->bank, err);
}

int policy_judge_diff(const struct option_values *values)
{
    struct error err = {0};
    _cleanup_boot_log_ struct boot_log was = {0}, now = {0};
    _cleanup_eventlog_differences_ struct eventlog_differences differences = {0};
    if (!read_both(&was, &now, values, &err))
        return option_fail(values, &err);
    eventlog_compare(&differences, &now.log, &was.log, was.bank, BOOT_PCRS);
    if (option_json(values)) {
        write_differences(&differences);
        return 0;
    }
    for (uint32_t i = 0; i < differences.count; i++)
        printf("PCR %u: %s\n", differences.list[i].pcr, differences.list[i].text);
    if (differences.is_cut)
        puts("…and more.");
    if (differences.count == 0)
        puts("Nothing that was measured into PCRs 0 to 15 differs.");
    return 0;
}
