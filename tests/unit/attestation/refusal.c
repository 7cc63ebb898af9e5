/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/refusal.h"
#include "crypto/errors.h"
#include "eventlog/errors.h"
#include "keyholder/errors.h"
#include "tpm/errors.h"

#define RTPM ATTESTATION_REPLY_RTPM_ERROR
#define TCG_LOG ATTESTATION_REPLY_TCG_LOG_ERROR
#define UNAUTHORIZED ATTESTATION_REPLY_UNAUTHORIZED_ERROR

/* protocol.md 2: which refusal the host hears of which error. */
static void each_error_has_its_reply(void **state)
{
    (void)state;
    const struct {
        const struct error_code *code;
        enum attestation_reply_type type;
        bool retryable;
    } cases[] = {
        {&attestation_mode_wrong, ATTESTATION_REPLY_OPERATION_MODE_ERROR, true},
        {&attestation_policies_failed, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR, false},
        {&attestation_identity_key, ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR, false},
        {&attestation_host_unknown, UNAUTHORIZED, false},
        {&attestation_certificate_missing, UNAUTHORIZED, false},
        {&tpm_issuer_missing, UNAUTHORIZED, false},
        {&tpm_root_missing, UNAUTHORIZED, false},
        {&tpm_chain_too_long, UNAUTHORIZED, false},
        {&tpm_certificate_time, UNAUTHORIZED, false},
        {&tpm_certificate_malformed, UNAUTHORIZED, false},
        {&tpm_endorsement_mismatch, UNAUTHORIZED, false},
        {&attestation_log_mismatch, TCG_LOG, false},
        {&eventlog_truncated, TCG_LOG, false},
        {&eventlog_too_large, TCG_LOG, false},
        {&eventlog_tpm12, TCG_LOG, false},
        {&eventlog_ima_mismatch, TCG_LOG, false},
        {&attestation_state_refused, RTPM, false},
        {&attestation_exchange_expired, RTPM, true},
        {&attestation_state_mismatch, RTPM, false},
        {&attestation_policies_changed, RTPM, true},
        {&attestation_log_changed, RTPM, false},
        {&attestation_pcr_changed, RTPM, true},
        {&attestation_pcr_missing, RTPM, false},
        {&attestation_pcr_bank, RTPM, false},
        {&attestation_context_malformed, RTPM, false},
        {&attestation_context_too_large, RTPM, false},
        {&attestation_context_incomplete, RTPM, false},
        {&attestation_response_refused, RTPM, false},
        {&attestation_tpm_version, RTPM, false},
        {&tpm_response_malformed, RTPM, false},
        {&tpm_response_failed, RTPM, true},
        {&tpm_response_hmac, RTPM, false},
        {&tpm_selection_altered, RTPM, false},
        {&tpm_pcr_counter, RTPM, true},
        {&tpm_pcr_malformed, RTPM, false},
        {&tpm_key_altered, RTPM, false},
        {&tpm_name_wrong, RTPM, false},
        {&attestation_payload_malformed, ATTESTATION_REPLY_PAYLOAD_ERROR, false},
        {&attestation_content_refused, ATTESTATION_REPLY_PAYLOAD_ERROR, false},
        {&base_json_too_deep, ATTESTATION_REPLY_PAYLOAD_ERROR, false},
        {&keyholder_away, ATTESTATION_REPLY_UNAVAILABLE_ERROR, true},
        {&crypto_internal, ATTESTATION_REPLY_ERROR, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {.code = cases[i].code};
        struct attestation_reply reply = {0};
        attestation_refusal_reply(&reply, &err, ATTESTATION_MODE_TPM);
        if (reply.type != cases[i].type || reply.retryable != cases[i].retryable)
            fail_msg("%s: %s", cases[i].code->name, attestation_reply_name(reply.type));
        assert_int_equal(reply.mode, ATTESTATION_MODE_TPM);
    }
}

/* MS-HGSA 2.2.2.16: required built-ins, what passed and what did not. */
static void reasons_are_those_of_required_policies(void **state)
{
    (void)state;
    struct verdict_policy policies[] = {
        {.kind = POLICY_BUILTIN, .required = true, .result = VERDICT_PASSED, .guid = {{1}}},
        {.kind = POLICY_BUILTIN, .required = true, .result = VERDICT_NOT_EVALUATED, .guid = {{2}}},
        {.kind = POLICY_BUILTIN, .required = false, .result = VERDICT_FAILED, .guid = {{3}}},
        {.kind = POLICY_BASELINE, .required = false, .result = VERDICT_FAILED, .guid = {{4}}},
        {.kind = POLICY_BUILTIN, .required = true, .result = VERDICT_FAILED, .guid = {{5}}},
    };
    struct verdict verdict = {.policies = policies, .count = 5};
    struct attestation_reply reply = {0};
    attestation_refusal_add_reasons(&reply, &verdict);
    assert_int_equal(reply.reason_count, 3);
    assert_true(reply.reasons[0].passed);
    assert_false(reply.reasons[1].passed);
    assert_int_equal(reply.reasons[1].policy.bytes[0], 2);
    assert_false(reply.reasons[2].passed);
    assert_int_equal(reply.reasons[2].policy.bytes[0], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_reply),
        cmocka_unit_test(reasons_are_those_of_required_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
