/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/refusal.h"

#include "attestation/errors.h"

#include <string.h>

struct row {
    const struct error_code *code; /* or */
    const char *prefix;            /* of the code's name, or */
    enum error_kind kind;
    enum attestation_reply_type type;
    bool retryable;
};

#define CODE(code, type, retryable)                                       \
    {                                                                     \
        &attestation_##code, NULL, 0, ATTESTATION_REPLY_##type, retryable \
    }
#define PREFIX(prefix, type, retryable)                      \
    {                                                        \
        NULL, prefix, 0, ATTESTATION_REPLY_##type, retryable \
    }
#define KIND(kind, type, retryable)                                   \
    {                                                                 \
        NULL, NULL, ERROR_##kind, ATTESTATION_REPLY_##type, retryable \
    }

/* The first row that fits; an error that fits none is our own fault. */
static const struct row rows[] = {
    CODE(mode_wrong, OPERATION_MODE_ERROR, true),
    CODE(identity_key, VIRTUAL_SECURE_MODE_ERROR, false),
    CODE(policies_failed, POLICY_EVALUATION_ERROR, false),
    CODE(log_mismatch, TCG_LOG_ERROR, false),
    PREFIX("eventlog.", TCG_LOG_ERROR, false),
    CODE(exchange_expired, RTPM_ERROR, true),
    CODE(policies_changed, RTPM_ERROR, true),
    CODE(pcr_changed, RTPM_ERROR, true),
    CODE(state_refused, RTPM_ERROR, false),
    CODE(state_mismatch, RTPM_ERROR, false),
    CODE(log_changed, RTPM_ERROR, false),
    CODE(pcr_missing, RTPM_ERROR, false),
    CODE(pcr_bank, RTPM_ERROR, false),
    CODE(context_malformed, RTPM_ERROR, false),
    CODE(context_too_large, RTPM_ERROR, false),
    CODE(context_incomplete, RTPM_ERROR, false),
    CODE(response_refused, RTPM_ERROR, false),
    CODE(tpm_version, RTPM_ERROR, false),
    PREFIX("tpm.response-code", RTPM_ERROR, true),
    PREFIX("tpm.pcr-counter", RTPM_ERROR, true),
    PREFIX("tpm.response-", RTPM_ERROR, false),
    PREFIX("tpm.session-", RTPM_ERROR, false),
    PREFIX("tpm.selection-", RTPM_ERROR, false),
    PREFIX("tpm.pcr-", RTPM_ERROR, false),
    PREFIX("tpm.key-", RTPM_ERROR, false),
    PREFIX("tpm.name-", RTPM_ERROR, false),
    PREFIX("tpm.", UNAUTHORIZED_ERROR, false), /* endorsement keys and their certificates */
    KIND(MALFORMED, PAYLOAD_ERROR, false),
    KIND(LIMIT, PAYLOAD_ERROR, false),
    KIND(UNSUPPORTED, PAYLOAD_ERROR, false),
    KIND(UNAUTHORIZED, UNAUTHORIZED_ERROR, false),
    KIND(UNAVAILABLE, UNAVAILABLE_ERROR, true),
};

static bool fits(const struct row *row, const struct error *err)
{
    if (row->code != NULL)
        return row->code == err->code;
    if (row->prefix != NULL)
        return strncmp(err->code->name, row->prefix, strlen(row->prefix)) == 0;
    return row->kind == error_kind(err);
}

void attestation_refusal_reply(struct attestation_reply *out, const struct error *err,
                               enum attestation_mode mode)
{
    out->type = ATTESTATION_REPLY_ERROR;
    out->mode = mode;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (fits(&rows[i], err)) {
            out->type = rows[i].type;
            out->retryable = rows[i].retryable;
            return;
        }
    }
}

void attestation_refusal_add_reasons(struct attestation_reply *out, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count && out->reason_count < ATTESTATION_REASONS_MAX; i++) {
        const struct verdict_policy *policy = &verdict->policies[i];
        if (policy->kind == POLICY_BUILTIN && policy->required)
            out->reasons[out->reason_count++] =
                (struct attestation_reason){policy->result == VERDICT_PASSED, policy->guid};
    }
}
