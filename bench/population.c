/* SPDX-License-Identifier: Apache-2.0 */
#include "population.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/unit/log_builder.h"
#include "attestation/host.h"
#include "attestation/message_request.h"
#include "attestation/tpm_root.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/errors.h"
#include "eventlog/replay.h"
#include "logs.h"
#include "policy/policy.h"

#define CLAIMED 0xffffu /* registers that the first request has */
#define VALUE_MAX (1024UL * 1024)
#define REQUEST_MAX (4UL * 1024 * 1024)

static void must(bool good, const struct error *err)
{
    if (good)
        return;
    fprintf(stderr, "bench: %s: %s (%s)\n", err->object, err->message, err->code->name);
    exit(1);
}

/* ---- a host ---- */

static void boot(struct member *member, size_t log_size)
{
    struct error err = {0};
    struct eventlog log;
    logs_boot(&member->log, log_size);
    must(eventlog_parse(&log, buf_slice(&member->log), &err), &err);
    must(eventlog_replay(simulated_tpm_pcrs(member->tpm), &log, DIGEST_SHA256, &err), &err);
    eventlog_done(&log);
}

/* What stands around the context in all requests, made once. */
static void write_body(struct member *member)
{
    static const struct guid session = {.bytes = {0x62, 0x65, 0x6e, 0x63, 0x68}};
    static const char context[] = "the context", place[] = "dGhlIGNvbnRleHQ=";
    struct attestation_request request = {
        .session = session,
        .requested = {ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE},
        .requested_count = 1,
    };
    request.content[ATTESTATION_CONTENT_RTPM_CONTEXT] = slice_from_text(context);
    request.content[ATTESTATION_CONTENT_ENDORSEMENT_KEY_CERTIFICATE] =
        simulated_tpm_certificate(member->tpm);
    _cleanup_buf_ struct buf whole;
    buf_init(&whole, REQUEST_MAX);
    attestation_request_format(&whole, &request);
    const uint8_t *found = memmem(whole.data, whole.size, place, strlen(place));
    must(found != NULL, &(struct error){.code = &base_json_malformed});
    member->context_place = (size_t)(found - whole.data);
    buf_append_bytes(&member->body, whole.data, member->context_place);
    buf_append_bytes(&member->body, found + strlen(place),
                     whole.size - member->context_place - strlen(place));
}

/* Head and body around the context. */
static void write_request(struct buf *out, struct member *member,
                          const struct rtpm_context *context)
{
    buf_reset(&member->context);
    rtpm_context_format(&member->context, context);
    size_t size = member->body.size + (member->context.size + 2) / 3 * 4;
    buf_reset(out);
    buf_append_format(out,
                      "POST /Attestation/v2.0/attest HTTP/1.1\r\nHost: localhost\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                      size);
    buf_append_bytes(out, member->body.data, member->context_place);
    base64_append(out, buf_slice(&member->context));
    buf_append_bytes(out, member->body.data + member->context_place,
                     member->body.size - member->context_place);
}

static void write_first(struct member *member)
{
    struct tpm_pcr_bank claimed = *simulated_tpm_pcrs(member->tpm);
    claimed.present = CLAIMED;
    _cleanup_buf_ struct buf values;
    buf_init(&values, RTPM_PCR_VALUES_MAX);
    tpm_pcr_bank_format(&values, &claimed);
    struct rtpm_context context = {
        .log = buf_slice(&member->log),
        .pcr_values = buf_slice(&values),
        .has_device = true,
        .device = {RTPM_TPM_20, RTPM_INTERFACE_EMULATOR, 0},
        .has_handle = true,
        .handle = simulated_tpm_handle(member->tpm),
    };
    write_request(&member->first, member, &context);
}

void member_init(struct member *out, size_t log_size)
{
    *out = (struct member){.tpm = simulated_tpm_new(SIMULATED_RSA_2048, DIGEST_SHA256)};
    buf_init(&out->log, RTPM_LOG_MAX);
    buf_init(&out->first, REQUEST_MAX);
    buf_init(&out->context, RTPM_CONTEXT_MAX);
    buf_init(&out->body, REQUEST_MAX);
    buf_init(&out->request, REQUEST_MAX);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_init(&out->answers[i], RTPM_COMMAND_SIZE_MAX);
    boot(out, log_size);
    write_body(out);
    write_first(out);
}

void member_done(struct member *member)
{
    simulated_tpm_free(&member->tpm);
    buf_done(&member->log);
    buf_done(&member->first);
    buf_done(&member->context);
    buf_done(&member->body);
    buf_done(&member->request);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_done(&member->answers[i]);
}

/* ---- its side of an attestation ---- */

struct load_request member_begin(struct member *member)
{
    return (struct load_request){(const char *)member->first.data, member->first.size};
}

/* The quoted text behind a name that is there once. */
static struct slice find_text(struct slice reply, const char *name)
{
    const uint8_t *found = memmem(reply.data, reply.size, name, strlen(name));
    if (found == NULL)
        return SLICE_EMPTY;
    const uint8_t *text = found + strlen(name);
    const uint8_t *end = memchr(text, '"', reply.size - (size_t)(text - reply.data));
    return end != NULL ? slice_of(text, (size_t)(end - text)) : SLICE_EMPTY;
}

/* Runs what is asked for. */
static void answer(struct rtpm_context *out, struct member *member,
                   const struct rtpm_context *asked)
{
    *out = (struct rtpm_context){.state = asked->state, .response_count = asked->command_count};
    for (size_t i = 0; i < asked->command_count; i++) {
        buf_reset(&member->answers[i]);
        simulated_tpm_execute(member->tpm, asked->commands[i], &member->answers[i]);
        out->responses[i] = buf_slice(&member->answers[i]);
    }
}

enum load_turn member_follow(struct member *member, struct slice reply, struct load_request *next)
{
    struct slice text = find_text(reply, "\"RtpmActiveContext\":\"");
    if (text.size == 0)
        return memmem(reply.data, reply.size, "\"HealthCertificateReply:", 24) != NULL ? LOAD_DONE
                                                                                       : LOAD_WRONG;
    struct rtpm_context asked, answers;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, RTPM_CONTEXT_MAX);
    if (!base64_parse(&bytes, text, NULL) || !rtpm_context_parse(&asked, buf_slice(&bytes), NULL))
        return LOAD_WRONG;
    answer(&answers, member, &asked);
    write_request(&member->request, member, &answers);
    *next = (struct load_request){(const char *)member->request.data, member->request.size};
    return LOAD_MORE;
}

/* ---- what the service must know ---- */

static void put(struct store *store, enum store_kind kind, const char *key, struct slice value)
{
    struct error err = {0};
    struct store_change change = {.kind = kind, .key = key, .value = value, .expected = STORE_ANY};
    must(store_commit(store, &change, 1, NULL, &err), &err);
}

static void trust(struct store *store, struct slice der, bool intermediate, int64_t now)
{
    struct error err = {0};
    char key[ATTESTATION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value;
    buf_init(&value, ATTESTATION_TPM_ROOT_VALUE_MAX);
    must(attestation_tpm_root_format(&value, key, der, intermediate, now, "bench", &err), &err);
    put(store, STORE_TPM_ROOT, key, buf_slice(&value));
}

static void put_policy(struct store *store, struct policy *policy)
{
    char key[POLICY_KEY_SIZE];
    _cleanup_buf_ struct buf value;
    buf_init(&value, POLICY_RECORD_MAX);
    policy_format(&value, policy);
    put(store, STORE_POLICY, policy_key(policy, key), buf_slice(&value));
    policy_done(policy);
}

static struct policy new_policy(const char *name, enum policy_kind kind)
{
    struct policy policy = {.kind = kind,
                            .profile = EVENTLOG_PROFILE_LINUX,
                            .version = POLICY_VERSION_2,
                            .state = POLICY_ENABLED,
                            .added_by = "bench"};
    snprintf(policy.name, sizeof policy.name, "%s", name);
    return policy;
}

static void put_policies(struct store *store, const char *prefix, const struct member *member)
{
    struct error err = {0};
    struct log_linux boot;
    struct eventlog log;
    struct policy baseline = new_policy(prefix, POLICY_BASELINE);
    struct policy kernel = new_policy("kernel", POLICY_CI);
    must(eventlog_parse(&log, buf_slice(&member->log), &err) &&
             baseline_take(&baseline.baseline, &log, BASELINE_PCRS_DEFAULT, &err),
         &err);
    eventlog_done(&log);
    put_policy(store, &baseline);
    log_linux_init(&boot);
    must(code_integrity_take_kernel(&kernel.ci, slice_from_text("kernel"), boot.grub_line, &err),
         &err);
    put_policy(store, &kernel);
}

static void put_host(struct store *store, const char *name, const struct member *member,
                     struct tpm_trust *makers, int64_t now)
{
    static const struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_LINUX,
                                                                 .version = POLICY_VERSION_2};
    struct error err = {0};
    struct attestation_host host;
    _cleanup_platform_identifier_ struct platform_identifier identifier;
    _cleanup_buf_ struct buf file, value;
    buf_init(&file, VALUE_MAX);
    buf_init(&value, VALUE_MAX);
    platform_identifier_init(&identifier);
    snprintf(identifier.name, sizeof identifier.name, "%s", name);
    buf_append(&identifier.endorsement_key, simulated_tpm_public(member->tpm));
    buf_append(&identifier.certificate, simulated_tpm_certificate(member->tpm));
    platform_identifier_format(&file, &identifier);
    must(attestation_host_init_tpm(&host, name, buf_slice(&file), &registration, makers, now,
                                   "bench", &err),
         &err);
    attestation_host_format(&value, &host);
    put(store, STORE_HOST, name, buf_slice(&value));
    attestation_host_done(&host);
}

void population_register(struct store *store, const char *prefix, const struct member *members,
                         size_t count)
{
    struct clock clock;
    clock_init(&clock);
    int64_t now = clock_now(&clock);
    trust(store, simulated_tpm_root(), false, now);
    trust(store, simulated_tpm_intermediate(), true, now);
    put_policies(store, prefix, &members[0]);
    const struct tpm_trusted_certificate certificates[] = {{simulated_tpm_root(), false},
                                                           {simulated_tpm_intermediate(), true}};
    _cleanup_tpm_trust_ struct tpm_trust *makers = tpm_trust_new(certificates, 2, 1, NULL);
    for (size_t i = 0; i < count; i++) {
        char name[ATTESTATION_NAME_SIZE];
        snprintf(name, sizeof name, "%s-%zu", prefix, i);
        put_host(store, name, &members[i], makers, now);
    }
}
