/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/settings.h"

static bool parse(struct attestation_settings *settings, const char *text, struct error *err)
{
    return attestation_settings_parse(settings, slice_from_text(text), err);
}

static void test_defaults(void **state)
{
    (void)state;
    struct attestation_settings settings;
    attestation_settings_init(&settings);
    assert_int_equal(settings.mode, ATTESTATION_MODE_UNKNOWN);
    settings.mode = ATTESTATION_MODE_AD;
    settings.signer_lifetime_days = 99;
    assert_ok(parse(&settings, "{\"other\":[]}", err));
    assert_int_equal(settings.mode, ATTESTATION_MODE_AD);
    assert_int_equal(settings.health_certificate_seconds, 28800);
    assert_int_equal(settings.clock_tolerance_seconds, 300);
    assert_int_equal(settings.clock_warning_seconds, 0);
    assert_int_equal(attestation_settings_clock_bound(&settings), 300); /* the tolerance */
    assert_int_equal(settings.rtpm_exchange_seconds, 120);
    assert_int_equal(settings.functional_level, ATTESTATION_FUNCTIONAL_LEVEL);
    assert_int_equal(settings.signer_lifetime_days, 30);
    assert_int_equal(settings.signer_key, ATTESTATION_SIGNER_KEY_RSA2048);
    assert_false(settings.allow_unprotected_signing_keys);
}

static void test_all(void **state)
{
    (void)state;
    struct attestation_settings settings;
    attestation_settings_init(&settings);
    assert_ok(parse(&settings,
                    "{\"health_certificate_seconds\":300,\"clock_tolerance_seconds\":0,"
                    "\"signer_lifetime_days\":825,\"signer_key\":\"p256\","
                    "\"allow_unprotected_signing_keys\":true}",
                    err));
    assert_int_equal(settings.health_certificate_seconds, 300);
    assert_int_equal(settings.clock_tolerance_seconds, 0);
    assert_int_equal(attestation_settings_clock_bound(&settings), 2);
    assert_int_equal(settings.signer_lifetime_days, 825);
    assert_int_equal(settings.signer_key, ATTESTATION_SIGNER_KEY_P256);
    assert_true(settings.allow_unprotected_signing_keys);
    assert_ok(parse(&settings, "{\"clock_warning_seconds\":86400}", err));
    assert_int_equal(attestation_settings_clock_bound(&settings), 86400);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const out_of_bounds[] = {
        "{\"health_certificate_seconds\":299}", "{\"health_certificate_seconds\":604801}",
        "{\"clock_tolerance_seconds\":-1}",     "{\"clock_tolerance_seconds\":3601}",
        "{\"signer_lifetime_days\":1}",         "{\"signer_lifetime_days\":826}",
        "{\"signer_key\":\"rsa1024\"}",         "[]",
        "{\"clock_warning_seconds\":-1}",       "{\"clock_warning_seconds\":86401}",
        "{\"rtpm_exchange_seconds\":9}",        "{\"rtpm_exchange_seconds\":3601}",
    };
    struct attestation_settings settings, before;
    attestation_settings_init(&settings);
    before = settings;
    static const char *const levels[] = {"0", "3", "\"2\""};
    for (size_t i = 0; i < 3; i++) {
        char record[64];
        snprintf(record, sizeof record, "{\"mode\":\"tpm\",\"functional_level\":%s}", levels[i]);
        assert_false(attestation_settings_parse_service(&settings, slice_from_text(record), NULL));
        assert_memory_equal(&settings, &before, sizeof settings);
    }
    for (size_t i = 0; i < sizeof out_of_bounds / sizeof out_of_bounds[0]; i++)
        assert_refused(parse(&settings, out_of_bounds[i], err), &attestation_settings_malformed);
    assert_refused(parse(&settings, "{\"signer_lifetime_days\":\"30\"}", err),
                   &base_json_malformed);
    assert_refused(parse(&settings, "{\"allow_unprotected_signing_keys\":1}", err),
                   &base_json_malformed);
    assert_refused(parse(&settings, "{", err), &base_json_malformed);
    assert_memory_equal(&settings, &before, sizeof settings);
}

static void test_service(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum attestation_mode mode;
    } cases[] = {
        {"{\"name\":\"n\",\"mode\":\"tpm\"}", ATTESTATION_MODE_TPM},
        {"{\"name\":\"n\",\"mode\":\"ad\"}", ATTESTATION_MODE_AD},
        {"{\"name\":\"n\",\"mode\":\"hostkey\"}", ATTESTATION_MODE_HOST_KEY},
    };
    struct attestation_settings settings;
    attestation_settings_init(&settings);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(
            attestation_settings_parse_service(&settings, slice_from_text(cases[i].text), err));
        assert_int_equal(settings.mode, cases[i].mode);
    }
    assert_refused(attestation_settings_parse_service(
                       &settings, slice_from_text("{\"mode\":\"unknown\"}"), err),
                   &attestation_settings_malformed);
    assert_refused(attestation_settings_parse_service(&settings, slice_from_text("{}"), err),
                   &base_json_malformed);
    assert_int_equal(settings.mode, ATTESTATION_MODE_HOST_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
