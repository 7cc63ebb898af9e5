/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One step of an exchange (tpm_exchange.h) under way: what tpm_exchange.c and tpm_verdict.c share.
 */

#include "attestation/mode.h"
#include "attestation/rtpm_state.h"
#include "attestation/tpm_request.h"

struct tpm_step {
    struct attestation_evidence *evidence;
    const struct attestation_known_host *host;
    const struct attestation_tpm_request *request;
    const struct attestation_mode_input *input;
    struct policy_subject subject;
    struct rtpm_binding binding;
    struct rtpm_context context;          /* that came */
    struct attestation_log_name log_name; /* of its log, once evidence->has_boot */
    struct attestation_sealing_set keys;
    struct rtpm_state state;
    struct buf commands[RTPM_COMMANDS_MAX]; /* that go back */
    size_t command_count;
};
