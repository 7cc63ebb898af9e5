/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of MS-KPS, both directions. */
#include "keyprotection/message.h"
#include "../testing.h"
#include "base/buf.h"
#include "base/memory.h"
#include "keyprotection/errors.h"
#include "protector/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "http://schemas.microsoft.com/kps/2014/07/service"

/* As another client would write it: white space, another prefix, no declaration. */
static const char request_text[] =
    "<k:RollTransportKeyRequest xmlns:k=\"" SERVICE "\">\n"
    "  <k:IngressProtector>PFByb3Rl\n  Y3Rvci8+</k:IngressProtector>\n"
    "  <k:HealthCertificate>MIIB</k:HealthCertificate>\n"
    "  <k:TransferKeyEncryptionAlgorithm>http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
    "</k:TransferKeyEncryptionAlgorithm>\n"
    "  <k:WrappingKeyEncryptionAlgorithm>http://www.w3.org/2001/04/xmlenc#kw-aes256"
    "</k:WrappingKeyEncryptionAlgorithm>\n"
    "  <k:TransportKeysEncryptionAlgorithm>http://www.w3.org/2009/xmlenc11#aes256-gcm"
    "</k:TransportKeysEncryptionAlgorithm>\n"
    "</k:RollTransportKeyRequest>";

static const char response_text[] =
    "<RollTransportKeyResponse xmlns=\"" SERVICE "\"><EgressProtector>UA==</EgressProtector>"
    "<EncryptedTransferKey>VA==</EncryptedTransferKey>"
    "<EncryptedWrappingKey>Vw==</EncryptedWrappingKey>"
    "<EncryptedTransportKeys>Sw==</EncryptedTransportKeys></RollTransportKeyResponse>";

static char *edited(const char *document, const char *from, const char *to)
{
    const char *at = strstr(document, from);
    if (!at)
        fail_msg("no \"%s\" to edit", from);
    return memory_format("%.*s%s%s", (int)(at - document), document, to, at + strlen(from));
}

static void a_request_is_read(void **state)
{
    (void)state;
    _cleanup_roll_request_ struct roll_request request = {0};
    assert_ok(roll_request_parse(&request, slice_from_text(request_text), err));
    assert_string_equal(buf_text(&request.ingress_protector), "<Protector/>");
    assert_int_equal(request.health_certificate.size, 3);
    assert_int_equal(request.transfer_key_algorithm, ENCRYPTION_RSA_OAEP_SHA1);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf text, again;
    buf_init(&text, 4096);
    roll_request_format(&text, slice_from_text("p"), slice_from_text("h"),
                        ENCRYPTION_RSA_OAEP_SHA256);
    _cleanup_roll_request_ struct roll_request request = {0};
    assert_ok(roll_request_parse(&request, buf_slice(&text), err));
    assert_string_equal(buf_text(&request.ingress_protector), "p");
    assert_string_equal(buf_text(&request.health_certificate), "h");
    assert_int_equal(request.transfer_key_algorithm, ENCRYPTION_RSA_OAEP_SHA256);

    _cleanup_roll_response_ struct roll_response response = {0}, copy = {0};
    assert_ok(roll_response_parse(&response, slice_from_text(response_text), err));
    assert_string_equal(buf_text(&response.egress_protector), "P");
    assert_string_equal(buf_text(&response.encrypted_transfer_key), "T");
    assert_string_equal(buf_text(&response.encrypted_wrapping_key), "W");
    assert_string_equal(buf_text(&response.encrypted_transport_keys), "K");
    buf_init(&again, 4096);
    roll_response_format(&again, &response);
    assert_ok(roll_response_parse(&copy, buf_slice(&again), err));
    assert_string_equal(buf_text(&copy.encrypted_transport_keys), "K");
}

static const struct hostile {
    const char *from, *to;
    const struct error_code *code;
} hostile_requests[] = {
    {"<k:RollTransportKeyRequest ", "<!DOCTYPE x><k:RollTransportKeyRequest ",
     &keyprotection_request_malformed},
    {SERVICE, "http://schemas.microsoft.com/kps/2014/07", &keyprotection_request_malformed},
    {"<k:IngressProtector>", "<k:Other/><k:IngressProtector>", &keyprotection_request_malformed},
    {"<k:IngressProtector>", "<k:IngressProtector/><k:IngressProtector>",
     &keyprotection_request_malformed},
    {"<k:IngressProtector>", "<k:IngressProtector a=\"b\">", &keyprotection_request_malformed},
    {"<k:IngressProtector>", "x<k:IngressProtector>", &keyprotection_request_malformed},
    {"PFByb3Rl\n  Y3Rvci8+", "", &keyprotection_request_malformed},
    {"PFByb3Rl", "PFByb3R", &keyprotection_request_malformed},
    {"MIIB", "M I=B", &keyprotection_request_malformed},
    {"<k:HealthCertificate>MIIB</k:HealthCertificate>", "", &keyprotection_request_malformed},
    {"</k:RollTransportKeyRequest>", "<k:More/></k:RollTransportKeyRequest>",
     &keyprotection_request_malformed},
    {"xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5", &protector_algorithm},
    {"xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-oaep-mgf1p ", &protector_algorithm},
    {"xmlenc#kw-aes256", "xmlenc#kw-aes128", &protector_algorithm},
    {"xmlenc11#aes256-gcm", "xmlenc11#aes128-gcm", &protector_algorithm},
    {"http://www.w3.org/2009/xmlenc11#aes256-gcm", "", &protector_algorithm},
};

static void hostile_requests_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile_requests / sizeof hostile_requests[0]; i++) {
        const struct hostile *row = &hostile_requests[i];
        _cleanup_free_ char *text = edited(request_text, row->from, row->to);
        struct roll_request request;
        assert_refused(roll_request_parse(&request, slice_from_text(text), err), row->code->name);
    }
}

static void a_health_certificate_of_a_megabyte_is_refused(void **state)
{
    (void)state;
    char *large = memory_allocate(700001);
    memset(large, 'A', 700000);
    large[700000] = '\0';
    _cleanup_free_ char *text = edited(request_text, "MIIB", large);
    struct roll_request request;
    assert_refused(roll_request_parse(&request, slice_from_text(text), err),
                   "keyprotection.request-malformed");
    free(large);
}

/* hgsd.conf may admit what is larger than its default. */
static void a_large_request_is_read(void **state)
{
    (void)state;
    const size_t space = MESSAGE_SIZE_MAX - strlen(request_text);
    _cleanup_buf_ struct buf text;
    buf_init(&text, MESSAGE_SIZE_MAX + 1);
    buf_append_text(&text, request_text);
    memset(buf_reserve(&text, space + 1), ' ', space + 1);
    buf_added(&text, space);
    _cleanup_roll_request_ struct roll_request request = {0};
    struct error why = {0};
    assert_true(roll_request_parse(&request, buf_slice(&text), &why));
    buf_added(&text, 1);
    struct roll_request larger;
    assert_refused(roll_request_parse(&larger, buf_slice(&text), err),
                   "keyprotection.request-malformed");
}

static void truncated_messages_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(request_text); size++) {
        struct roll_request request;
        assert_refused(roll_request_parse(&request, slice_of(request_text, size), err),
                       "keyprotection.request-malformed");
    }
    for (size_t size = 0; size < strlen(response_text); size++) {
        struct roll_response response;
        assert_refused(roll_response_parse(&response, slice_of(response_text, size), err),
                       "keyprotection.reply-malformed");
    }
}

static void hostile_responses_are_refused(void **state)
{
    (void)state;
    static const char *const edits[][2] = {
        {"RollTransportKeyResponse xmlns=\"" SERVICE "\"", "RollTransportKeyResponse"},
        {"<EncryptedTransferKey>VA==</EncryptedTransferKey>", ""},
        {"VA==", ""},
        {"VA==", "VA="},
        {"<EncryptedWrappingKey>", "<EncryptedWrappingKey x=\"\">"},
        {"</RollTransportKeyResponse>", "<X/></RollTransportKeyResponse>"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        _cleanup_free_ char *text = edited(response_text, edits[i][0], edits[i][1]);
        struct roll_response response;
        assert_refused(roll_response_parse(&response, slice_from_text(text), err),
                       "keyprotection.reply-malformed");
    }
}

static void an_error_is_written_and_read(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf text, code, message;
    buf_init(&text, 4096);
    buf_init(&code, 4096);
    buf_init(&message, 4096);
    roll_error_format(&text, "InvalidProtectorException", "<&>\"' \x01\x80\xc3(");
    assert_ok(roll_error_parse(&code, &message, buf_slice(&text), err));
    assert_string_equal(buf_text(&code), "InvalidProtectorException");
    assert_string_equal(buf_text(&message), "<&>\"' ??\?(");
}

static void what_is_no_error_document_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "<Error/>",
        "<Error xmlns=\"" SERVICE "\"/>",
        "<Error xmlns=\"" SERVICE "\"><Code>a</Code></Error>",
        "<Error xmlns=\"" SERVICE "\"><Message>a</Message><Code>a</Code></Error>",
        "<Error xmlns=\"" SERVICE "\"><Code><a/></Code><Message/></Error>",
        "<html><body>502</body></html>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        _cleanup_buf_ struct buf code, message;
        buf_init(&code, 64);
        buf_init(&message, 64);
        assert_refused(roll_error_parse(&code, &message, slice_from_text(texts[i]), err),
                       "keyprotection.reply-malformed");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(hostile_requests_are_refused),
        cmocka_unit_test(a_health_certificate_of_a_megabyte_is_refused),
        cmocka_unit_test(a_large_request_is_read),
        cmocka_unit_test(truncated_messages_are_refused),
        cmocka_unit_test(hostile_responses_are_refused),
        cmocka_unit_test(an_error_is_written_and_read),
        cmocka_unit_test(what_is_no_error_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
