/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/message_reply.h"

/* Every vector is read as its type, and written again byte for byte (but the untyped one). */
static void test_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum attestation_reply_type type;
        bool retryable;
    } cases[] = {
        {"MS-HGSA_2.2.2.6_tpm_continue.json", ATTESTATION_REPLY_TPM_CONTINUE, false},
        {"MS-HGSA_2.2.2.7_health_certificate.json", ATTESTATION_REPLY_HEALTH_CERTIFICATE, false},
        {"MS-HGSA_2.2.2.10_service_info.json", ATTESTATION_REPLY_SERVICE_INFO, false},
        {"MS-HGSA_2.2.2.11_error.json", ATTESTATION_REPLY_ERROR, false},
        {"MS-HGSA_2.2.2.14_operation_mode_error.json", ATTESTATION_REPLY_OPERATION_MODE_ERROR,
         true},
        {"MS-HGSA_2.2.2.15_payload_error.json", ATTESTATION_REPLY_PAYLOAD_ERROR, false},
        {"MS-HGSA_2.2.2.16_policy_evaluation_error.json", ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
         false},
        {"MS-HGSA_2.2.2.19_rtpm_error.json", ATTESTATION_REPLY_RTPM_ERROR, true},
        {"MS-HGSA_2.2.2.20_tcg_log_error.json", ATTESTATION_REPLY_TCG_LOG_ERROR, false},
        {"MS-HGSA_2.2.2.21_unauthorized_error.json", ATTESTATION_REPLY_UNAUTHORIZED_ERROR, false},
        {"MS-HGSA_2.2.2.22_unavailable_error.json", ATTESTATION_REPLY_UNAVAILABLE_ERROR, true},
        {"MS-HGSA_2.2.2.23_virtual_secure_mode_error.json",
         ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR, false},
        {"MS-HGSA_2.2.2.24_vsm_report_error.json", ATTESTATION_REPLY_VSM_REPORT_ERROR, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf body, again;
        testing_vector(&body, cases[i].file);
        buf_init(&again, VECTOR_MAX);
        struct attestation_reply reply;
        assert_ok(attestation_reply_parse(&reply, buf_slice(&body), err));
        assert_int_equal(reply.type, cases[i].type);
        assert_int_equal(reply.retryable, cases[i].retryable);
        attestation_reply_format(&again, &reply);
        assert_string_equal(buf_text(&again), buf_text(&body));
        for (size_t size = 0; size < body.size; size++) {
            struct attestation_reply cut;
            assert_refused(attestation_reply_parse(&cut, slice_of(body.data, size), err),
                           &base_json_malformed);
        }
        attestation_reply_done(&reply);
    }
}

static void parse_vector(struct attestation_reply *reply, const char *name)
{
    _cleanup_buf_ struct buf body;
    testing_vector(&body, name);
    assert_ok(attestation_reply_parse(reply, buf_slice(&body), err));
}

static void test_members(void **state)
{
    (void)state;
    struct attestation_reply reply;
    char text[GUID_TEXT_SIZE];
    parse_vector(&reply, "MS-HGSA_2.2.2.7_health_certificate.json");
    assert_int_equal(reply.certificate_count, 2);
    assert_int_equal(reply.certificates[0].result, ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE);
    assert_int_equal(reply.certificates[0].der.size, 4);
    assert_memory_equal(reply.certificates[0].der.data, "\x30\x82\x01\x0a", 4);
    assert_int_equal(reply.certificates[1].result, ATTESTATION_RESULT_SIGNING_CERTIFICATE);
    assert_memory_equal(reply.certificates[1].der.data, "\x30\x82\x01", 3);
    attestation_reply_done(&reply);

    parse_vector(&reply, "MS-HGSA_2.2.2.10_service_info.json");
    assert_int_equal(reply.mode, ATTESTATION_MODE_HOST_KEY);
    assert_int_equal(reply.functional_level, 2);
    assert_int_equal(reply.level_count, 2);
    assert_int_equal(reply.levels[1], 2);
    attestation_reply_done(&reply);

    parse_vector(&reply, "MS-HGSA_2.2.2.14_operation_mode_error.json");
    assert_int_equal(reply.mode, ATTESTATION_MODE_HOST_KEY);
    attestation_reply_done(&reply);

    parse_vector(&reply, "MS-HGSA_2.2.2.16_policy_evaluation_error.json");
    assert_int_equal(reply.reason_count, 2);
    assert_false(reply.reasons[0].passed);
    assert_string_equal(guid_format(&reply.reasons[0].policy, text),
                        "6a460ee1-62ea-416f-ae6c-04e29634506d");
    assert_true(reply.reasons[1].passed);
    assert_string_equal(guid_format(&reply.reasons[1].policy, text),
                        "756dc455-9528-479a-a86a-c646417316c9");
    attestation_reply_done(&reply);

    parse_vector(&reply, "MS-HGSA_2.2.2.6_tpm_continue.json");
    assert_int_equal(reply.context.size, 16);
    attestation_reply_done(&reply);

    parse_vector(&reply, "MS-HGSA_2.2.2.11_error_untyped.json");
    assert_int_equal(reply.type, ATTESTATION_REPLY_ERROR);
    assert_true(reply.retryable);
    attestation_reply_done(&reply);
}

#define TYPE(name) "\"__type\":\"" name ":#Microsoft.Windows.RemoteAttestation.Core\""

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const struct error_code *code;
    } cases[] = {
        {"<html>", &base_json_malformed},
        {"[]", &attestation_reply_malformed},
        {"{}", &base_json_malformed},
        {"{\"__type\":\"PayloadErrorReply\",\"Retryable\":false}", &attestation_reply_malformed},
        {"{" TYPE("OtherReply") ",\"Retryable\":false}", &attestation_reply_malformed},
        {"{\"Retryable\":false," TYPE("PayloadErrorReply") "}", &attestation_reply_malformed},
        {"{" TYPE("PayloadErrorReply") "}", &base_json_malformed},
        {"{" TYPE("PayloadErrorReply") ",\"Retryable\":\"no\"}", &base_json_malformed},
        {"{" TYPE("OperationModeErrorReply") ",\"Retryable\":true,\"ExpectedOperationMode\":4}",
         &attestation_reply_malformed},
        {"{" TYPE("OperationModeErrorReply") ",\"Retryable\":true}", &base_json_malformed},
        {"{" TYPE("HealthCertificateReply") ",\"Content\":[]}", &attestation_reply_malformed},
        {"{" TYPE("HealthCertificateReply") ",\"Content\":[1]}", &base_json_malformed},
        {"{" TYPE("HealthCertificateReply") ",\"Content\":[{\"m_Item1\":4,\"m_Item2\":\"AA==\"}]}",
         &attestation_reply_malformed},
        {"{" TYPE("HealthCertificateReply") ",\"Content\":[{\"m_Item1\":1,\"m_Item2\":\"\"}]}",
         &attestation_reply_malformed},
        {"{" TYPE("HealthCertificateReply") ",\"Content\":[{\"m_Item1\":1,\"m_Item2\":\"AA==\"},"
                                            "{\"m_Item1\":1,\"m_Item2\":\"AA==\"},{\"m_Item1\":1,"
                                            "\"m_Item2\":\"AA==\"},"
                                            "{\"m_Item1\":1,\"m_Item2\":\"AA==\"}]}",
         &attestation_reply_malformed},
        {"{" TYPE("ServiceInfoReply") ",\"FunctionalLevel\":4294967296,\"OperationMode\":3,"
                                      "\"SupportedFunctionalLevels\":[]}",
         &attestation_reply_malformed},
        {"{" TYPE("ServiceInfoReply") ",\"FunctionalLevel\":1,\"OperationMode\":9,"
                                      "\"SupportedFunctionalLevels\":[]}",
         &attestation_reply_malformed},
        {"{" TYPE("ServiceInfoReply") ",\"FunctionalLevel\":1,\"OperationMode\":3,"
                                      "\"SupportedFunctionalLevels\":[\"1\"]}",
         &attestation_reply_malformed},
        {"{" TYPE("PolicyEvaluationErrorReply") ",\"Retryable\":true,\"Reasons\":[{\"Result\":true,"
                                                "\"Reason\":\"AA==\"}]}",
         &base_guid_malformed},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_reply reply;
        struct error err = {0};
        bool good = attestation_reply_parse(&reply, slice_from_text(cases[i].body), &err);
        if (good || err.code != cases[i].code)
            fail_msg("case %zu, %s: %s", i, cases[i].body, good ? "accepted" : err.code->name);
    }
}

static void test_too_many_reasons(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf body;
    buf_init(&body, VECTOR_MAX);
    buf_append_text(&body, "{" TYPE("PolicyEvaluationErrorReply") ",\"Retryable\":true,"
                                                                  "\"Reasons\":[");
    for (int i = 0; i <= ATTESTATION_REASONS_MAX; i++)
        buf_append_format(&body, "%s{\"Result\":true,\"Reason\":\"4Q5Gaupib0GubATiljRQbQ==\"}",
                          i == 0 ? "" : ",");
    buf_append_text(&body, "]}");
    struct attestation_reply reply;
    assert_refused(attestation_reply_parse(&reply, buf_slice(&body), err),
                   &attestation_reply_malformed);
}

static void test_signing_certificates(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf body, der, again;
    testing_vector(&body, "MS-HGSA_3.1.5.5.1.2_signing_certificates.json");
    buf_init(&der, VECTOR_MAX);
    buf_init(&again, VECTOR_MAX);
    assert_ok(attestation_reply_parse_signing_certificates(&der, buf_slice(&body), err));
    assert_int_equal(der.size, 7);
    assert_memory_equal(der.data, "\x30\x82\x01\x00\xff\x09\x0a", 7);
    attestation_reply_format_signing_certificates(&again, buf_slice(&der));
    assert_string_equal(buf_text(&again), buf_text(&body));

    static const char *const bad[] = {"{}", "[]", "[256]", "[-1]", "[1.5]", "[\"48\"]", "[[48]]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(
            attestation_reply_parse_signing_certificates(&again, slice_from_text(bad[i]), err),
            &attestation_reply_malformed);
    assert_int_equal(again.size, body.size); /* untouched by failures */
}

/* protocol.md 2.3, what-if. */
static void test_evaluation(void **state)
{
    (void)state;
    struct verdict_policy policies[] = {
        {.name = (char *)"Hgs_A", .result = VERDICT_PASSED, .guid = {{1}}, .reason = (char *)"x"},
        {.name = (char *)"b",
         .result = VERDICT_NOT_EVALUATED,
         .guid = {{2}},
         .reason = (char *)"y"},
    };
    struct verdict verdict = {.passed = true, .policies = policies, .count = 2};
    _cleanup_attestation_reply_ struct attestation_reply sent = {0}, got = {0};
    _cleanup_buf_ struct buf text;
    buf_init(&text, VECTOR_MAX);
    attestation_reply_from_verdict(&sent, &verdict);
    attestation_reply_format(&text, &sent);
    assert_string_equal(
        buf_text(&text),
        "{\"__type\":\"EvaluationReply:#Microsoft.Windows.RemoteAttestation.Core\",\"Result\":true,"
        "\"Policies\":[{\"Name\":\"Hgs_A\",\"Result\":\"Passed\",\"Reason\":"
        "\"AQAAAAAAAAAAAAAAAAAAAA==\",\"Text\":\"x\"},{\"Name\":\"b\",\"Result\":\"NotEvaluated\","
        "\"Reason\":\"AgAAAAAAAAAAAAAAAAAAAA==\",\"Text\":\"y\"}]}");
    assert_ok(attestation_reply_parse(&got, buf_slice(&text), err));
    assert_int_equal(got.type, ATTESTATION_REPLY_EVALUATION);
    assert_false(attestation_reply_is_error(got.type));
    assert_true(got.passed);
    assert_int_equal(got.policy_count, 2);
    assert_string_equal(got.policies[0].name, "Hgs_A");
    assert_int_equal(got.policies[1].result, VERDICT_NOT_EVALUATED);
    assert_int_equal(got.policies[1].reason.bytes[0], 2);
    assert_string_equal(got.policies[1].text, "y");
}

static void test_bad_evaluations(void **state)
{
    (void)state;
#define EVALUATION "{\"__type\":\"EvaluationReply:#Microsoft.Windows.RemoteAttestation.Core\","
#define POLICY(name, result)                                                            \
    EVALUATION "\"Result\":true,\"Policies\":[{\"" name "\":\"a\",\"Result\":\"" result \
               "\",\"Reason\":\"AQAAAAAAAAAAAAAAAAAAAA==\",\"Text\":\"x\"}]}"
    static const char *const bad[] = {
        EVALUATION "\"Result\":1,\"Policies\":[]}",
        EVALUATION "\"Result\":true}",
        EVALUATION "\"Result\":true,\"Policies\":[1]}",
        POLICY("Nome", "Passed"),
        POLICY("Name", "passed"),
        POLICY("Name", ""),
    };
    struct attestation_reply got;
    _cleanup_buf_ struct buf text;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (attestation_reply_parse(&got, slice_from_text(bad[i]), NULL))
            fail_msg("accepted: %s", bad[i]);
    assert_refused(attestation_reply_parse(&got, slice_from_text(POLICY("Name", "ok")), err),
                   &attestation_reply_malformed);
    buf_init(&text, VECTOR_MAX);
    buf_append_text(&text, EVALUATION "\"Result\":true,\"Policies\":[");
    for (int i = 0; i <= ATTESTATION_EVALUATED_MAX; i++)
        buf_append_text(&text, i == 0 ? "{}" : ",{}");
    buf_append_text(&text, "]}");
    assert_refused(attestation_reply_parse(&got, buf_slice(&text), err),
                   &attestation_reply_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_too_many_reasons),
        cmocka_unit_test(test_evaluation),
        cmocka_unit_test(test_bad_evaluations),
        cmocka_unit_test(test_signing_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
