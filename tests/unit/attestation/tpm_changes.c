/* SPDX-License-Identifier: Apache-2.0 */

/* What changes while a host attests: the time, policies, registration and trust. */

#include "tpm_client.h"

/* Later, as the client thinks; the clock belongs to the fixture. */
static void wait_long(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 2)
        *(int64_t *)client->kept += 121;
}

static void test_expiry(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    good_host(fixture, &host);
    struct client client = {.host = &host, .alter = wait_long, .kept = &fixture->clock.offset};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_RTPM_ERROR,
                          "attestation.exchange-expired");
    change(fixture, STORE_SETTING, "attestation", "{\"rtpm_exchange_seconds\":600}");
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* A new epoch of the sealing key begins in the middle. */
static void next_day(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    int64_t *offset = client->kept;
    struct clock clock = {*offset};
    if (round == 0) /* to the last second of an epoch */
        *offset += ATTESTATION_SEALING_EPOCH_SECONDS - 1 -
                   clock_now(&clock) % ATTESTATION_SEALING_EPOCH_SECONDS;
    else if (round == 1)
        *offset += 60;
    else
        *offset -= 60; /* another node, whose clock is behind */
}

static void test_epochs(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    good_host(fixture, &host);
    struct client client = {.host = &host, .alter = next_day, .kept = &fixture->clock.offset};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

static int64_t certificate_end(struct fixture *fixture, struct host *host)
{
    struct client client = {.host = host};
    struct attestation_reply reply = {0};
    struct certificate *certificate = NULL;
    client_run(fixture, &client, &reply);
    assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_ok(certificate_parse(&certificate, reply.certificates[0].der, err));
    int64_t end = certificate_facts(certificate)->not_after;
    certificate_free(&certificate);
    attestation_reply_done(&reply);
    return end;
}

/* A health certificate does not outlive the approval that it was issued under. */
static void test_policy_ends(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    int64_t now = clock_now(&fixture->clock);
    good_host(fixture, &host);
    assert_in_range(certificate_end(fixture, &host) - now, 28800, 28860);
    add_baseline_until(fixture, &host, now + 600);
    assert_int_equal(certificate_end(fixture, &host), now + 599);
    add_baseline_until(fixture, &host, now + 40000); /* later than it would end anyway */
    assert_in_range(certificate_end(fixture, &host) - now, 28800, 28860);
}

static struct fixture *changing; /* by the functions below */

static void end_policy(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 2)
        changing->clock.offset += 100;
    (void)client;
}

/* One that ends in the middle of the exchange no longer counts at its end. */
static void test_policy_ends_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    changing = fixture;
    good_host(fixture, &host);
    add_baseline_until(fixture, &host, clock_now(&fixture->clock) + 100);
    struct client client = {.host = &host, .alter = end_policy};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
                          "attestation.policies-failed");
}

static void change_policies(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == 2)
        change(changing, STORE_POLICY, "kernel", NULL);
}

static void remove_host(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == 2)
        change(changing, STORE_HOST, "n1", NULL);
}

static void remove_root(struct client *client, unsigned round, struct rtpm_context *context)
{
    char key[ATTESTATION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value;
    (void)client;
    (void)context;
    buf_init(&value, VECTOR_MAX);
    assert_ok(
        attestation_tpm_root_format(&value, key, simulated_tpm_root(), false, 0, "root", err));
    if (round == 2)
        change(changing, STORE_TPM_ROOT, key, NULL);
}

/* protocol.md 2.3: "registration, trust, policy may have changed". */
static void test_changes_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        client_alter *alter;
        enum attestation_reply_type type;
        const char *code;
    } cases[] = {
        {change_policies, ATTESTATION_REPLY_RTPM_ERROR, "attestation.policies-changed"},
        {remove_host, ATTESTATION_REPLY_UNAUTHORIZED_ERROR, "attestation.host-unknown"},
        {remove_root, ATTESTATION_REPLY_UNAUTHORIZED_ERROR, "tpm.root-missing"},
    };
    changing = fixture;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        good_host(fixture, &host);
        struct client client = {.host = &host, .alter = cases[i].alter};
        assert_client_refused(fixture, &client, cases[i].type, cases[i].code);
        assert_int_equal(client.rounds, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_expiry),
        FIXTURE_TEST(test_epochs),
        FIXTURE_TEST(test_policy_ends),
        FIXTURE_TEST(test_policy_ends_meanwhile),
        FIXTURE_TEST(test_changes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
