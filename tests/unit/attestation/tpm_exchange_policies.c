/* SPDX-License-Identifier: Apache-2.0 */

/* The policies, the registration and the bank change while a host attests; and what the first step
 * remembers of a boot that passed before. */

#include "tpm_exchange_fixture.h"

#include "attestation/service_private.h"
#include "eventlog/sipa.h"

static void remove_policy(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == LAST)
        change(fixture, STORE_POLICY, "kernel", NULL);
}

static void add_one(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == LAST)
        add_baseline(fixture, "another", client->host);
}

static const char *const set_names[] = {"rack"};

static void into_a_set(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {.profile = client->host->profile,
                                                    .version = POLICY_VERSION_2,
                                                    .sets = set_names,
                                                    .set_count = 1};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

static void to_another_profile(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_WINDOWS,
                                                    .version = POLICY_VERSION_2};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

static void to_another_version(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {
        .profile = client->host->profile, .version = POLICY_VERSION_1, .force = true};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

static void test_policies_change(void **state)
{
    static client_alter *const changes[] = {remove_policy, add_one, into_a_set, to_another_profile,
                                            to_another_version};
    fixture = *state;
    for (size_t i = 0; i < 2 * sizeof changes / sizeof changes[0]; i++) {
        _cleanup_host_ struct host host;
        exchange_host(&host, i % 2 != 0);
        expect_refused(&(struct client){.host = &host, .alter = changes[i / 2]},
                       "attestation.policies-changed", true);
        change(fixture, STORE_POLICY, "another", NULL);
    }
}

static void wait_a_minute(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == LAST)
        fixture->clock.offset += 60;
}

/* The baseline ends while the host attests. */
static void test_policy_ends(void **state)
{
    fixture = *state;
    for (int remembered = 0; remembered < 2; remembered++) {
        _cleanup_host_ struct host host;
        exchange_host(&host, false);
        add_baseline_until(fixture, &host, clock_now(&fixture->clock) + 90);
        struct client client = {.host = &host, .alter = wait_a_minute};
        if (remembered) {
            struct client before = {.host = &host};
            assert_passes(&before, LAST + 1);
            attestation_settle(fixture->service);
        }
        assert_passes(&client, LAST + 1); /* 30 s before its end */
        fixture->clock.offset -= 30;
        attestation_settle(fixture->service);
        if (!remembered)
            change(fixture, STORE_LAST_BOOT, "n1", NULL);
        if (remembered)
            expect_refused(&client, "attestation.policies-changed", true);
        else
            expect_refused(&client, "attestation.policies-failed", false);
    }
}

static void protect_signing_keys(struct client *client, unsigned round,
                                 struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == LAST)
        change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":false}");
}

/* Of a Windows host, whose keys the first step took from the log. */
static void test_signing_is_forbidden_meanwhile(void **state)
{
    _cleanup_host_ struct host host;
    struct log_windows boot;
    fixture = *state;
    exchange_host_of(&host, EVENTLOG_PROFILE_WINDOWS, false);
    struct client client = {
        .host = &host, .requested = {ATTESTATION_RESULT_SIGNING_CERTIFICATE}, .requested_count = 1};
    log_windows_init(&boot);
    log_windows_set(&boot, SIPA_VSM_LAUNCH_TYPE, 0);
    host_boot_windows(&host, &boot);
    for (int i = 0; i < 2; i++) {
        change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":true}");
        tick(fixture);
        client.alter = NULL;
        assert_passes(&client, LAST + 1);
        attestation_settle(fixture->service);
        if (i == 0)
            change(fixture, STORE_LAST_BOOT, "n1", NULL);
        client.alter = protect_signing_keys;
        expect_refused(&client, "attestation.content-refused", false);
    }
}

/* Its TPM has a bank of SHA-384 with the same log's events, as firmware would have filled it. */
static void good_host_384(struct host *host, enum digest_algorithm registered)
{
    static const enum digest_algorithm banks[] = {DIGEST_SHA256, DIGEST_SHA384};
    struct attestation_registration registration = {
        .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_2, .bank = registered};
    _cleanup_log_builder_ struct log_builder builder;
    struct log_linux boot;
    struct eventlog log;
    initialise_tpm(fixture);
    *host = (struct host){.tpm = simulated_tpm_new(SIMULATED_P256, DIGEST_SHA384),
                          .profile = EVENTLOG_PROFILE_LINUX};
    buf_init(&host->log, RTPM_LOG_MAX);
    buf_init(&host->ima, RTPM_LOG_MAX);
    log_linux_init(&boot);
    log_builder_init(&builder, banks, 2);
    log_linux_build(&builder, &boot);
    buf_append(&host->log, log_builder_slice(&builder));
    assert_ok(eventlog_parse(&log, buf_slice(&host->log), err));
    assert_ok(eventlog_replay(simulated_tpm_pcrs(host->tpm), &log, DIGEST_SHA384, err));
    eventlog_done(&log);
    add_baseline(fixture, "model", host);
    assert_ok(register_tpm(fixture, "n1", host, &registration, true, err));
}

static void to_another_bank(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {
        .profile = client->host->profile, .version = POLICY_VERSION_2, .bank = DIGEST_SHA256};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

/* A host attests by the bank that it is registered for, however good another looks. */
static void test_bank(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    good_host_384(&host, 0); /* SHA-256 */
    struct client client = {.host = &host};
    expect_refused(&client, "attestation.pcr-bank", false);
    assert_int_equal(client.rounds, 1);
    assert_non_null(strstr(trail_text("reason"), "sha384"));
    host_done(&host);
    good_host_384(&host, DIGEST_SHA384);
    client.host = &host;
    assert_passes(&client, LAST + 1);
    client.alter = to_another_bank;
    expect_refused(&client, "attestation.policies-changed", true);
    client.alter = NULL;
    expect_refused(&client, "attestation.pcr-bank", false);
    host_done(&host);
    exchange_host(&host, true);
    assert_passes(&(struct client){.host = &host}, LAST + 1);
}

static void extend_one(struct host *host)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text("evil"));
    simulated_tpm_extend(host->tpm, 7, digest_slice(&digest));
}

/* What its digest covers, so that the line proves nothing any more. */
static void alter_line(struct host *host)
{
    static const char name[] = "kernel_cmdline: ";
    uint8_t *line = memmem(host->log.data, host->log.size, name, sizeof name - 1);
    assert_non_null(line);
    line[sizeof name + 3] ^= 1;
}

static void without_policy(struct host *host)
{
    (void)host;
    change(fixture, STORE_POLICY, "kernel", NULL);
}

static void without_baseline(struct host *host)
{
    (void)host;
    change(fixture, STORE_POLICY, "model", NULL);
}

static void as_version_1(struct host *host)
{
    struct attestation_registration registration = {
        .profile = host->profile, .version = POLICY_VERSION_1, .force = true};
    assert_ok(register_tpm(fixture, "n1", host, &registration, true, err));
}

/* The first step remembers a boot that passed, and nothing beside it. */
static void test_first_step_remembers_no_more(void **state)
{
    static const struct {
        void (*change)(struct host *host);
        const char *code;
    } cases[] = {
        {extend_one, "attestation.log-mismatch"},
        {host_boot_without_secure_boot, "attestation.policies-failed"},
        {alter_line, "attestation.policies-failed"},
        {without_policy, "attestation.policies-failed"},
        {without_baseline, "attestation.policies-failed"},
        {as_version_1, "attestation.policies-failed"},
    };
    fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        exchange_host(&host, true);
        struct client client = {.host = &host};
        assert_passes(&client, LAST + 1);
        cases[i].change(&host);
        expect_refused(&client, cases[i].code, false);
        assert_int_equal(client.rounds, 1);
        expect_refused(&client, cases[i].code, false); /* nor a boot that failed */
    }
}

static bool is_log_remembered(const struct host *host)
{
    struct attestation_log_name name;
    attestation_log_names_find(&name, fixture->service->log_names, buf_slice(&host->log));
    return name.remembered;
}

/* The log of a boot that passed is recognised from then on; that of one that failed is not, so
 * nobody fills the memory with what no policy accepts. */
static void test_logs_that_are_recognised(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    exchange_host(&host, false);
    struct client client = {.host = &host};
    assert_false(is_log_remembered(&host));
    assert_passes(&client, LAST + 1);
    assert_true(is_log_remembered(&host));
    host_boot_without_secure_boot(&host);
    expect_refused(&client, "attestation.policies-failed", false);
    assert_false(is_log_remembered(&host));
}

/* A policy that has an end is looked at each time. */
static void test_first_step_sees_ends(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    exchange_host(&host, true);
    add_baseline_until(fixture, &host, clock_now(&fixture->clock) + 90);
    struct client client = {.host = &host};
    for (int i = 0; i < 2; i++)
        assert_passes(&client, LAST + 1);
    fixture->clock.offset += 90;
    expect_refused(&client, "attestation.policies-failed", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_policies_change),
        FIXTURE_TEST(test_policy_ends),
        FIXTURE_TEST(test_signing_is_forbidden_meanwhile),
        FIXTURE_TEST(test_bank),
        FIXTURE_TEST(test_first_step_remembers_no_more),
        FIXTURE_TEST(test_logs_that_are_recognised),
        FIXTURE_TEST(test_first_step_sees_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
