/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the TPM answered, believed only after every check of protocol.md 2.3 ("Response checks"):
 * tag 0x8002, response code 0, every size exact, session attributes 0x80 (bit 0x02 ignored),
 * HMAC(session key, rpHash ‖ nonceTPM ‖ nonceCaller ‖ attributes) in constant time, then the
 * parameters against what was asked for.
 *
 * Errors of all of them: tpm.response-malformed, tpm.response-code (the TPM refused: with the code
 * in words), tpm.response-attributes, tpm.response-hmac, tpm.response-unexpected (a session that
 * was used for another command).
 */

#include "tpm/command.h"

#define TPM_RESPONSE_SIZE_MAX 4096

/* One audited PCR_Read. */
struct tpm_pcr_read {
    uint32_t update_counter;
    struct tpm_pcr_bank bank; /* the registers selected */
};

/* A key that CreatePrimary made. */
struct tpm_created_key {
    struct public_key *key; /* freed with tpm_created_key_done */
    uint32_t handle;        /* not covered by the HMAC: for FlushContext only */
    uint8_t name[2 + DIGEST_SHA256_SIZE];
};
void tpm_created_key_done(struct tpm_created_key *key);
#define _cleanup_tpm_created_key_ __attribute__((cleanup(tpm_created_key_done)))

/* Further: tpm.key-altered, tpm.name-wrong, crypto.key-*. */
bool tpm_response_created(struct tpm_created_key *out, const struct tpm_session *session,
                          const struct tpm_identity_template *identity, struct slice response,
                          struct error *err);
/* Further: tpm.selection-altered, tpm.pcr-count. */
bool tpm_response_pcrs(struct tpm_pcr_read *out, const struct tpm_session *session,
                       struct tpm_pcr_selection selection, struct slice response,
                       struct error *err);
/* ReadPublic: its TPMT_PUBLIC, borrowed from response; its Name is checked against name.
 * Further: tpm.name-wrong. */
bool tpm_response_public(struct slice *area, const struct tpm_session *session, struct slice name,
                         struct slice response, struct error *err);

/*
 * The registers of several reads as one bank. Where no key was created in the exchange,
 * pcrUpdateCounter must be equal over all reads (tpm.pcr-counter): otherwise nothing says that they
 * belong to one moment.
 */
bool tpm_pcr_reads_join(struct tpm_pcr_bank *out, const struct tpm_pcr_read *reads, size_t count,
                        bool key_created, struct error *err);

/* For clients, about a response that they relay: its response code (0: done), or UINT32_MAX when it
 * is too short to have one. */
uint32_t tpm_response_code(struct slice response);
/* The handle of a successful response to StartAuthSession, CreatePrimary…; 0 when there is none. */
uint32_t tpm_response_handle(struct slice response);
/* A response code in words: "TPM_RC_POLICY_FAIL (0x99d, session 1)". Returns text. */
char *tpm_response_code_format(uint32_t code, char *text, size_t size);
