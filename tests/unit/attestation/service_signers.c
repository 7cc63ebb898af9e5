/* SPDX-License-Identifier: Apache-2.0 */

/* The signers of a service: one that is missing, made, refused by the keyholder, or denied. */

#include "listed.h"

#define DAY INT64_C(86400)

static void test_no_signer(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    fixture->clock.offset += 31 * DAY;
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.no-signer");
    tick(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

static void test_unprotected_signing_keys(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed;
    struct attestation_reply reply;
    struct certificate *certificates[2] = {0};
    initialise(fixture);
    change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":true}");
    assert_int_equal(type_of(fixture, "wants-signing"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.no-signer");
    tick(fixture);
    get_listed(fixture, &listed);
    assert_int_equal(listed.count, 2);
    ask(fixture, &reply, ATTESTATION_DOOR_HOST_KEY,
        slice_from_text(request_of(fixture, "wants-both")));
    assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_int_equal(reply.certificate_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_ok(certificate_parse(&certificates[i], reply.certificates[i].der, err));
    assert_int_equal(certificate_facts(certificates[0])->usage, CERTIFICATE_KEY_ENCIPHERMENT);
    assert_int_equal(certificate_facts(certificates[1])->usage, CERTIFICATE_DIGITAL_SIGNATURE);
    /* each by a signer of its own; the health certificate's stands first */
    assert_ok(certificate_verify_issued(certificates[0], listed.items[0], err));
    assert_ok(certificate_verify_issued(certificates[1], listed.items[1], err));
    assert_false(certificate_verify_issued(certificates[1], listed.items[0], NULL));
    for (size_t i = 0; i < 2; i++)
        certificate_free(&certificates[i]);
    attestation_reply_done(&reply);
    free_listed(&listed);

    change(fixture, STORE_SETTING, "attestation", NULL);
    get_listed(fixture, &listed); /* at once */
    assert_int_equal(listed.count, 1);
    free_listed(&listed);
    assert_int_equal(type_of(fixture, "wants-signing"), ATTESTATION_REPLY_PAYLOAD_ERROR);
    tick(fixture);
    int64_t count;
    assert_ok(store_count(fixture->store, STORE_ATTESTATION_SIGNER, &count, err));
    assert_int_equal(count, 1);
}

/* The clock was set back to before a time that certificates are denied for: nothing is issued that
 * would not count, and that is said. */
static void test_denied_ahead(void **state)
{
    struct fixture *fixture = *state;
    char value[64], thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    struct error why = {0};
    initialise(fixture);
    snprintf(value, sizeof value, "{\"deny_before\":%lld}", (long long)clock_now(&fixture->clock));
    change(fixture, STORE_TRUSTED_SIGNER, ATTESTATION_SIGNERS_ALL, value);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    fixture->clock.offset -= 3600;
    tick(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.deny-ahead");
    assert_false(attestation_signer_test(fixture->service, thumbprint, &why));
    assert_string_equal(why.code->name, "attestation.deny-ahead");
    fixture->clock.offset += 3600;
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* The test of the signer's key, as server test has it. */
static void test_signer_test(void **state)
{
    struct fixture *fixture = *state;
    struct error why = {0};
    char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    assert_false(attestation_signer_test(fixture->service, thumbprint, &why));
    assert_string_equal(why.code->name, "attestation.no-signer");
    initialise(fixture);
    assert_ok(attestation_signer_test(fixture->service, thumbprint, err));
    assert_int_equal(strlen(thumbprint), 64);
    kill_keyholder(fixture);
    assert_false(attestation_signer_test(fixture->service, thumbprint, &why));
    assert_string_equal(why.code->name, "attestation.signer-failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_no_signer),
        FIXTURE_TEST(test_unprotected_signing_keys),
        FIXTURE_TEST(test_signer_test),
        FIXTURE_TEST(test_denied_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
