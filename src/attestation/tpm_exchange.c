/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_exchange.h"

#include "attestation/errors.h"
#include "attestation/tpm_boot.h"
#include "attestation/tpm_identity.h"
#include "attestation/tpm_verdict.h"

#include <stdio.h>

static const char clause[] = "protocol.md 2.3";

_Static_assert(RTPM_COMMANDS_MAX == TPM_SESSIONS_MAX, "a session for each command");

static struct buf *next_command(struct tpm_step *exchange)
{
    return &exchange->commands[exchange->command_count++];
}

static void write_context(struct tpm_step *exchange, const struct rtpm_sealed *sealed)
{
    struct rtpm_context context = {.command_count = exchange->command_count};
    if (sealed != NULL)
        context.state = *sealed;
    for (size_t i = 0; i < exchange->command_count; i++)
        context.commands[i] = buf_slice(&exchange->commands[i]);
    buf_init(&exchange->evidence->context, RTPM_CONTEXT_MAX);
    rtpm_context_format(&exchange->evidence->context, &context);
}

/* The exchange goes on: the new state, sealed, and what the TPM should do next. */
static bool go_on(struct tpm_step *exchange, enum rtpm_step step)
{
    struct rtpm_sealed sealed;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, RTPM_STATE_MAX);
    exchange->state.step = step;
    rtpm_state_seal(&sealed, &bytes, &exchange->state, &exchange->keys, &exchange->binding);
    write_context(exchange, &sealed);
    return true;
}

static bool start_sessions(struct tpm_step *exchange, size_t count, struct error *err)
{
    struct rtpm_state *state = &exchange->state;
    state->session_count = count;
    exchange->command_count = count;
    return tpm_sessions_start(state->sessions, exchange->commands, count, &exchange->host->key,
                              state->handle, err);
}

static bool incomplete(struct error *err, const char *what)
{
    return error_set(err, &attestation_context_incomplete, clause, "RtpmContext", "%s", what);
}

/* Transient or persistent objects (TPM 2.0 Part 2, 7.2). */
static bool is_object_handle(uint32_t handle)
{
    return handle >> 24 == 0x80 || handle >> 24 == 0x81;
}

static bool check_first(const struct rtpm_context *context, struct error *err)
{
    if (context->response_count != 0)
        return incomplete(err, "responses came without a state");
    if (context->log.size == 0)
        return incomplete(err, "the event log (blob 1) is missing");
    if (!context->has_device)
        return incomplete(err, "the device's description (blob 2) is missing");
    if (!context->has_handle || !is_object_handle(context->handle))
        return incomplete(err, "the endorsement key's handle (blob 5) is missing or none");
    if (context->pcr_values.size == 0)
        return incomplete(err, "the PCR values (blob 7) are missing");
    return context->device.version == RTPM_TPM_20 ||
           error_set(err, &attestation_tpm_version, clause, "TPM_DEVICE_INFO",
                     "its TPM is not of version 2.0");
}

/* protected: virtual secure mode keeps the key from the host's kernel. */
static bool may_sign(const struct tpm_step *exchange, bool protected, struct error *err)
{
    return attestation_tpm_identity_may_sign(
        exchange->evidence, protected, exchange->input->settings->allow_unprotected_signing_keys,
        err);
}

static void bind_state(struct tpm_step *exchange)
{
    struct rtpm_state *state = &exchange->state;
    const struct attestation_tpm_request *request = exchange->request;
    state->started = exchange->input->now;
    state->version = request->version;
    state->what_if = exchange->input->what_if;
    memcpy(state->requested, request->requested, sizeof state->requested);
    state->requested_count = request->requested_count;
    snprintf(state->host, sizeof state->host, "%s", exchange->host->host.name);
    state->handle = exchange->context.handle;
}

/* One key for each certificate; the first is created together with the reads. */
static void make_templates(struct rtpm_state *state, const struct tpm_pcr_bank *claimed)
{
    for (size_t i = 0; i < state->requested_count; i++)
        tpm_identity_template_make(&state->identities[state->identity_count++],
                                   state->requested[i] == ATTESTATION_RESULT_SIGNING_CERTIFICATE
                                       ? TPM_IDENTITY_SIGN
                                       : TPM_IDENTITY_DECRYPT,
                                   state->sealed, claimed);
}

/* One session for each command of the next step. */
static bool ask_sessions(struct tpm_step *exchange, struct error *err)
{
    struct tpm_pcr_selection reads[TPM_PCR_READS_MAX];
    size_t count = tpm_pcr_split(reads, exchange->state.selection);
    count += exchange->state.identity_count > 0;
    return start_sessions(exchange, count, err) && go_on(exchange, RTPM_STEP_SESSIONS);
}

/* Firmware may leave a bank that the TPM has for anybody to extend: so the client does not choose.
 */
static bool check_bank(const struct tpm_step *exchange, enum digest_algorithm claimed,
                       struct error *err)
{
    enum digest_algorithm wanted = exchange->host->host.tpm.bank;
    return claimed == wanted ||
           error_set(err, &attestation_pcr_bank, clause, exchange->host->host.name,
                     "it sends values of the bank %s and is registered for %s",
                     digest_name(claimed), digest_name(wanted));
}

/* The first step: what the client claims is judged, so that a host that cannot pass hears it at
 * once. A what-if goes on, because its answer should be about what the TPM proves. */
static bool begin(struct tpm_step *exchange, struct error *err)
{
    struct attestation_tpm_registers registers;
    struct tpm_pcr_bank claimed;
    bool creates = exchange->subject.profile == EVENTLOG_PROFILE_LINUX;
    if (!check_first(&exchange->context, err) || (creates && !may_sign(exchange, false, err)) ||
        !tpm_pcr_bank_parse(&claimed, exchange->context.pcr_values, err) ||
        !check_bank(exchange, claimed.algorithm, err) ||
        !attestation_tpm_boot_registers(&registers, exchange->input->tpm->policies->set,
                                        &exchange->subject, err))
        return false;
    bind_state(exchange);
    exchange->state.selection = (struct tpm_pcr_selection){claimed.algorithm, registers.read};
    exchange->state.sealed = (struct tpm_pcr_selection){claimed.algorithm, registers.sealed};
    if (!tpm_verdict_first(exchange, &claimed, err))
        return false;
    if (creates)
        make_templates(&exchange->state, &claimed);
    return ask_sessions(exchange, err);
}

/* Takes the sessions that were started. */
static bool take_sessions(struct tpm_step *exchange, struct error *err)
{
    struct rtpm_state *state = &exchange->state;
    for (size_t i = 0; i < state->session_count; i++)
        if (!tpm_session_started(&state->sessions[i], exchange->context.responses[i], err))
            return false;
    return true;
}

static bool command(struct tpm_step *exchange, struct error *err)
{
    struct rtpm_state *state = &exchange->state;
    struct tpm_pcr_selection reads[TPM_PCR_READS_MAX];
    size_t count = tpm_pcr_split(reads, state->selection);
    struct tpm_session *session = state->sessions;
    if (!take_sessions(exchange, err))
        return false;
    if (state->identity_count > 0)
        tpm_command_create_primary(next_command(exchange), session++, &state->identities[0]);
    for (size_t i = 0; i < count; i++)
        tpm_command_pcr_read(next_command(exchange), session++, reads[i]);
    return go_on(exchange, RTPM_STEP_COMMANDS);
}

/* The registers as the TPM read them. responses and sessions: of the reads. */
static bool take_reads(struct tpm_pcr_bank *bank, const struct tpm_step *exchange,
                       const struct tpm_session *sessions, const struct slice *responses,
                       struct error *err)
{
    const struct rtpm_state *state = &exchange->state;
    struct tpm_pcr_selection selections[TPM_PCR_READS_MAX];
    struct tpm_pcr_read reads[TPM_PCR_READS_MAX];
    size_t count = tpm_pcr_split(selections, state->selection);
    for (size_t i = 0; i < count; i++)
        if (!tpm_response_pcrs(&reads[i], &sessions[i], selections[i], responses[i], err))
            return false;
    return tpm_pcr_reads_join(bank, reads, count, state->identity_count > 0, err);
}

/* A key's policy was made of the values that the client claimed: they must be the TPM's. */
static bool check_policy(const struct rtpm_state *state, const struct tpm_pcr_bank *bank,
                         struct error *err)
{
    uint8_t policy[DIGEST_SHA256_SIZE];
    tpm_pcr_policy_digest(policy, state->sealed, bank);
    return memcmp(policy, state->identities[0].policy, sizeof policy) == 0 ||
           error_set(err, &attestation_pcr_changed, clause, state->host,
                     "the TPM reads other PCR values than those that the exchange began with");
}

/* The end: every proof is there. created: the last of the identity keys, or NULL where the log had
 * all of them. */
static bool conclude(struct tpm_step *exchange, struct public_key *created, struct error *err)
{
    struct attestation_evidence *evidence = exchange->evidence;
    const struct rtpm_state *state = &exchange->state;
    if (exchange->input->what_if)
        return true;
    if (!may_sign(exchange, state->signing_key_protected, err))
        return false;
    evidence->signing_key_protected = state->signing_key_protected;
    for (size_t i = 0; i < state->key_count; i++)
        if (!public_key_parse(&evidence->identity_keys[i],
                              slice_of(state->keys[i].der, state->keys[i].size), err))
            return false;
    if (created != NULL)
        evidence->identity_keys[state->key_count] = public_key_ref(created);
    return true;
}

/* Both certificates were asked for: a TPM need hold no more sessions, so the signing key has its
 * own round. */
static bool start_signing(struct tpm_step *exchange, const struct tpm_pcr_bank *bank,
                          const struct public_key *first, struct error *err)
{
    exchange->state.bank = *bank;
    return tpm_verdict_keep_key(&exchange->state, first, err) && start_sessions(exchange, 1, err) &&
           go_on(exchange, RTPM_STEP_SIGNING_SESSION);
}

/* Any failure of a response is one of the remote TPM's, also where its key is of no use. */
static bool take_key(struct tpm_created_key *created, const struct tpm_step *exchange,
                     const struct tpm_identity_template *identity, struct error *err)
{
    struct error why = {0};
    if (tpm_response_created(created, &exchange->state.sessions[0], identity,
                             exchange->context.responses[0], &why))
        return true;
    bool about_response =
        strncmp(why.code->name, "tpm.", 4) == 0 && strncmp(why.code->name, "tpm.public-", 11) != 0;
    if (!about_response)
        return error_set(err, &attestation_response_refused, clause, "CreatePrimary", "%s (%s)",
                         why.message, why.code->name);
    if (err != NULL)
        *err = why;
    return false;
}

static bool finish(struct tpm_step *exchange, struct error *err)
{
    const struct rtpm_state *state = &exchange->state;
    _cleanup_tpm_created_key_ struct tpm_created_key created = {0};
    struct tpm_pcr_bank bank;
    const struct slice *responses = exchange->context.responses;
    bool creates = state->identity_count > 0;
    if (creates && !take_key(&created, exchange, &state->identities[0], err))
        return false;
    if (!take_reads(&bank, exchange, state->sessions + creates, responses + creates, err) ||
        (creates && !check_policy(state, &bank, err)) || !tpm_verdict_proven(exchange, &bank, err))
        return false;
    if (state->identity_count > 1)
        return start_signing(exchange, &bank, created.key, err);
    return conclude(exchange, created.key, err);
}

static bool command_signing(struct tpm_step *exchange, struct error *err)
{
    if (!take_sessions(exchange, err))
        return false;
    tpm_command_create_primary(next_command(exchange), &exchange->state.sessions[0],
                               &exchange->state.identities[1]);
    return go_on(exchange, RTPM_STEP_SIGNING_COMMAND);
}

static bool finish_signing(struct tpm_step *exchange, struct error *err)
{
    const struct rtpm_state *state = &exchange->state;
    _cleanup_tpm_created_key_ struct tpm_created_key created = {0};
    return take_key(&created, exchange, &state->identities[1], err) &&
           tpm_verdict_proven(exchange, &state->bank, err) && conclude(exchange, created.key, err);
}

static const struct step {
    bool (*run)(struct tpm_step *exchange, struct error *err);
    bool judges; /* the boot: its log is looked for */
} steps[] = {
    [RTPM_STEP_SESSIONS] = {command, false},
    [RTPM_STEP_COMMANDS] = {finish, true},
    [RTPM_STEP_SIGNING_SESSION] = {command_signing, false},
    [RTPM_STEP_SIGNING_COMMAND] = {finish_signing, true},
};
#define STEPS (sizeof steps / sizeof steps[0])

/* The same request of the same host on the same route, in time, under the same policies. */
static bool check_state(const struct tpm_step *exchange, struct error *err)
{
    const struct rtpm_state *state = &exchange->state;
    const struct attestation_mode_input *input = exchange->input;
    const struct attestation_tpm_request *request = exchange->request;
    uint8_t policies[DIGEST_SHA256_SIZE];
    int64_t age = input->now - state->started;
    if (age > input->settings->rtpm_exchange_seconds ||
        age < -input->settings->clock_tolerance_seconds)
        return error_set(err, &attestation_exchange_expired, clause, state->host,
                         "it began %lld s ago; at most %lld s are allowed", (long long)age,
                         (long long)input->settings->rtpm_exchange_seconds);
    if (state->version != request->version || state->what_if != input->what_if ||
        state->requested_count != request->requested_count ||
        memcmp(state->requested, request->requested, state->requested_count) != 0 ||
        strcmp(state->host, exchange->host->host.name) != 0)
        return error_set(err, &attestation_state_mismatch, clause, state->host,
                         "the exchange began on another route, with another request or under "
                         "another name of the host");
    attestation_policies_digest(policies, input->tpm->policies, &exchange->subject);
    return (memcmp(state->policies, policies, sizeof policies) == 0 &&
            state->selection.algorithm == exchange->host->host.tpm.bank) ||
           error_set(err, &attestation_policies_changed, clause, state->host,
                     "the policies, or what its registration says, are not those that the exchange "
                     "began with");
}

static bool continue_exchange(struct tpm_step *exchange, struct error *err)
{
    if (!rtpm_state_open(&exchange->state, &exchange->context.state, &exchange->keys,
                         &exchange->binding, err) ||
        !check_state(exchange, err))
        return false;
    enum rtpm_step step = exchange->state.step;
    if (step < RTPM_STEP_SESSIONS || step >= STEPS)
        return error_set(err, &attestation_state_refused, clause, "EncStateObject",
                         "step %d is none of this service's", (int)step);
    if (exchange->context.response_count != exchange->state.session_count)
        return error_set(err, &attestation_context_incomplete, clause, "RtpmContext",
                         "%zu responses to %zu commands", exchange->context.response_count,
                         exchange->state.session_count);
    if (steps[step].judges && !tpm_verdict_find_log(exchange, err))
        return false;
    return steps[step].run(exchange, err);
}

static bool step(struct tpm_step *exchange, struct error *err)
{
    const struct attestation_mode_input *input = exchange->input;
    if (exchange->request->context.size != 0 &&
        !rtpm_context_parse(&exchange->context, exchange->request->context, err))
        return false;
    if (exchange->context.command_count != 0)
        return incomplete(err, "commands came from the client");
    const struct rtpm_context *context = &exchange->context;
    bool empty = context->state.bytes.size == 0 && context->log.size == 0 &&
                 context->pcr_values.size == 0 && context->response_count == 0;
    if (empty) { /* MS-HGSA 3.1.5.1.1.3: "return TpmReplyContinue … with the empty context" */
        write_context(exchange, NULL);
        return true;
    }
    if (!attestation_sealing_keys_get(&exchange->keys, input->tpm->sealing_keys, input->now, err))
        return false;
    return context->state.bytes.size == 0 ? begin(exchange, err) : continue_exchange(exchange, err);
}

bool attestation_tpm_exchange(struct attestation_evidence *evidence,
                              const struct attestation_known_host *host,
                              const struct attestation_tpm_request *request,
                              const struct attestation_mode_input *input, struct error *err)
{
    struct tpm_step exchange = {
        .evidence = evidence,
        .host = host,
        .request = request,
        .input = input,
        .binding = {&request->session, evidence->host_id},
    };
    attestation_tpm_host_subject(&exchange.subject, &host->host.tpm, host->host.name);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_init(&exchange.commands[i], RTPM_COMMAND_SIZE_MAX);
    bool good = step(&exchange, err);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++)
        buf_done(&exchange.commands[i]);
    attestation_sealing_set_done(&exchange.keys);
    rtpm_state_done(&exchange.state);
    return good;
}
