/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The client's side of the exchange (protocol.md 2.3), in which a test can alter what is sent. */

#include "tpm_fixture.h"

#include "attestation/message_request.h"
#include "attestation/rtpm_context.h"
#include "tpm/command.h"

#define ROUNDS_MAX 8
#define CLAIMED_PCRS 0xffffu

/* Alters what a client is about to send, or the world around it; round is the request's number from
 * 0. */
struct client;
typedef void client_alter(struct client *client, unsigned round, struct rtpm_context *context);

/* How a client attests. */
struct client {
    struct host *host;
    unsigned version; /* 0: 2 */
    bool what_if;
    bool sends_key, sends_no_certificate;
    struct slice certificate;                  /* empty: its TPM's */
    bool sends_chain;                          /* behind the certificate */
    bool sends_log_again;                      /* with the last responses, as it may */
    uint8_t requested[ATTESTATION_RESULT_MAX]; /* none: an encryption certificate */
    size_t requested_count;
    struct guid session;
    struct attestation_service *other; /* answers every second request */
    client_alter *alter;               /* before each request is sent */
    void *kept;                        /* for alter */
    unsigned rounds;                   /* requests that were sent */
};

static inline void format_v1(struct buf *out, const struct client *client,
                             const struct slice *context)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "__type",
                    context == NULL ? "TpmRequestInitial" ATTESTATION_TYPE_SUFFIX
                                    : "TpmRequestContinue" ATTESTATION_TYPE_SUFFIX);
    json_write_base64(&writer, "SessionId", slice_of(client->session.bytes, 16));
    json_write_array(&writer, "RequestedContent");
    for (size_t i = 0; i < client->requested_count; i++)
        json_write_integer(&writer, NULL, client->requested[i]);
    json_write_array_end(&writer);
    json_write_base64(&writer, "RtpmPublicEndorsementKey", simulated_tpm_public(client->host->tpm));
    if (context != NULL)
        json_write_base64(&writer, "RtpmNewContext", *context);
    json_write_object_end(&writer);
}

static inline void format_v2(struct buf *out, const struct client *client,
                             const struct slice *context)
{
    struct attestation_request request = {.session = client->session,
                                          .requested_count = client->requested_count};
    memcpy(request.requested, client->requested, sizeof request.requested);
    _cleanup_buf_ struct buf certificates;
    buf_init(&certificates, VECTOR_MAX);
    buf_append(&certificates, client->certificate.size > 0
                                  ? client->certificate
                                  : simulated_tpm_certificate(client->host->tpm));
    if (client->sends_chain)
        buf_append(&certificates, simulated_tpm_intermediate());
    if (!client->sends_no_certificate)
        request.content[ATTESTATION_CONTENT_ENDORSEMENT_KEY_CERTIFICATE] = buf_slice(&certificates);
    if (client->sends_key || client->sends_no_certificate)
        request.content[ATTESTATION_CONTENT_IDENTITY_KEY] = simulated_tpm_public(client->host->tpm);
    if (context != NULL)
        request.content[ATTESTATION_CONTENT_RTPM_CONTEXT] = *context;
    attestation_request_format(out, &request);
}

/* Sends one request; context NULL: without one. */
static inline void client_send(struct fixture *fixture, struct client *client,
                               struct rtpm_context *context, struct attestation_reply *reply)
{
    _cleanup_buf_ struct buf bytes, body, out;
    buf_init(&bytes, (size_t)2 * RTPM_CONTEXT_MAX);
    buf_init(&body, (size_t)4 * RTPM_CONTEXT_MAX);
    buf_init(&out, VECTOR_MAX);
    if (client->alter != NULL && context != NULL)
        client->alter(client, client->rounds, context);
    if (context != NULL)
        rtpm_context_format(&bytes, context);
    struct slice slice = buf_slice(&bytes);
    (client->version == 1 ? format_v1 : format_v2)(&body, client, context == NULL ? NULL : &slice);
    struct attestation_service *service =
        client->other != NULL && client->rounds % 2 == 1 ? client->other : fixture->service;
    client->rounds++;
    if (client->what_if)
        attestation_evaluate(service, 2, buf_slice(&body), "192.0.2.1", &out);
    else
        attestation_attest(service, ATTESTATION_DOOR_TPM, client->version, buf_slice(&body),
                           "192.0.2.1", NULL, &out);
    assert_ok(attestation_reply_parse(reply, buf_slice(&out), err));
}

/* What the TPM answers; the responses borrow from answers. True when they answer more than
 * StartAuthSession. */
static inline bool client_execute(const struct client *client, const struct rtpm_context *asked,
                                  struct rtpm_context *next, struct buf *answers)
{
    bool more = false;
    for (size_t i = 0; i < asked->command_count; i++) {
        assert_ok(tpm_command_is_allowed(asked->commands[i],
                                         simulated_tpm_handle(client->host->tpm), err));
        more = more || tpm_command_code(asked->commands[i]) != TPM_CC_START_AUTH_SESSION;
        buf_reset(&answers[i]);
        simulated_tpm_execute(client->host->tpm, asked->commands[i], &answers[i]);
        next->responses[i] = buf_slice(&answers[i]);
    }
    next->response_count = asked->command_count;
    return more;
}

static inline void first_context(struct rtpm_context *out, const struct client *client,
                                 struct buf *values)
{
    struct tpm_pcr_bank bank = *simulated_tpm_pcrs(client->host->tpm);
    bank.present = CLAIMED_PCRS;
    buf_reset(values);
    tpm_pcr_bank_format(values, &bank);
    *out = (struct rtpm_context){
        .log = buf_slice(&client->host->log),
        .ima_log = buf_slice(&client->host->ima),
        .pcr_values = buf_slice(values),
        .has_device = true,
        .device = {RTPM_TPM_20, RTPM_INTERFACE_EMULATOR, 0},
        .has_handle = true,
        .handle = simulated_tpm_handle(client->host->tpm),
    };
}

/* Attests to the end; the reply is the last one. */
static inline void client_run(struct fixture *fixture, struct client *client,
                              struct attestation_reply *reply)
{
    struct buf values, answers[RTPM_COMMANDS_MAX], sealed;
    struct rtpm_context context;
    buf_init(&values, RTPM_PCR_VALUES_MAX);
    buf_init(&sealed, RTPM_CONTEXT_MAX);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_init(&answers[i], RTPM_COMMAND_SIZE_MAX);
    client->rounds = 0;
    if (client->version == 0)
        client->version = 2;
    if (client->requested_count == 0) {
        client->requested[0] = ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE;
        client->requested_count = 1;
    }
    if (client->version == 1) {
        client_send(fixture, client, NULL, reply);
        if (reply->type == ATTESTATION_REPLY_TPM_CONTINUE) {
            assert_ok(rtpm_context_parse(&context, reply->context, err));
            assert_int_equal(context.state.bytes.size + context.command_count, 0);
        }
    }
    bool first = true;
    while (first || reply->type == ATTESTATION_REPLY_TPM_CONTINUE) {
        assert_true(client->rounds < ROUNDS_MAX);
        if (first && client->version == 1 && reply->type != ATTESTATION_REPLY_TPM_CONTINUE)
            break;
        if (first) {
            if (client->version == 1)
                attestation_reply_done(reply);
            first_context(&context, client, &values);
        } else {
            struct rtpm_context asked, next = {0};
            buf_reset(&sealed);
            buf_append(&sealed, reply->context);
            attestation_reply_done(reply);
            assert_ok(rtpm_context_parse(&asked, buf_slice(&sealed), err));
            next.state = asked.state;
            if (client_execute(client, &asked, &next, answers)) {
                next.ima_log = buf_slice(&client->host->ima);
                if (client->sends_log_again)
                    next.log = buf_slice(&client->host->log);
            }
            context = next;
        }
        client_send(fixture, client, &context, reply);
        first = false;
    }
    buf_done(&values);
    buf_done(&sealed);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_done(&answers[i]);
}

/* The type of the last reply of an attestation. */
static inline enum attestation_reply_type client_type(struct fixture *fixture,
                                                      struct client *client)
{
    struct attestation_reply reply = {0};
    client_run(fixture, client, &reply);
    enum attestation_reply_type type = reply.type;
    attestation_reply_done(&reply);
    return type;
}

/* It ends with this reply, and the trail has this code of it. */
static inline void assert_client_refused(struct fixture *fixture, struct client *client,
                                         enum attestation_reply_type type, const char *code)
{
    enum attestation_reply_type got = client_type(fixture, client);
    if (got != type || strcmp(trail_text("code"), code) != 0)
        fail_msg("%s, %s; wanted %s, %s", attestation_reply_name(got), trail.fields,
                 attestation_reply_name(type), code);
    assert_string_equal(trail.event, "attestation.failed");
}
