/* SPDX-License-Identifier: Apache-2.0 */

/* Clients and TPMs that are well behaved but for one thing: each is refused with its own code. */

#include "tpm_client.h"

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
        client_alter *alter;
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
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_refusals),      FIXTURE_TEST(test_lies),
        FIXTURE_TEST(test_stale_counter), FIXTURE_TEST(test_state_of_another_key),
        FIXTURE_TEST(test_payloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
