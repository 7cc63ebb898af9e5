/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The TPM commands that the service has a host run (TPM 2.0 Part 3), as bytes for the bus. Those
 * with a session have one authorisation area: that session, attributes 0x80 (audit; continueSession
 * clear), which also authorises the null hierarchy. Each draws a fresh nonceCaller into the session
 * and notes the command there; a session that was already used is an assert.
 */

#include "tpm/identity_key.h"
#include "tpm/pcr.h"
#include "tpm/session.h"

enum tpm_command_code {
    TPM_CC_CREATE_PRIMARY = 0x00000131,
    TPM_CC_CREATE = 0x00000153,
    TPM_CC_FLUSH_CONTEXT = 0x00000165,
    TPM_CC_READ_PUBLIC = 0x00000173,
    TPM_CC_START_AUTH_SESSION = 0x00000176,
    TPM_CC_PCR_READ = 0x0000017E,
};

#define TPM_RH_NULL 0x40000007
#define TPM_COMMAND_SIZE_MAX 4096

void tpm_command_create_primary(struct buf *out, struct tpm_session *session,
                                const struct tpm_identity_template *identity);
/* selection: at most TPM_PCR_READ_MAX registers (tpm_pcr_split). */
void tpm_command_pcr_read(struct buf *out, struct tpm_session *session,
                          struct tpm_pcr_selection selection);
/* name: the object's, as tpm_public_name gives it. */
void tpm_command_read_public(struct buf *out, struct tpm_session *session, uint32_t handle,
                             struct slice name);
/* Without a session. */
void tpm_command_flush_context(struct buf *out, uint32_t handle);

/*
 * For clients: whether a command that a service asks for is one that it may ask for (protocol.md
 * 2.3): one of the above or Create, whole, with its size right, and with no handle but of the null
 * hierarchy, the endorsement key, or a transient object or session. tpm.command-refused,
 * tpm.command-malformed.
 */
bool tpm_command_is_allowed(struct slice command, uint32_t endorsement_handle, struct error *err);
/* Its TPM_CC; 0 when it is too short to have one. */
uint32_t tpm_command_code(struct slice command);
/* "PCR_Read"; "command 0x0000017F" is written into text for others. */
const char *tpm_command_name(uint32_t code, char text[32]);
