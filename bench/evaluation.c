/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench-evaluation: how long the service takes to understand what a host sends, and how that grows
 * with its size. One JSON object a log: microseconds of CPU for parsing it, replaying it into PCR
 * values, drawing claims from it, and judging it by a baseline and a kernel; of an IMA list, for
 * parsing, replay, and its facts.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../tests/unit/log_builder.h"
#include "eventlog/claims.h"
#include "eventlog/ima.h"
#include "eventlog/replay.h"
#include "logs.h"
#include "policy/evaluate.h"

#define SECONDS 0.5 /* for each log */
#define LOG_MAX (64UL * 1024 * 1024)

struct times {
    double parse, replay, claims, judge; /* seconds, of all rounds */
    unsigned rounds;
};

static double read_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void must(bool good, const struct error *err)
{
    if (good)
        return;
    fprintf(stderr, "bench-evaluation: %s (%s)\n", err->message, err->code->name);
    exit(1);
}

static void print(const char *what, size_t bytes, uint32_t entries, const struct times *times)
{
    double scale = 1e6 / times->rounds;
    printf("{\"what\": \"%s\", \"bytes\": %zu, \"entries\": %u, \"parse_us\": %.1f, "
           "\"replay_us\": %.1f, \"claims_us\": %.1f, \"judge_us\": %.1f}\n",
           what, bytes, entries, times->parse * scale, times->replay * scale, times->claims * scale,
           times->judge * scale);
}

/* Policies that the boot passes: its baseline (of fewer PCRs, when it has too many events) and its
 * kernel. */
static struct policy_set *boot_policies(struct slice bytes)
{
    struct error err = {0};
    struct eventlog log;
    struct log_linux boot;
    struct policy_set *set = policy_set_new(UINT32_MAX);
    struct policy policy = {.name = "model",
                            .kind = POLICY_BASELINE,
                            .profile = EVENTLOG_PROFILE_LINUX,
                            .version = POLICY_VERSION_2};
    must(eventlog_parse(&log, bytes, &err), &err);
    if (!baseline_take(&policy.baseline, &log, BASELINE_PCRS_DEFAULT, &err))
        must(baseline_take(&policy.baseline, &log, BASELINE_PCRS_REQUIRED, &err), &err);
    must(policy_set_add(set, &policy, &err), &err);
    policy = (struct policy){.name = "kernel",
                             .kind = POLICY_CI,
                             .profile = EVENTLOG_PROFILE_LINUX,
                             .version = POLICY_VERSION_2};
    log_linux_init(&boot);
    must(code_integrity_take_kernel(&policy.ci, slice_from_text("kernel"), boot.grub_line, &err),
         &err);
    must(policy_set_add(set, &policy, &err), &err);
    eventlog_done(&log);
    return set;
}

static void judge(const struct policy_set *set, const struct eventlog *log,
                  const struct eventlog_claims *claims)
{
    struct verdict verdict;
    struct policy_evidence evidence = {
        .subject = {.host = "host", .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_2},
        .log = log,
        .claims = claims,
        .bank = DIGEST_SHA256,
        .attested = 0xffffff,
        .identity_key = POLICY_KEY_IN_TPM,
    };
    policy_evaluate(&verdict, set, &evidence);
    if (!verdict.passed) {
        fprintf(stderr, "bench-evaluation: the boot does not pass: %s\n",
                verdict_first_failure(&verdict)->reason);
        exit(1);
    }
    verdict_done(&verdict);
}

static void measure_log(size_t size)
{
    struct error err = {0};
    struct times times = {0};
    struct eventlog log;
    struct tpm_pcr_bank bank;
    struct eventlog_claims claims;
    uint32_t count = 0;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, LOG_MAX);
    logs_boot(&bytes, size);
    struct policy_set *set = boot_policies(buf_slice(&bytes));
    double end = read_clock() + SECONDS;
    for (double begun = read_clock(); begun < end; begun = read_clock(), times.rounds++) {
        must(eventlog_parse(&log, buf_slice(&bytes), &err), &err);
        double parsed = read_clock();
        must(eventlog_replay(&bank, &log, DIGEST_SHA256, &err), &err);
        double replayed = read_clock();
        eventlog_claims_evaluate(&claims, &log, EVENTLOG_PROFILE_LINUX, DIGEST_SHA256);
        double claimed = read_clock();
        judge(set, &log, &claims);
        times.judge += read_clock() - claimed;
        times.parse += parsed - begun;
        times.replay += replayed - parsed;
        times.claims += claimed - replayed;
        count = log.event_count;
        eventlog_claims_done(&claims);
        eventlog_done(&log);
    }
    policy_set_free(set);
    print("event log", bytes.size, count, &times);
}

static void measure_ima(size_t entries)
{
    struct error err = {0};
    struct times times = {0};
    struct tpm_pcr_bank registers = {.algorithm = DIGEST_SHA256, .present = 0xffffff};
    const struct tpm_pcr_bank start = registers;
    struct ima_list list;
    struct ima_replay replay;
    struct ima_facts facts;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, LOG_MAX);
    logs_ima(&bytes, entries, &registers);
    double end = read_clock() + SECONDS;
    for (double begun = read_clock(); begun < end; begun = read_clock(), times.rounds++) {
        must(ima_parse(&list, buf_slice(&bytes), &err), &err);
        double parsed = read_clock();
        must(ima_replay(&replay, &list, DIGEST_SHA256, tpm_pcr_value(&start, IMA_PCR),
                        tpm_pcr_value(&registers, IMA_PCR), &err),
             &err);
        double replayed = read_clock();
        ima_facts_evaluate(&facts, &list, &replay, &registers);
        double claimed = read_clock();
        times.parse += parsed - begun;
        times.replay += replayed - parsed;
        times.claims += claimed - replayed;
        ima_done(&list);
    }
    print("IMA list", bytes.size, (uint32_t)entries, &times);
}

/* usage: bench-evaluation */
int main(void)
{
    static const size_t sizes[] = {10000, 62000, 100000, 1000000};
    static const size_t entries[] = {1000, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        measure_log(sizes[i]);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        measure_ima(entries[i]);
    return 0;
}
