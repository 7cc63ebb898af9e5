/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest_tpm.h"

#include "attestation/message_request.h"
#include "attestation/rtpm_context.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "host/errors.h"
#include "host/event_logs.h"
#include "host/tpm_endorsement.h"
#include "host/tpm_pcrs.h"
#include "host/tpm_relay.h"
#include "tpm/command.h"
#include "tpm/endorsement_certificate.h"

#include <tss2/tss2_tpm2_types.h>

#define BODY_MAX ((size_t)6 * 1024 * 1024)
#define CERTIFICATES_MAX 32768 /* a certificate and its chain: what a service takes */
#define ROUNDS_MAX 8           /* of commands that a service may send in one exchange */

/* One exchange. */
struct exchange {
    struct host_attempt *attempt;
    const char *path; /* of the service's door */
    struct guid session;
    struct host_tpm_device *device;
    struct host_tpm_endorsement endorsement;
    struct host_tpm_relay relay;
    struct buf bios_log, ima_log;
};

static void exchange_done(struct exchange *exchange)
{
    if (exchange->device != NULL)
        host_tpm_relay_done(&exchange->relay);
    host_tpm_endorsement_done(&exchange->endorsement);
    host_tpm_device_close(&exchange->device);
    buf_done(&exchange->bios_log);
    buf_done(&exchange->ima_log);
}

static bool read_ima_log(struct exchange *exchange, struct error *err)
{
    _cleanup_free_ char *ima = host_config_ima_log(exchange->attempt->config);
    const struct host_event_logs logs = {.ima = ima};
    buf_reset(&exchange->ima_log);
    return host_event_logs_read_ima(&exchange->ima_log, &logs, err);
}

static bool read_bios_log(struct exchange *exchange, struct error *err)
{
    _cleanup_free_ char *bios = host_config_bios_log(exchange->attempt->config);
    const struct host_event_logs logs = {.bios = bios};
    return host_event_logs_read_bios(&exchange->bios_log, &logs, err);
}

static bool begin(struct exchange *exchange, struct error *err)
{
    const struct host_config *config = exchange->attempt->config;
    buf_init(&exchange->bios_log, HOST_EVENT_LOG_MAX);
    buf_init(&exchange->ima_log, HOST_EVENT_LOG_MAX);
    random_bytes(exchange->session.bytes, sizeof exchange->session.bytes);
    if (!host_tpm_device_open(&exchange->device, host_config_tcti(config), err))
        return false;
    host_tpm_relay_init(&exchange->relay, exchange->device, 0);
    if (!host_tpm_endorsement_find(&exchange->endorsement, exchange->device,
                                   config->endorsement_key, err))
        return false;
    exchange->relay.endorsement_handle = exchange->endorsement.handle;
    return true;
}

/* Posts a context; of the endorsement key, its certificate where there is one. */
static bool post(struct attestation_reply *out, struct exchange *exchange,
                 const struct rtpm_context *context, enum attestation_reply_type final,
                 struct error *err)
{
    struct attestation_request request = {
        .session = exchange->session,
        .requested = {ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE},
        .requested_count = 1,
    };
    struct buf bytes, body, certificates;
    buf_init(&certificates, CERTIFICATES_MAX);
    buf_init(&bytes, RTPM_CONTEXT_MAX);
    buf_init(&body, BODY_MAX);
    struct slice nv = buf_slice(&exchange->endorsement.certificate), certificate = nv;
    if (nv.size > 0 && !tpm_endorsement_certificate_cut(&certificate, nv, NULL))
        certificate = nv; /* the service's to refuse, with its reasons */
    buf_append(&certificates, certificate);
    if (certificate.size > 0)
        buf_append(&certificates, buf_slice(&exchange->endorsement.chain));
    request.content[ATTESTATION_CONTENT_ENDORSEMENT_KEY_CERTIFICATE] = buf_slice(&certificates);
    request.content[ATTESTATION_CONTENT_IDENTITY_KEY] =
        buf_slice(&exchange->endorsement.public_area);
    rtpm_context_format(&bytes, context);
    request.content[ATTESTATION_CONTENT_RTPM_CONTEXT] = buf_slice(&bytes);
    attestation_request_format(&body, &request);
    bool good = buf_ok(&bytes, "event logs", err) && buf_ok(&body, "event logs", err) &&
                host_attempt_post(out, exchange->attempt, exchange->path, buf_slice(&body),
                                  ATTESTATION_REPLY_TPM_CONTINUE, final, err);
    buf_done(&certificates);
    buf_done(&bytes);
    buf_done(&body);
    return good;
}

static struct rtpm_device describe(struct host_tpm_device *device)
{
    struct rtpm_device out = {.version = RTPM_TPM_20, .interface = RTPM_INTERFACE_HARDWARE};
    host_tpm_device_property(device, TPM2_PT_FIRMWARE_VERSION_1, &out.implementation);
    if (strncmp(host_tpm_device_name(device), "device", 6) != 0)
        out.interface = RTPM_INTERFACE_EMULATOR;
    return out;
}

/* The first request: who this is, and what it measured. */
static bool introduce(struct attestation_reply *out, struct exchange *exchange,
                      enum attestation_reply_type final, struct error *err)
{
    enum digest_algorithm wanted;
    struct tpm_pcr_bank bank;
    struct buf values;
    buf_init(&values, RTPM_PCR_VALUES_MAX);
    /* The logs last: what they miss would be missing for good, what they have more is ignored. */
    bool good = host_tpm_pcrs_bank(&wanted, exchange->attempt->config->pcr_bank, err) &&
                host_tpm_pcrs_read(&bank, exchange->device, wanted, err) &&
                read_bios_log(exchange, err) && read_ima_log(exchange, err);
    if (good) {
        tpm_pcr_bank_format(&values, &bank);
        const struct rtpm_context context = {
            .log = buf_slice(&exchange->bios_log),
            .ima_log = buf_slice(&exchange->ima_log),
            .pcr_values = buf_slice(&values),
            .has_device = true,
            .device = describe(exchange->device),
            .has_handle = true,
            .handle = exchange->endorsement.handle,
        };
        good = post(out, exchange, &context, final, err);
    }
    buf_done(&values);
    return good;
}

/* Runs the commands of a context, one after the other. *measured: not only sessions were begun. */
static bool run_commands(struct buf responses[RTPM_COMMANDS_MAX], bool *measured,
                         struct exchange *exchange, const struct rtpm_context *asked,
                         struct error *err)
{
    if (asked->command_count == 0)
        return error_set(err, &host_reply, "protocol.md 2.3", exchange->attempt->url,
                         "its context has no commands");
    for (size_t i = 0; i < asked->command_count; i++) {
        if (tpm_command_code(asked->commands[i]) != TPM_CC_START_AUTH_SESSION)
            *measured = true;
        if (!host_tpm_relay_run(&exchange->relay, &responses[i], asked->commands[i], err))
            return false;
    }
    return true;
}

static bool answer_commands(struct attestation_reply *out, struct exchange *exchange,
                            const struct rtpm_context *asked, enum attestation_reply_type final,
                            struct error *err)
{
    struct buf responses[RTPM_COMMANDS_MAX];
    bool measured = false;
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_init(&responses[i], RTPM_COMMAND_SIZE_MAX);
    bool good = run_commands(responses, &measured, exchange, asked, err) &&
                (!measured || read_ima_log(exchange, err));
    if (good) {
        struct rtpm_context context = {.state = asked->state,
                                       .response_count = asked->command_count};
        if (measured) /* the event log is known; this one grows */
            context.ima_log = buf_slice(&exchange->ima_log);
        for (size_t i = 0; i < asked->command_count; i++)
            context.responses[i] = buf_slice(&responses[i]);
        good = post(out, exchange, &context, final, err);
    }
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_done(&responses[i]);
    return good;
}

/* Answers a reply that has commands; *reply is the next one then. */
static bool answer(struct attestation_reply *reply, struct exchange *exchange,
                   enum attestation_reply_type final, struct error *err)
{
    struct rtpm_context asked;
    struct attestation_reply next = {0};
    struct error cause = {0};
    if (!rtpm_context_parse(&asked, reply->context, &cause))
        return error_set(err, &host_reply, "MS-HGSA 2.2.2.25", exchange->attempt->url, "%s",
                         cause.message);
    if (!answer_commands(&next, exchange, &asked, final, err))
        return false;
    attestation_reply_done(reply);
    *reply = next;
    return true;
}

static bool run(struct attestation_reply *out, struct exchange *exchange,
                enum attestation_reply_type final, struct error *err)
{
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    if (!introduce(&reply, exchange, final, err))
        return false;
    for (int round = 0; reply.type == ATTESTATION_REPLY_TPM_CONTINUE; round++) {
        if (round == ROUNDS_MAX)
            return error_set(err, &host_reply, "protocol.md 2.3", exchange->attempt->url,
                             "it sends commands without end");
        if (!answer(&reply, exchange, final, err))
            return false;
    }
    *out = reply;
    reply = (struct attestation_reply){0};
    return true;
}

static bool take_certificate(struct exchange *exchange, const struct attestation_reply *reply,
                             struct error *err)
{
    struct host_attempt *attempt = exchange->attempt;
    _cleanup_host_tpm_key_ struct host_tpm_key key = {0};
    struct slice der;
    return host_attempt_certificate(&der, reply, attempt, err) &&
           host_tpm_relay_take_key(&key, &exchange->relay, err) &&
           host_identity_init_tpm(attempt->out, &key, der, clock_now(attempt->clock), err);
}

/* What happened in this machine's own TPM is no passing trouble of the service's. */
static void blame_tpm(struct host_attempt *attempt, const struct error *err)
{
    static const struct error_code *const local[] = {
        &host_tpm_permission,  &host_tpm_missing, &host_tpm_busy,
        &host_tpm_version,     &host_tpm_name,    &host_tpm_failed,
        &host_tpm_endorsement, &host_tpm_command, &host_log_unreadable,
    };
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        if (err->code != local[i])
            continue;
        attempt->record->status = HOST_STATUS_TPM_ERROR;
        attempt->retry = false;
    }
}

/* The exchange at path up to the reply of type final. It stays open: its key is still loaded. */
static bool perform(struct attestation_reply *out, struct exchange *exchange,
                    enum attestation_reply_type final, struct error *err)
{
    return begin(exchange, err) && run(out, exchange, final, err);
}

static bool finish(struct exchange *exchange, bool good, const struct error *cause,
                   struct error *err)
{
    exchange_done(exchange);
    if (good)
        return true;
    blame_tpm(exchange->attempt, cause);
    if (err != NULL)
        *err = *cause;
    return false;
}

bool host_attest_tpm(struct host_attempt *attempt, struct error *err)
{
    struct exchange exchange = {.attempt = attempt, .path = "/v2.0/attest"};
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    struct error cause = {0};
    bool good = perform(&reply, &exchange, ATTESTATION_REPLY_HEALTH_CERTIFICATE, &cause) &&
                take_certificate(&exchange, &reply, &cause);
    return finish(&exchange, good, &cause, err);
}

bool host_attest_tpm_evaluate(struct attestation_reply *out, struct host_attempt *attempt,
                              struct error *err)
{
    struct exchange exchange = {.attempt = attempt, .path = "/v2.0/evaluate"};
    struct error cause = {0};
    bool good = perform(out, &exchange, ATTESTATION_REPLY_EVALUATION, &cause);
    return finish(&exchange, good, &cause, err);
}
