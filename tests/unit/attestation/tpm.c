/* SPDX-License-Identifier: Apache-2.0 */

/* Hosts that attest by their TPM, to the end: what they get, and what a policy's refusal says. */

#include "tpm_client.h"

#include "eventlog/sipa.h"

static void assert_certified(const struct attestation_reply *reply, size_t index,
                             const struct public_key *key, unsigned usage)
{
    struct certificate *certificate = NULL;
    assert_ok(certificate_parse(&certificate, reply->certificates[index].der, err));
    const struct certificate_facts *facts = certificate_facts(certificate);
    assert_int_equal(facts->usage, usage);
    if (key != NULL)
        assert_true(
            slice_equal(public_key_spki(certificate_key(certificate)), public_key_spki(key)));
    certificate_free(&certificate);
}

static void passes(struct fixture *fixture, struct client *client, unsigned rounds)
{
    struct attestation_reply reply = {0};
    client_run(fixture, client, &reply);
    if (reply.type != ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        fail_msg("%s: %s", attestation_reply_name(reply.type), trail.fields);
    assert_int_equal(client->rounds, rounds);
    assert_int_equal(reply.certificate_count, 1);
    assert_certified(&reply, 0, private_key_public(simulated_tpm_identity_key(client->host->tpm)),
                     CERTIFICATE_KEY_ENCIPHERMENT);
    assert_string_equal(trail.event, "attestation.passed");
    assert_string_equal(trail_text("host"), "n1");
    assert_int_equal(strlen(trail_text("boot")), 64);
    assert_int_equal(simulated_tpm_loaded(client->host->tpm), 1); /* the key */
    attestation_reply_done(&reply);
}

static void test_passes(void **state)
{
    struct fixture *fixture = *state;
    static const enum simulated_endorsement kinds[] = {SIMULATED_RSA_2048, SIMULATED_P256,
                                                       SIMULATED_P384};
    initialise_tpm(fixture);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        _cleanup_host_ struct host host;
        host_init(&host, kinds[i], EVENTLOG_PROFILE_LINUX);
        add_baseline(fixture, "model", &host);
        register_good(fixture, "n1", &host);
        passes(fixture, &(struct client){.host = &host}, 3);
        host_done(&host);
        host_init(&host, kinds[i], EVENTLOG_PROFILE_LINUX);
        register_good(fixture, "n1", &host);
        passes(fixture, &(struct client){.host = &host, .version = 1}, 4);
        host_done(&host);
        host_init(&host, kinds[i], EVENTLOG_PROFILE_LINUX);
        register_good(fixture, "n1", &host);
        passes(fixture, &(struct client){.host = &host, .sends_key = true}, 3);
    }
}

/* A registered host without a certificate in its request: the one of its record counts. */
static void test_key_alone(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_RSA_2048, EVENTLOG_PROFILE_LINUX);
    add_baseline(fixture, "model", &host);
    register_good(fixture, "n1", &host);
    passes(fixture, &(struct client){.host = &host, .sends_no_certificate = true}, 3);
}

/* Any node that shares the cluster key continues any exchange. */
static void test_other_node_continues(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    good_host(fixture, &host);
    struct attestation_options options = {.store = fixture->store,
                                          .keyholder = fixture->keyholder,
                                          .clock = &fixture->clock,
                                          .node = "n1"};
    struct attestation_service *other;
    int64_t revision;
    assert_ok(attestation_service_new(&other, &options, &revision, err));
    passes(fixture, &(struct client){.host = &host, .other = other}, 3);
    attestation_service_free(&other);
}

static void test_no_context(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    struct rtpm_context context = {0}, got;
    good_host(fixture, &host);
    struct client client = {.host = &host, .version = 2, .requested = {1}, .requested_count = 1};
    for (int i = 0; i < 2; i++) {
        client_send(fixture, &client, i == 0 ? NULL : &context, &reply);
        assert_int_equal(reply.type, ATTESTATION_REPLY_TPM_CONTINUE);
        assert_ok(rtpm_context_parse(&got, reply.context, err));
        assert_int_equal(got.command_count, 0);
        assert_int_equal(got.state.bytes.size, 0);
        attestation_reply_done(&reply);
    }
}

/* Windows' host: the measured key is certified, and nothing is created. */
static void test_windows(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_RSA_2048, EVENTLOG_PROFILE_WINDOWS);
    add_baseline(fixture, "model", &host);
    register_good(fixture, "n1", &host);
    struct client client = {.host = &host};
    client_run(fixture, &client, &reply);
    if (reply.type != ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        fail_msg("%s: %s", attestation_reply_name(reply.type), trail.fields);
    assert_null(simulated_tpm_identity_key(host.tpm));
    assert_int_equal(simulated_tpm_loaded(host.tpm), 0);
    assert_certified(&reply, 0, NULL, CERTIFICATE_KEY_ENCIPHERMENT);
    attestation_reply_done(&reply);
    /* its signing key too, while virtual secure mode runs: by the signer of health certificates */
    struct client signing = {
        .host = &host, .requested = {ATTESTATION_RESULT_SIGNING_CERTIFICATE}, .requested_count = 1};
    client_run(fixture, &signing, &reply);
    assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_certified(&reply, 0, NULL, CERTIFICATE_DIGITAL_SIGNATURE);
    attestation_reply_done(&reply);
    struct log_windows boot;
    log_windows_init(&boot);
    log_windows_set(&boot, SIPA_VSM_LAUNCH_TYPE, 0);
    host_boot_windows(&host, &boot);
    assert_client_refused(fixture, &signing, ATTESTATION_REPLY_PAYLOAD_ERROR,
                          "attestation.content-refused");
    change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":true}");
    tick(fixture);
    assert_int_equal(client_type(fixture, &signing), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* protocol.md 2.4: a signing key that the TPM protects, but not from the host's kernel. */
static void test_both_certificates(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    good_host(fixture, &host);
    struct client client = {.host = &host,
                            .requested = {ATTESTATION_RESULT_SIGNING_CERTIFICATE,
                                          ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE},
                            .requested_count = 2};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_PAYLOAD_ERROR,
                          "attestation.content-refused");
    change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":true}");
    tick(fixture);
    client_run(fixture, &client, &reply);
    if (reply.type != ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        fail_msg("%s: %s", attestation_reply_name(reply.type), trail_text("reason"));
    assert_int_equal(client.rounds, 5);
    assert_int_equal(reply.certificate_count, 2);
    assert_int_equal(reply.certificates[0].result, ATTESTATION_RESULT_SIGNING_CERTIFICATE);
    assert_certified(&reply, 0, NULL, CERTIFICATE_DIGITAL_SIGNATURE);
    assert_certified(&reply, 1, private_key_public(simulated_tpm_identity_key(host.tpm)),
                     CERTIFICATE_KEY_ENCIPHERMENT);
    attestation_reply_done(&reply);
    assert_int_equal(simulated_tpm_loaded(host.tpm), 2);
}

/* The issue: one event changed, refused with the reason. */
static void test_policies_refuse(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    good_host(fixture, &host);
    host_boot_without_secure_boot(&host);
    struct client client = {.host = &host};
    client_run(fixture, &client, &reply);
    assert_int_equal(reply.type, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    assert_int_equal(client.rounds, 1); /* at once */
    assert_false(reply.retryable);
    const struct builtin *secure_boot =
        builtin_get(EVENTLOG_PROFILE_LINUX, BUILTIN_SECURE_BOOT_ENABLED);
    bool found = false;
    for (size_t i = 0; i < reply.reason_count; i++)
        found = found || (!reply.reasons[i].passed &&
                          memcmp(&reply.reasons[i].policy, &secure_boot->guid, 16) == 0);
    assert_true(found);
    assert_string_equal(trail_text("code"), "attestation.policies-failed");
    assert_non_null(strstr(trail.fields, "Hgs_SecureBootEnabled"));
    attestation_reply_done(&reply);
}

/* What-if in host key mode: the whole exchange, and nothing is issued. */
static void test_what_if(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    good_host(fixture, &host);
    change(fixture, STORE_SETTING, "service", "{\"name\":\"hgs\",\"mode\":\"hostkey\"}");
    struct client client = {.host = &host, .what_if = true};
    client_run(fixture, &client, &reply);
    assert_int_equal(reply.type, ATTESTATION_REPLY_EVALUATION);
    assert_int_equal(client.rounds, 3);
    assert_true(reply.passed);
    assert_true(reply.policy_count > 5);
    assert_int_equal(reply.certificate_count, 0);
    assert_string_equal(trail.event, "attestation.evaluated");
    assert_non_null(strstr(trail.fields, "\"passed\":true"));
    attestation_reply_done(&reply);
    host_boot_without_secure_boot(&host);
    client_run(fixture, &client, &reply);
    assert_int_equal(reply.type, ATTESTATION_REPLY_EVALUATION);
    assert_int_equal(client.rounds, 3); /* what the TPM proves, not what is claimed */
    assert_false(reply.passed);
    bool found = false;
    for (size_t i = 0; i < reply.policy_count; i++)
        if (strcmp(reply.policies[i].name, "Hgs_SecureBootEnabled") == 0) {
            found = true;
            assert_int_equal(reply.policies[i].result, VERDICT_FAILED);
            assert_true(strlen(reply.policies[i].text) > 0);
        }
    assert_true(found);
    attestation_reply_done(&reply);
    /* and attestation itself is at another door */
    client.what_if = false;
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_OPERATION_MODE_ERROR,
                          "attestation.mode-wrong");
}

static void test_keyholder_away(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    good_host(fixture, &host);
    kill_keyholder(fixture);
    struct client client = {.host = &host};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAVAILABLE_ERROR, "keyholder.away");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_passes),
        FIXTURE_TEST(test_key_alone),
        FIXTURE_TEST(test_other_node_continues),
        FIXTURE_TEST(test_no_context),
        FIXTURE_TEST(test_windows),
        FIXTURE_TEST(test_both_certificates),
        FIXTURE_TEST(test_policies_refuse),
        FIXTURE_TEST(test_what_if),
        FIXTURE_TEST(test_keyholder_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
