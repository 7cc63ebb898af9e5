/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A service in TPM mode under test, with hosts: simulated TPMs, each with a made boot. */

#include "fixture.h"

#include "../log_builder.h"
#include "../simulated_tpm.h"
#include "attestation/rtpm_context.h"
#include "attestation/tpm_root.h"
#include "eventlog/replay.h"
#include "policy/policy.h"

struct host {
    struct simulated_tpm *tpm;
    enum eventlog_profile profile;
    bool has_chain; /* its TPM holds the intermediate's certificate */
    struct buf log;
    struct buf ima;
};

static inline void host_boot(struct host *host, struct slice log)
{
    struct eventlog parsed;
    struct tpm_pcr_bank bank;
    buf_reset(&host->log);
    buf_append(&host->log, log);
    assert_ok(eventlog_parse(&parsed, buf_slice(&host->log), err));
    assert_ok(eventlog_replay(&bank, &parsed, DIGEST_SHA256, err));
    for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++)
        tpm_pcr_set(simulated_tpm_pcrs(host->tpm), pcr, tpm_pcr_value(&bank, pcr));
    eventlog_done(&parsed);
}

static inline void host_boot_linux(struct host *host, const struct log_linux *boot)
{
    static const enum digest_algorithm bank[] = {DIGEST_SHA256};
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, bank, 1);
    log_linux_build(&builder, boot);
    host_boot(host, log_builder_slice(&builder));
}

static inline void host_boot_windows(struct host *host, const struct log_windows *boot)
{
    static const enum digest_algorithm bank[] = {DIGEST_SHA256};
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, bank, 1);
    log_windows_build(&builder, boot);
    host_boot(host, log_builder_slice(&builder));
}

/* Which a Linux host's policies refuse. */
static inline void host_boot_without_secure_boot(struct host *host)
{
    struct log_linux boot;
    log_linux_init(&boot);
    boot.is_secure_boot_on = false;
    host_boot_linux(host, &boot);
}

static inline void host_init(struct host *host, enum simulated_endorsement kind,
                             enum eventlog_profile profile)
{
    *host = (struct host){.tpm = simulated_tpm_new(kind, DIGEST_SHA256), .profile = profile};
    buf_init(&host->log, RTPM_LOG_MAX);
    buf_init(&host->ima, RTPM_LOG_MAX);
    if (profile == EVENTLOG_PROFILE_LINUX) {
        struct log_linux boot;
        log_linux_init(&boot);
        host_boot_linux(host, &boot);
    } else {
        struct log_windows boot;
        log_windows_init(&boot);
        host_boot_windows(host, &boot);
    }
}

static inline void host_done(struct host *host)
{
    simulated_tpm_free(&host->tpm);
    buf_done(&host->log);
    buf_done(&host->ima);
}
#define _cleanup_host_ __attribute__((cleanup(host_done)))

static inline void add_root(struct fixture *fixture, struct slice der, bool intermediate)
{
    char key[ATTESTATION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value;
    buf_init(&value, VECTOR_MAX);
    assert_ok(attestation_tpm_root_format(&value, key, der, intermediate, 0, "root", err));
    change(fixture, STORE_TPM_ROOT, key, buf_text(&value));
}

/* What hgs host identify would write. */
static inline void host_identifier(struct buf *out, const struct host *host, bool certificate)
{
    _cleanup_platform_identifier_ struct platform_identifier identifier;
    platform_identifier_init(&identifier);
    snprintf(identifier.name, sizeof identifier.name, "node");
    buf_append(&identifier.endorsement_key, simulated_tpm_public(host->tpm));
    if (certificate)
        buf_append(&identifier.certificate, simulated_tpm_certificate(host->tpm));
    if (host->has_chain)
        buf_append(&identifier.chain, simulated_tpm_intermediate());
    platform_identifier_format(out, &identifier);
}

static inline bool register_tpm(struct fixture *fixture, const char *name, const struct host *host,
                                const struct attestation_registration *registration,
                                bool certificate, struct error *err)
{
    struct attestation_host record;
    _cleanup_buf_ struct buf file, value;
    _cleanup_tpm_trust_ struct tpm_trust *trust = attestation_trust(fixture->service);
    buf_init(&file, VECTOR_MAX);
    buf_init(&value, VECTOR_MAX);
    host_identifier(&file, host, certificate);
    if (!attestation_host_init_tpm(&record, name, buf_slice(&file), registration, trust,
                                   clock_now(&fixture->clock), "root", err))
        return false;
    attestation_host_format(&value, &record);
    change(fixture, STORE_HOST, name, buf_text(&value));
    attestation_host_done(&record);
    return true;
}

static inline void register_good(struct fixture *fixture, const char *name, const struct host *host)
{
    struct attestation_registration registration = {.profile = host->profile,
                                                    .version = POLICY_VERSION_2};
    assert_ok(register_tpm(fixture, name, host, &registration, true, err));
}

/* Puts the policy into the store; it is empty then. */
static inline void add_policy(struct fixture *fixture, struct policy *policy)
{
    char key[POLICY_KEY_SIZE];
    _cleanup_buf_ struct buf value;
    buf_init(&value, POLICY_RECORD_MAX);
    policy_format(&value, policy);
    change(fixture, STORE_POLICY, policy_key(policy, key), buf_text(&value));
    policy_done(policy);
}

static inline struct policy new_policy(const char *name, enum policy_kind kind,
                                       enum eventlog_profile profile)
{
    struct policy policy = {.kind = kind,
                            .profile = profile,
                            .version = POLICY_VERSION_2,
                            .state = POLICY_ENABLED,
                            .added_by = "root"};
    snprintf(policy.name, sizeof policy.name, "%s", name);
    return policy;
}

static inline void add_baseline_of(struct fixture *fixture, const char *name,
                                   const struct host *host, uint32_t pcrs)
{
    struct eventlog log;
    struct policy policy = new_policy(name, POLICY_BASELINE, host->profile);
    assert_ok(eventlog_parse(&log, buf_slice(&host->log), err));
    assert_ok(baseline_take(&policy.baseline, &log, pcrs, err));
    eventlog_done(&log);
    add_policy(fixture, &policy);
}

static inline void add_baseline(struct fixture *fixture, const char *name, const struct host *host)
{
    add_baseline_of(fixture, name, host, BASELINE_PCRS_DEFAULT);
}

/* The baseline "model", with an end. */
static inline void add_baseline_until(struct fixture *fixture, const struct host *host,
                                      int64_t until)
{
    struct eventlog log;
    struct policy policy = new_policy("model", POLICY_BASELINE, host->profile);
    policy.until = until;
    assert_ok(eventlog_parse(&log, buf_slice(&host->log), err));
    assert_ok(baseline_take(&policy.baseline, &log, BASELINE_PCRS_DEFAULT, err));
    eventlog_done(&log);
    add_policy(fixture, &policy);
}

/* The code integrity policies of the made boots. */
static inline void add_code_integrity(struct fixture *fixture)
{
    struct log_linux linux_boot;
    struct log_windows windows_boot;
    log_linux_init(&linux_boot);
    log_windows_init(&windows_boot);
    struct policy kernel = new_policy("kernel", POLICY_CI, EVENTLOG_PROFILE_LINUX);
    assert_ok(code_integrity_take_kernel(&kernel.ci, slice_from_text("kernel"),
                                         linux_boot.grub_line, err));
    add_policy(fixture, &kernel);
    struct policy si = new_policy("si", POLICY_CI, EVENTLOG_PROFILE_WINDOWS);
    si.ci.windows.candidate_count = 1;
    digests_compute(&si.ci.windows.candidates[0], &SLICE_EMPTY, 1);
    memcpy(si.ci.windows.candidates[0].banks[0].value, windows_boot.si_policy_digest, 32);
    add_policy(fixture, &si);
}

/* A service in TPM mode that trusts the simulated TPMs' makers, with policies for the boots. */
static inline void initialise_tpm(struct fixture *fixture)
{
    change(fixture, STORE_SETTING, "service", "{\"name\":\"hgs\",\"mode\":\"tpm\"}");
    add_root(fixture, simulated_tpm_root(), false);
    add_root(fixture, simulated_tpm_intermediate(), true);
    add_code_integrity(fixture);
    tick(fixture);
}

/* A fresh host that passes, for tests that change one thing. */
static inline void good_host(struct fixture *fixture, struct host *host)
{
    initialise_tpm(fixture);
    host_init(host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    add_baseline(fixture, "model", host);
    register_good(fixture, "n1", host);
}
