/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/tpm_request.h"

#define SESSION "\"SessionId\":\"AQIDBAUGBwgJCgsMDQ4PEA==\""
#define CORE ":#Microsoft.Windows.RemoteAttestation.Core\""
#define INITIAL "\"__type\":\"TpmRequestInitial" CORE
#define CONTINUE "\"__type\":\"TpmRequestContinue" CORE

static bool parse(struct attestation_tpm_request *out, unsigned version, const char *body,
                  struct error *err)
{
    return attestation_tpm_request_parse(out, version, slice_from_text(body), err);
}

static void first_version(void **state)
{
    (void)state;
    static const struct {
        const char *body, *key, *context;
    } cases[] = {
        {"{" INITIAL "," SESSION ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"a2V5\"}",
         "key", ""},
        {"{" INITIAL "," SESSION
         ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":{\"Key\":\"a2V5\"}}",
         "key", ""},
        {"{" CONTINUE "," SESSION ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"a2V5\","
         "\"RtpmNewContext\":\"Y29udGV4dA==\"}",
         "key", "context"},
        {"{" CONTINUE "," SESSION ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"a2V5\","
         "\"RtpmNewContext\":\"\"}",
         "key", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_attestation_tpm_request_ struct attestation_tpm_request got = {0};
        assert_ok(parse(&got, 1, cases[i].body, err));
        assert_int_equal(got.version, 1);
        assert_int_equal(got.session.bytes[15], 16);
        assert_int_equal(got.requested_count, 1);
        testing_assert_slice(got.endorsement_key, cases[i].key);
        testing_assert_slice(got.context, cases[i].context);
        assert_int_equal(got.certificate.size, 0);
    }
}

/* As WCF writes byte arrays: more numbers than a document may have values. */
static void numbers_are_a_large_context(void **state)
{
    (void)state;
    const size_t size = 400000;
    _cleanup_buf_ struct buf body;
    _cleanup_attestation_tpm_request_ struct attestation_tpm_request got = {0};
    buf_init(&body, 4 * size);
    buf_append_text(&body, "{" CONTINUE "," SESSION ",\"RequestedContent\":[1],"
                           "\"RtpmPublicEndorsementKey\":[107,101,121],\"RtpmNewContext\":[0");
    for (size_t i = 1; i < size; i++)
        buf_append_format(&body, ",%u", (unsigned)(i % 251));
    buf_append_text(&body, "]}");
    assert_ok(attestation_tpm_request_parse(&got, 1, buf_slice(&body), err));
    testing_assert_slice(got.endorsement_key, "key");
    assert_int_equal(got.context.size, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(got.context.data[i], i % 251);
}

static void second_version(void **state)
{
    (void)state;
    _cleanup_attestation_tpm_request_ struct attestation_tpm_request got = {0}, wrapped = {0};
    assert_ok(parse(&got, 2,
                    "{" SESSION ",\"RequestedContent\":[2,1],\"ProvidedContent\":["
                    "{\"m_Item1\":4,\"m_Item2\":\"Y2VydA==\"},"
                    "{\"m_Item1\":2,\"m_Item2\":\"Y29udGV4dA==\"},"
                    "{\"m_Item1\":1,\"m_Item2\":\"a2V5\"}]}",
                    err));
    assert_int_equal(got.version, 2);
    assert_int_equal(got.requested_count, 2);
    assert_int_equal(got.requested[0], ATTESTATION_RESULT_SIGNING_CERTIFICATE);
    testing_assert_slice(got.certificate, "cert");
    testing_assert_slice(got.context, "context");
    testing_assert_slice(got.endorsement_key, "key");
    /* {"Key":"a2V5"}: EndorsementKey, MS-HGSA 2.2.2.12 */
    assert_ok(parse(&wrapped, 2,
                    "{" SESSION ",\"RequestedContent\":[1],\"ProvidedContent\":["
                    "{\"m_Item1\":1,\"m_Item2\":\"eyJLZXkiOiJhMlY1In0=\"}]}",
                    err));
    testing_assert_slice(wrapped.endorsement_key, "key");
    assert_int_equal(wrapped.context.size, 0);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
#define ITEM(type)                                                                   \
    "{" SESSION ",\"RequestedContent\":[1],\"ProvidedContent\":[{\"m_Item1\":" #type \
    ",\"m_Item2\":\"AAAA\"}]}"
    static const struct {
        unsigned version;
        const char *body;
        const struct error_code *code;
    } cases[] = {
        {2, ITEM(3), &attestation_content_refused},
        {2, ITEM(5), &attestation_content_refused},
        {2, ITEM(6), &attestation_content_refused},
        {2, ITEM(7), &attestation_content_refused},
        {2, ITEM(8), &attestation_content_refused},
        {2, ITEM(9), &attestation_content_refused},
        {2, ITEM(2), &attestation_payload_malformed}, /* nobody asks */
        {2, ITEM(10), &attestation_payload_malformed},
        {2,
         "{" SESSION ",\"RequestedContent\":[3],\"ProvidedContent\":[{\"m_Item1\":1,\"m_Item2\":"
         "\"AAAA\"}]}",
         &attestation_content_refused},
        {2,
         "{" SESSION ",\"RequestedContent\":[1],\"ProvidedContent\":["
         "{\"m_Item1\":1,\"m_Item2\":\"eyJLZXkiOjd9\"}]}", /* {"Key":7} */
         &base_json_malformed},
        {1, "[]", &attestation_payload_malformed},
        {1, "{" SESSION "}", &base_json_malformed},
        {1, "{" SESSION "," INITIAL "}", &attestation_payload_malformed}, /* not the first */
        {1, "{\"__type\":\"AttestationRequest" CORE "," SESSION "}",
         &attestation_payload_malformed},
        {1, "{" INITIAL ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"AAAA\"}",
         &base_json_malformed},
        {1,
         "{" INITIAL "," SESSION ",\"RequestedContent\":[],\"RtpmPublicEndorsementKey\":\"AAAA\"}",
         &attestation_payload_malformed},
        {1,
         "{" INITIAL "," SESSION ",\"RequestedContent\":[3],\"RtpmPublicEndorsementKey\":\"AAAA\"}",
         &attestation_content_refused},
        {1, "{" INITIAL "," SESSION ",\"RequestedContent\":[1]}", &base_json_malformed},
        {1, "{" INITIAL "," SESSION ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"\"}",
         &attestation_payload_malformed},
        {1, "{" INITIAL "," SESSION ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"A\"}",
         &base_json_malformed},
        {1,
         "{" CONTINUE "," SESSION
         ",\"RequestedContent\":[1],\"RtpmPublicEndorsementKey\":\"AAAA\"}",
         &base_json_malformed},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_tpm_request got;
        struct error err = {0};
        if (parse(&got, cases[i].version, cases[i].body, &err) || err.code != cases[i].code)
            fail_msg("case %zu: %s", i, err.code == NULL ? "accepted" : err.code->name);
    }
}

/* No certificate and no public area is so large. */
static void large_keys_are_refused(void **state)
{
    (void)state;
    struct attestation_tpm_request got;
    _cleanup_buf_ struct buf body;
    buf_init(&body, VECTOR_MAX);
    buf_append_text(&body, "{" SESSION ",\"RequestedContent\":[1],\"ProvidedContent\":["
                           "{\"m_Item1\":4,\"m_Item2\":\"");
    for (int i = 0; i < 20000; i++)
        buf_append_text(&body, "AAAA");
    buf_append_text(&body, "\"}]}");
    assert_refused(attestation_tpm_request_parse(&got, 2, buf_slice(&body), err),
                   &attestation_payload_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_version),          cmocka_unit_test(numbers_are_a_large_context),
        cmocka_unit_test(second_version),         cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(large_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
