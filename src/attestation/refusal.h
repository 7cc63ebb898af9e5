/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From an error to the protocol's error reply: the one table of that. */

#include "attestation/message_reply.h"

/* Fills in type, retryable and mode (the service's, for an error of mode) of a zeroed reply. */
void attestation_refusal_reply(struct attestation_reply *out, const struct error *err,
                               enum attestation_mode mode);
/* MS-HGSA 2.2.2.16: what each required built-in policy says. */
void attestation_refusal_add_reasons(struct attestation_reply *out, const struct verdict *verdict);
