/* SPDX-License-Identifier: Apache-2.0 */
/* Which Error code and status each refusal has (protocol.md 3). */
#include "keyprotection/error_reply.h"
#include "../testing.h"
#include "audit/errors.h"
#include "base/errors.h"
#include "keyholder/errors.h"
#include "keyprotection/errors.h"
#include "keyprotection/message.h"
#include "protector/errors.h"

#include <string.h>

static void refusals_have_their_codes(void **state)
{
    (void)state;
    static const struct {
        const struct error_code *code;
        const char *name;
        unsigned status;
        bool words; /* whether ours are passed on */
    } rows[] = {
        {&health_untrusted, "HealthCertificateException", 403, true},
        {&health_denied, "HealthCertificateException", 403, true},
        {&health_expired, "HealthCertificateException", 403, true},
        {&health_profile, "HealthCertificateException", 403, true},
        {&health_malformed, "HealthCertificateException", 400, true},
        {&protector_malformed, "InvalidProtectorException", 400, true},
        {&protector_signature, "InvalidProtectorException", 400, true},
        {&protector_opaque, "InvalidProtectorException", 400, true},
        {&protector_no_wrapping, "InvalidProtectorException", 400, true},
        {&protector_wrapping_invalid, "InvalidWrappingException", 400, true},
        {&protector_chain, "InvalidWrappingException", 400, true},
        {&keyprotection_no_encryption_certificate, "Primary Encryption Certificate not found", 500,
         true},
        {&keyprotection_no_signing_certificate, "Primary Signing Certificate not found", 500, true},
        {&keyprotection_metadata_unsigned, "ServiceUnavailableException", 503, true},
        {&keyholder_token_away, "ServiceUnavailableException", 503, false},
        {&token_module, "ServiceUnavailableException", 503, false},
        {&token_key_usage, "ServiceUnavailableException", 503, false},
        {&token_mechanism, "ServiceUnavailableException", 503, false},
        {&keyholder_purpose, "InternalException", 500, false},
        {&keyholder_away, "ServiceUnavailableException", 503, false},
        {&audit_unwritable, "ServiceUnavailableException", 503, false},
        {&audit_busy, "ServiceUnavailableException", 503, false},
        {&keyprotection_busy, "ServiceUnavailableException", 503, false},
        {&keyholder_key_unknown, "ServiceUnavailableException", 503, false},
        {&base_file_unwritable, "InternalException", 500, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error cause = {0};
        unsigned status = 0;
        _cleanup_buf_ struct buf text, code, message;
        buf_init(&text, 8192);
        buf_init(&code, 8192);
        buf_init(&message, 8192);
        error_set(&cause, rows[i].code, "clause", "object", "particular words");
        error_reply_format(&text, &status, &cause);
        assert_int_equal(status, rows[i].status);
        assert_ok(roll_error_parse(&code, &message, buf_slice(&text), err));
        assert_string_equal(buf_text(&code), rows[i].name);
        assert_non_null(strstr(buf_text(&message), rows[i].code->name));
        assert_true(rows[i].words == (strstr(buf_text(&message), "particular words") != NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_have_their_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
