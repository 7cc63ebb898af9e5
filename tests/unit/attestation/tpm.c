/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm_fixture.h"

#include "tpm/errors.h"

#define VSM_LAUNCH_TYPE 0x00050012 /* SIPAEVENT_VSM_LAUNCH_TYPE */

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

/* A fresh host that passes, for tests that change one thing. */
static void good_host(struct fixture *fixture, struct host *host)
{
    initialise_tpm(fixture);
    host_init(host, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    add_baseline(fixture, "model", host);
    register_good(fixture, "n1", host);
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
    log_windows_set(&boot, VSM_LAUNCH_TYPE, 0);
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
    struct log_linux boot;
    good_host(fixture, &host);
    log_linux_init(&boot);
    boot.is_secure_boot_on = false;
    host_boot_linux(&host, &boot);
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

/* A client that claims the good boot's values while its TPM has others. */
static void claim_good(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    static const uint8_t evil[32] = {1};
    if (round == 0)
        simulated_tpm_extend(client->host->tpm, 9, slice_of(evil, sizeof evil));
}

static void one_response_less(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    if (round > 0)
        context->response_count--;
}

static void swap_responses(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    struct slice first = context->responses[0];
    if (round != 2)
        return;
    context->responses[0] = context->responses[1];
    context->responses[1] = first;
}

static void alter_state(struct client *client, unsigned round, struct rtpm_context *context)
{
    static uint8_t altered[RTPM_STATE_MAX];
    (void)client;
    if (round != 1)
        return;
    memcpy(altered, context->state.bytes.data, context->state.bytes.size);
    altered[100] ^= 1; /* behind its size, before a log that goes along */
    context->state.bytes = slice_of(altered, context->state.bytes.size);
}

static void alter_tag(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    context->state.tag[15] ^= round == 1;
}

static void other_session(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    client->session.bytes[3] ^= round == 1;
}

static void other_request(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 1)
        client->requested[client->requested_count++] = ATTESTATION_RESULT_SIGNING_CERTIFICATE;
}

static void other_route(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 1)
        client->version = 1;
}

static void to_what_if(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 1)
        client->what_if = true;
}

static void commands_of_its_own(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->commands[context->command_count++] = slice_from_text("do it");
}

static void drop_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->log = SLICE_EMPTY;
}

static void drop_values(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->pcr_values = SLICE_EMPTY;
}

static void drop_device(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->has_device = false;
}

static void old_tpm(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->device.version = RTPM_TPM_12;
}

static void drop_handle(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->has_handle = false;
}

static void wrong_handle(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->handle = 0x40000001; /* the owner hierarchy */
}

static void cut_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->log.size -= 3;
}

/* Values of PCR 0 to 3 only. */
static void fewer_values(struct client *client, unsigned round, struct rtpm_context *context)
{
    static struct buf values;
    (void)round;
    struct tpm_pcr_bank bank = *simulated_tpm_pcrs(client->host->tpm);
    bank.present = 0xf;
    buf_done(&values);
    buf_init(&values, RTPM_PCR_VALUES_MAX);
    tpm_pcr_bank_format(&values, &bank);
    context->pcr_values = buf_slice(&values);
}

static void odd_values(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)round;
    context->pcr_values.size--;
}

static void early_response(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    if (round == 0)
        context->responses[context->response_count++] = slice_from_text("done");
}

/* Each its own code; the client is well behaved but for one thing. */
static void test_refusals(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        void (*alter)(struct client *client, unsigned round, struct rtpm_context *context);
        enum attestation_reply_type type;
        const char *code;
    } cases[] = {
        {claim_good, ATTESTATION_REPLY_RTPM_ERROR, "attestation.pcr-changed"},
        {one_response_less, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {swap_responses, ATTESTATION_REPLY_RTPM_ERROR, "tpm.response-malformed"},
        {alter_state, ATTESTATION_REPLY_RTPM_ERROR, "attestation.state-refused"},
        {alter_tag, ATTESTATION_REPLY_RTPM_ERROR, "attestation.state-refused"},
        {other_session, ATTESTATION_REPLY_RTPM_ERROR, "attestation.state-refused"},
        {other_request, ATTESTATION_REPLY_RTPM_ERROR, "attestation.state-mismatch"},
        {other_route, ATTESTATION_REPLY_RTPM_ERROR, "attestation.state-mismatch"},
        {to_what_if, ATTESTATION_REPLY_RTPM_ERROR, "attestation.state-mismatch"},
        {commands_of_its_own, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {drop_log, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {drop_values, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {drop_device, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {old_tpm, ATTESTATION_REPLY_RTPM_ERROR, "attestation.tpm-version"},
        {drop_handle, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {wrong_handle, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
        {cut_log, ATTESTATION_REPLY_TCG_LOG_ERROR, "eventlog.truncated"},
        {fewer_values, ATTESTATION_REPLY_RTPM_ERROR, "attestation.pcr-missing"},
        {odd_values, ATTESTATION_REPLY_RTPM_ERROR, "tpm.pcr-malformed"},
        {early_response, ATTESTATION_REPLY_RTPM_ERROR, "attestation.context-incomplete"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        good_host(fixture, &host);
        struct client client = {.host = &host, .alter = cases[i].alter};
        assert_client_refused(fixture, &client, cases[i].type, cases[i].code);
    }
}

/* Every lie of the simulated TPM, through the whole exchange. */
static void test_lies(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        enum simulated_lie lie;
        const char *code;
        bool retryable;
    } cases[] = {
        {SIMULATED_OTHER_SESSION, "tpm.response-hmac", false},
        {SIMULATED_PARAMETERS, "tpm.response-hmac", false},
        {SIMULATED_ATTRIBUTES, "tpm.response-attributes", false},
        {SIMULATED_RESPONSE_CODE, "tpm.response-code", true},
        {SIMULATED_SELECTION_SHRUNK, "tpm.selection-altered", false},
        {SIMULATED_SELECTION_BANK, "tpm.selection-altered", false},
        {SIMULATED_DIGEST_MISSING, "tpm.pcr-count", false},
        {SIMULATED_FIXED_TPM_CLEAR, "tpm.key-altered", false},
        {SIMULATED_USER_WITH_AUTH, "tpm.key-altered", false},
        {SIMULATED_POLICY, "tpm.key-altered", false},
        {SIMULATED_EXTERNAL_KEY, "tpm.response-hmac", false},
        {SIMULATED_NAME, "tpm.name-wrong", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        good_host(fixture, &host);
        simulated_tpm_lie(host.tpm, cases[i].lie);
        struct client client = {.host = &host};
        struct attestation_reply reply;
        client_run(fixture, &client, &reply);
        if (strcmp(trail_text("code"), cases[i].code) != 0)
            fail_msg("lie %d: %s, wanted %s", (int)cases[i].lie, trail.fields, cases[i].code);
        assert_int_equal(reply.type, ATTESTATION_REPLY_RTPM_ERROR);
        assert_int_equal(reply.retryable, cases[i].retryable);
        attestation_reply_done(&reply);
    }
}

/* A Windows host creates no key, so the reads must be of one moment. */
static void test_stale_counter(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    initialise_tpm(fixture);
    host_init(&host, SIMULATED_RSA_2048, EVENTLOG_PROFILE_WINDOWS);
    add_baseline_of(fixture, "model", &host, BASELINE_PCRS_DEFAULT | 1u << 5); /* two reads */
    register_good(fixture, "n1", &host);
    simulated_tpm_lie(host.tpm, SIMULATED_COUNTER_MOVES);
    assert_client_refused(fixture, &(struct client){.host = &host}, ATTESTATION_REPLY_RTPM_ERROR,
                          "tpm.pcr-counter");
}

/* The state of one TPM's exchange is handed back for another's. */
static void keep_state(struct client *client, unsigned round, struct rtpm_context *context)
{
    static uint8_t bytes[RTPM_STATE_MAX];
    struct rtpm_sealed *kept = client->kept;
    if (round != 1)
        return;
    if (kept->bytes.size != 0) {
        context->state = *kept;
        return;
    }
    *kept = context->state;
    memcpy(bytes, context->state.bytes.data, context->state.bytes.size);
    kept->bytes.data = bytes;
}

static void test_state_of_another_key(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host, second;
    struct rtpm_sealed kept = {0};
    good_host(fixture, &host);
    host_init(&second, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    register_good(fixture, "n2", &second);
    struct client client = {.host = &host, .alter = keep_state, .kept = &kept};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_int_not_equal(kept.bytes.size, 0);
    struct client thief = {.host = &second, .alter = keep_state, .kept = &kept};
    assert_client_refused(fixture, &thief, ATTESTATION_REPLY_RTPM_ERROR,
                          "attestation.state-refused");
}

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
        void (*alter)(struct client *client, unsigned round, struct rtpm_context *context);
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

/* What-if in host key mode: the whole exchange, and nothing is issued. */
static void test_what_if(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    struct log_linux boot;
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
    log_linux_init(&boot);
    boot.is_secure_boot_on = false;
    host_boot_linux(&host, &boot);
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

static void test_payloads(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        unsigned version;
        const char *body;
        const char *code;
    } cases[] = {
        {2, "", "base.json-malformed"},
        {2, "[]", "attestation.payload-malformed"},
        {2,
         "{\"SessionId\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"RequestedContent\":[1],"
         "\"ProvidedContent\":[]}",
         "attestation.payload-malformed"},
        {2,
         "{\"SessionId\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"RequestedContent\":[3],"
         "\"ProvidedContent\":[{\"m_Item1\":1,\"m_Item2\":\"AAAA\"}]}",
         "attestation.content-refused"},
        {2,
         "{\"SessionId\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"RequestedContent\":[1],"
         "\"ProvidedContent\":[{\"m_Item1\":5,\"m_Item2\":\"AAAA\"}]}",
         "attestation.content-refused"},
        {2,
         "{\"SessionId\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"RequestedContent\":[1],"
         "\"ProvidedContent\":[{\"m_Item1\":8,\"m_Item2\":\"AAAA\"}]}",
         "attestation.content-refused"},
        {1, "{}", "base.json-malformed"},
        {1, "{\"__type\":\"TpmRequest:#Microsoft.Windows.RemoteAttestation.Core\"}",
         "attestation.payload-malformed"},
        {1,
         "{\"__type\":\"TpmRequestInitial:#Microsoft.Windows.RemoteAttestation.Core\","
         "\"SessionId\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"RequestedContent\":[1],"
         "\"RtpmPublicEndorsementKey\":\"\"}",
         "attestation.payload-malformed"},
        {1,
         "{\"__type\":\"TpmRequestContinue:#Microsoft.Windows.RemoteAttestation.Core\","
         "\"SessionId\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"RequestedContent\":[1],"
         "\"RtpmPublicEndorsementKey\":\"AAAA\"}",
         "base.json-malformed"},
    };
    initialise_tpm(fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_reply reply;
        _cleanup_buf_ struct buf out;
        buf_init(&out, VECTOR_MAX);
        attestation_attest(fixture->service, ATTESTATION_DOOR_TPM, cases[i].version,
                           slice_from_text(cases[i].body), "192.0.2.1", NULL, &out);
        assert_ok(attestation_reply_parse(&reply, buf_slice(&out), err));
        assert_int_equal(reply.type, ATTESTATION_REPLY_PAYLOAD_ERROR);
        if (strcmp(trail_text("code"), cases[i].code) != 0)
            fail_msg("case %zu: %s", i, trail.fields);
        attestation_reply_done(&reply);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_passes),
        TEST(test_key_alone),
        TEST(test_other_node_continues),
        TEST(test_no_context),
        TEST(test_windows),
        TEST(test_both_certificates),
        TEST(test_policies_refuse),
        TEST(test_refusals),
        TEST(test_lies),
        TEST(test_stale_counter),
        TEST(test_state_of_another_key),
        TEST(test_expiry),
        TEST(test_epochs),
        TEST(test_policy_ends),
        TEST(test_policy_ends_meanwhile),
        TEST(test_changes_meanwhile),
        TEST(test_who_asks),
        TEST(test_uncertified),
        TEST(test_uncertified_oaep),
        TEST(test_untrusted),
        TEST(test_chain_of_the_tpm),
        TEST(test_what_if),
        TEST(test_keyholder_away),
        TEST(test_payloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
