/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The exchange of protocol.md 2.3 with a simulated TPM, as far as the sessions are started. */

#include "../simulated_tpm.h"
#include "tpm/response.h"
#include "tpm_test.h"

#define EXCHANGE_PCRS 0x0000f0ffu /* 0–7, 12–15 */

struct simulated_exchange {
    struct simulated_tpm *tpm;
    struct tpm_endorsement_key key;
    struct tpm_session sessions[TPM_SESSIONS_MAX];
    struct tpm_pcr_selection reads[TPM_PCR_READS_MAX];
    struct tpm_identity_template identity;
    struct buf command, response; /* the last ones */
};

/* Starts the three sessions with a TPM whose registers are not all zero. */
static inline void exchange_begin(struct simulated_exchange *exchange,
                                  enum simulated_endorsement kind)
{
    memset(exchange, 0, sizeof *exchange);
    exchange->tpm = simulated_tpm_new(kind, DIGEST_SHA256);
    buf_init(&exchange->command, TPM_COMMAND_SIZE_MAX);
    buf_init(&exchange->response, TPM_RESPONSE_SIZE_MAX + 1);
    uint8_t digest[32] = {0};
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        digest[0] = (uint8_t)i;
        simulated_tpm_extend(exchange->tpm, i, slice_of(digest, sizeof digest));
    }
    struct slice area = simulated_tpm_public(exchange->tpm);
    assert_ok(tpm_endorsement_key_parse(&exchange->key, area, err));
    struct buf commands[TPM_SESSIONS_MAX];
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++)
        buf_init(&commands[i], TPM_COMMAND_SIZE_MAX);
    uint32_t handle = simulated_tpm_handle(exchange->tpm);
    assert_ok(tpm_sessions_start(exchange->sessions, commands, TPM_SESSIONS_MAX, &exchange->key,
                                 handle, err));
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++) {
        assert_ok(tpm_command_is_allowed(buf_slice(&commands[i]), handle, err));
        simulated_tpm_execute(exchange->tpm, buf_slice(&commands[i]), &exchange->response);
        struct slice response = buf_slice(&exchange->response);
        assert_ok(tpm_session_started(&exchange->sessions[i], response, err));
        buf_done(&commands[i]);
    }
    struct tpm_pcr_selection selection = {DIGEST_SHA256, EXCHANGE_PCRS};
    assert_int_equal(tpm_pcr_split(exchange->reads, selection), 2);
    tpm_identity_template_make(&exchange->identity, TPM_IDENTITY_DECRYPT, selection,
                               simulated_tpm_pcrs(exchange->tpm));
}

static inline void exchange_end(struct simulated_exchange *exchange)
{
    simulated_tpm_free(&exchange->tpm);
    tpm_endorsement_key_done(&exchange->key);
    buf_done(&exchange->command);
    buf_done(&exchange->response);
}

/* Has the command that was written run. */
static inline struct slice exchange_run(struct simulated_exchange *exchange)
{
    struct slice command = buf_slice(&exchange->command);
    assert_ok(tpm_command_is_allowed(command, simulated_tpm_handle(exchange->tpm), err));
    simulated_tpm_execute(exchange->tpm, command, &exchange->response);
    buf_reset(&exchange->command);
    return buf_slice(&exchange->response);
}

/* Commands over session i; the response is the exchange's until the next one. */
static inline struct slice exchange_create(struct simulated_exchange *exchange, size_t i)
{
    tpm_command_create_primary(&exchange->command, &exchange->sessions[i], &exchange->identity);
    return exchange_run(exchange);
}

static inline struct slice exchange_read(struct simulated_exchange *exchange, size_t i, size_t half)
{
    tpm_command_pcr_read(&exchange->command, &exchange->sessions[i], exchange->reads[half]);
    return exchange_run(exchange);
}
