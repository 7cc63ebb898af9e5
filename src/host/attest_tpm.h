/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TPM mode, the host's side (protocol.md 2.3): the service drives this host's TPM through a closed
 * list of commands, which this host relays without understanding more of them than that they are on
 * the list; in the end the TPM holds an identity key that the service certified.
 *
 * Whatever goes wrong, no session and no key stays behind in the TPM.
 */

#include "host/attempt.h"

/* Attests. host.tpm-*, host.log-unreadable, host.*, tpm.command-*, http.*. */
bool host_attest_tpm(struct host_attempt *attempt, struct error *err);

/*
 * What if (protocol.md 2.3): the same exchange at a service in whatever mode, which evaluates the
 * TPM policies and issues nothing. *out is its EvaluationReply, freed with attestation_reply_done,
 * whether the host would pass or not. The same errors.
 */
bool host_attest_tpm_evaluate(struct attestation_reply *out, struct host_attempt *attempt,
                              struct error *err);
