/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HMAC session salted to the endorsement key (TPM 2.0 Part 1, 19; protocol.md 2.3): no bind, no
 * symmetric algorithm, SHA-256. It is used once: for one audited command, with which the TPM
 * flushes it.
 *
 *     tpm_sessions_start      the StartAuthSession command            (request 1)
 *     tpm_session_started     its response                            (request 2)
 *     tpm_command_…           the command, tpm/command.h              (request 2)
 *     tpm_response_…          its response, tpm/response.h            (request 3)
 *
 * Between the steps it travels, sealed, by tpm_session_format and _parse. It is a secret: whoever
 * has one wipes it with tpm_session_done.
 */

#include "tpm/endorsement_key.h"

#define TPM_NONCE_SIZE 32
#define TPM_SESSION_KEY_SIZE DIGEST_SHA256_SIZE

struct tpm_session {
    uint32_t command; /* TPM_CC that it was last used for; 0: none yet, it is being started */
    uint32_t handle;  /* of the session in the TPM; 0: not started yet */
    uint8_t nonce_caller[TPM_NONCE_SIZE]; /* of command, or of StartAuthSession */
    uint8_t nonce_tpm[TPM_NONCE_SIZE];
    uint8_t key[TPM_SESSION_KEY_SIZE];
    size_t salt_size; /* 0 once key is known */
    uint8_t salt[DIGEST_SIZE_MAX];
};

/* Wipes it. NULL is allowed. */
void tpm_session_done(struct tpm_session *session);
#define _cleanup_tpm_session_ __attribute__((cleanup(tpm_session_done)))

#define TPM_SESSIONS_MAX 3 /* that a TPM is bound to hold loaded (tpm-facts.md) */

/*
 * Starts count sessions (1 to TPM_SESSIONS_MAX) with the endorsement key loaded at key_handle:
 * draws one salt for all of them, since they live and die together and each has nonces, and so a
 * key, of its own, and appends the command StartAuthSession of sessions[i] to commands[i].
 * crypto.*.
 */
bool tpm_sessions_start(struct tpm_session *sessions, struct buf *commands, size_t count,
                        const struct tpm_endorsement_key *key, uint32_t key_handle,
                        struct error *err);
/* Takes its response: the handle, nonceTPM, and so the session key. tpm.response-*. */
bool tpm_session_started(struct tpm_session *session, struct slice response, struct error *err);

/* At most so many bytes. */
#define TPM_SESSION_FORMAT_MAX 256
void tpm_session_format(struct buf *out, const struct tpm_session *session);
/* Reads one from where in stands. tpm.session-malformed. */
bool tpm_session_parse(struct tpm_session *out, struct reader *in, struct error *err);
