/* SPDX-License-Identifier: Apache-2.0 */

/* Whom a request is of: hosts that are known or not, with endorsement certificates that lead to a
 * root or nowhere. */

#include "tpm_client.h"

#include "tpm/errors.h"

static void test_who_asks(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host, stranger;
    good_host(fixture, &host);
    host_init(&stranger, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    struct client client = {.host = &stranger};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "attestation.host-unknown");
    client.version = 1;
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "attestation.host-unknown");
    assert_int_equal(client.rounds, 1);
    /* staged: not yet */
    struct attestation_registration staged = {
        .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_2, .staged = true};
    assert_ok(register_tpm(fixture, "n2", &stranger, &staged, true, err));
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "attestation.host-unknown");
}

/* Version v1: without a certificate that is good. Its policies are of version v1 too. */
static void test_uncertified(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_LINUX,
                                                    .version = POLICY_VERSION_2};
    change(fixture, STORE_SETTING, "service", "{\"name\":\"hgs\",\"mode\":\"tpm\"}");
    add_code_integrity(fixture);
    tick(fixture);
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    add_baseline(fixture, "model", &host);
    assert_refused(register_tpm(fixture, "n1", &host, &registration, false, err),
                   &attestation_certificate_missing);
    registration.force = true;
    assert_refused(register_tpm(fixture, "n1", &host, &registration, false, err),
                   &attestation_force_version);
    registration.version = POLICY_VERSION_1;
    registration.force = false;
    assert_refused(register_tpm(fixture, "n1", &host, &registration, true, err),
                   &attestation_force_needed);
    registration.force = true;
    assert_ok(register_tpm(fixture, "n1", &host, &registration, true, err));
    struct client client = {.host = &host};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
                          "attestation.policies-failed");
    assert_non_null(strstr(trail.fields, "\"uncertified\":true"));
}

/* A host of version v1 is known by its key, also from a certificate whose key is named RSAES-OAEP
 * and that leads nowhere. */
static void test_uncertified_oaep(void **state)
{
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    _cleanup_buf_ struct buf certificate;
    struct attestation_registration registration = {
        .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_1, .force = true};
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_RSA_2048, EVENTLOG_PROFILE_LINUX);
    assert_ok(register_tpm(fixture, "n1", &host, &registration, false, err));
    struct slice plain = simulated_tpm_certificate(host.tpm);
    buf_init(&certificate, plain.size);
    buf_append(&certificate, plain);
    uint8_t *name = memmem(certificate.data, certificate.size, rsa, sizeof rsa);
    assert_non_null(name);
    name[sizeof rsa - 1] = 7;
    struct client client = {.host = &host, .certificate = buf_slice(&certificate)};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
                          "attestation.policies-failed");
    assert_string_equal(trail_text("host"), "n1");
}

/* A certificate of version v2 that no root stands behind any more. */
static void test_untrusted(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    char key[ATTESTATION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value;
    buf_init(&value, VECTOR_MAX);
    good_host(fixture, &host);
    assert_ok(attestation_tpm_root_format(&value, key, simulated_tpm_intermediate(), true, 0,
                                          "root", err));
    change(fixture, STORE_TPM_ROOT, key, NULL);
    struct client client = {.host = &host};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "tpm.issuer-missing");
    assert_string_equal(trail_text("host"), "n1"); /* the trail knows who it was */
    struct client keyed = {.host = &host, .sends_no_certificate = true};
    assert_client_refused(fixture, &keyed, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "tpm.issuer-missing");
}

/* An intermediate that nobody added, but that the TPM holds: with its record, or with the request.
 */
static void test_chain_of_the_tpm(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    char key[ATTESTATION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value;
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_LINUX,
                                                    .version = POLICY_VERSION_2};
    buf_init(&value, VECTOR_MAX);
    initialise_tpm(fixture);
    assert_ok(attestation_tpm_root_format(&value, key, simulated_tpm_intermediate(), true, 0,
                                          "root", err));
    change(fixture, STORE_TPM_ROOT, key, NULL);
    host_init(&host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    add_baseline(fixture, "model", &host);
    assert_refused(register_tpm(fixture, "n1", &host, &registration, true, err),
                   tpm_issuer_missing);
    host.has_chain = true;
    register_good(fixture, "n1", &host);
    struct client client = {.host = &host};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "tpm.issuer-missing");
    client.sends_chain = true;
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    struct client keyed = {.host = &host, .sends_no_certificate = true};
    assert_int_equal(client_type(fixture, &keyed), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    /* … which proves nothing without a root */
    buf_reset(&value);
    assert_ok(
        attestation_tpm_root_format(&value, key, simulated_tpm_root(), false, 0, "root", err));
    change(fixture, STORE_TPM_ROOT, key, NULL);
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
                          "tpm.root-missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_who_asks),         FIXTURE_TEST(test_uncertified),
        FIXTURE_TEST(test_uncertified_oaep), FIXTURE_TEST(test_untrusted),
        FIXTURE_TEST(test_chain_of_the_tpm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
