/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/message_request.h"

static const char guid_text[] = "6a460ee1-62ea-416f-ae6c-04e29634506d";

static void assert_guid(const struct guid *guid)
{
    char text[GUID_TEXT_SIZE];
    assert_string_equal(guid_format(guid, text), guid_text);
}

static void test_parse(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf body;
    testing_vector(&body, "MS-HGSA_2.2.2.1_request.json");
    struct attestation_request request;
    assert_ok(attestation_request_parse(&request, buf_slice(&body), err));
    assert_guid(&request.session);
    assert_int_equal(request.requested_count, 1);
    assert_int_equal(request.requested[0], ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE);
    testing_assert_slice(request.content[ATTESTATION_CONTENT_IDENTITY_KEY], "identity");
    testing_assert_slice(request.content[ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY], "host");
    testing_assert_slice(request.content[ATTESTATION_CONTENT_HOST_KEY_SIGNATURE], "signature");
    assert_int_equal(request.content[ATTESTATION_CONTENT_RTPM_CONTEXT].size, 0);

    /* and written again it is the same text */
    _cleanup_buf_ struct buf again;
    buf_init(&again, VECTOR_MAX);
    attestation_request_format(&again, &request);
    assert_string_equal(buf_text(&again), buf_text(&body));
    attestation_request_done(&request);
}

static void test_parse_other_forms(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf body;
    testing_vector(&body, "MS-HGSA_2.2.2.1_request_wcf.json");
    struct attestation_request request;
    assert_ok(attestation_request_parse(&request, buf_slice(&body), err));
    assert_guid(&request.session);
    assert_int_equal(request.requested_count, 2);
    assert_int_equal(request.requested[0], ATTESTATION_RESULT_SIGNING_CERTIFICATE);
    assert_int_equal(request.requested[1], ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE);
    struct slice identity = request.content[ATTESTATION_CONTENT_IDENTITY_KEY];
    assert_int_equal(identity.size, 4);
    assert_memory_equal(identity.data, "id\0\xff", 4);
    attestation_request_done(&request);
}

#define SESSION "\"SessionId\":\"4Q5Gaupib0GubATiljRQbQ==\","
#define ONE "\"RequestedContent\":[1],"
#define NONE_PROVIDED "\"ProvidedContent\":[]"
#define PROVIDED(items) "{" SESSION ONE "\"ProvidedContent\":[" items "]}"

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const struct error_code *code;
    } cases[] = {
        {"", &base_json_malformed},
        {"[]", &attestation_payload_malformed},
        {"\"text\"", &attestation_payload_malformed},
        {"{}", &base_json_malformed},
        {"{" SESSION ONE NONE_PROVIDED "}x", &base_json_malformed},
        {"{" SESSION SESSION ONE NONE_PROVIDED "}", &base_json_malformed},
        {"{\"SessionId\":\"nonsense\"," ONE NONE_PROVIDED "}", &base_guid_malformed},
        {"{\"SessionId\":7," ONE NONE_PROVIDED "}", &base_json_malformed},
        {"{" ONE NONE_PROVIDED "}", &base_json_malformed},
        {"{" SESSION NONE_PROVIDED "}", &base_json_malformed},
        {"{" SESSION "\"RequestedContent\":[1]}", &base_json_malformed},
        {"{" SESSION "\"RequestedContent\":1," NONE_PROVIDED "}", &base_json_malformed},
        {"{" SESSION "\"RequestedContent\":[]," NONE_PROVIDED "}", &attestation_payload_malformed},
        {"{" SESSION "\"RequestedContent\":[0]," NONE_PROVIDED "}", &attestation_payload_malformed},
        {"{" SESSION "\"RequestedContent\":[4]," NONE_PROVIDED "}", &attestation_payload_malformed},
        {"{" SESSION "\"RequestedContent\":[1.5]," NONE_PROVIDED "}",
         &attestation_payload_malformed},
        {"{" SESSION "\"RequestedContent\":[\"1\"]," NONE_PROVIDED "}",
         &attestation_payload_malformed},
        {"{" SESSION "\"RequestedContent\":[1,1]," NONE_PROVIDED "}",
         &attestation_payload_malformed},
        {"{" SESSION "\"RequestedContent\":[1,2,3,1]," NONE_PROVIDED "}",
         &attestation_payload_malformed},
        {"{\"__type\":\"ADRequest:#Microsoft.Windows.RemoteAttestation.Core\"," SESSION ONE
             NONE_PROVIDED "}",
         &attestation_payload_malformed},
        {"{" SESSION
         "\"__type\":\"AttestationRequest:#Microsoft.Windows.RemoteAttestation.Core\"," ONE
             NONE_PROVIDED "}",
         &attestation_payload_malformed},
        {"{\"__type\":1," SESSION ONE NONE_PROVIDED "}", &base_json_malformed},
        {PROVIDED("1"), &attestation_payload_malformed},
        {PROVIDED("{}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":1}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":0,\"m_Item2\":\"AA==\"}"), &attestation_payload_malformed},
        {PROVIDED("{\"m_Item1\":10,\"m_Item2\":\"AA==\"}"), &attestation_payload_malformed},
        {PROVIDED("{\"m_Item1\":-1,\"m_Item2\":\"AA==\"}"), &attestation_payload_malformed},
        {PROVIDED("{\"m_Item1\":1e300,\"m_Item2\":\"AA==\"}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":1,\"m_Item2\":\"\"}"), &attestation_payload_malformed},
        {PROVIDED("{\"m_Item1\":1,\"m_Item2\":\"A\"}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":1,\"m_Item2\":\"AA= =\"}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":1,\"m_Item2\":[256]}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":1,\"m_Item2\":[-1]}"), &base_json_malformed},
        {PROVIDED("{\"m_Item1\":1,\"m_Item2\":\"AA==\"},{\"m_Item1\":1,\"m_Item2\":\"AA==\"}"),
         &attestation_payload_malformed},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_request request;
        struct error err = {0};
        bool good = attestation_request_parse(&request, slice_from_text(cases[i].body), &err);
        if (good || err.code != cases[i].code)
            fail_msg("case %zu, %s: %s", i, cases[i].body, good ? "accepted" : err.code->name);
    }
}

static void test_truncated_everywhere(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf body;
    testing_vector(&body, "MS-HGSA_2.2.2.1_request.json");
    for (size_t size = 0; size < body.size; size++) {
        /* a copy of that size, so that the sanitizer sees a read past it */
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        copy = realloc(copy, size == 0 ? 1 : size);
        assert_non_null(copy);
        memcpy(copy, body.data, size);
        struct attestation_request request;
        assert_refused(attestation_request_parse(&request, slice_of(copy, size), err),
                       &base_json_malformed);
        free(copy);
    }
}

static void test_deep(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf body;
    buf_init(&body, VECTOR_MAX);
    buf_append_text(&body, "{\"x\":");
    for (int i = 0; i < 10000; i++)
        buf_append_u8(&body, '[');
    struct attestation_request request;
    assert_refused(attestation_request_parse(&request, buf_slice(&body), err), &base_json_too_deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),   cmocka_unit_test(test_parse_other_forms),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
