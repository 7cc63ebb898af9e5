/* SPDX-License-Identifier: Apache-2.0 */
/* Who is a healthy host (protocol.md 3): one good certificate, and each way not to be one. */
#include "world.h"

#include "keyprotection/health.h"

static bool check(const struct certificate *certificate, int64_t deny_before, int64_t deny_all,
                  int64_t now, struct error *err)
{
    struct health_signer signers[] = {{world.signer, deny_before}};
    return health_check(certificate, signers, 1, deny_all, now, NULL, err);
}

static void expect_form(const struct certificate_template *form, const struct error_code *code)
{
    struct certificate *certificate = issue_health(form);
    if (code)
        assert_refused(check(certificate, HEALTH_DENY_NOTHING, HEALTH_DENY_NOTHING, NOW, err),
                       code);
    else
        assert_ok(check(certificate, HEALTH_DENY_NOTHING, HEALTH_DENY_NOTHING, NOW, err));
    certificate_free(&certificate);
}

static void a_good_one_is_accepted(void **state)
{
    (void)state;
    struct certificate_template form = health_form();
    expect_form(&form, NULL);
    form.not_after = certificate_facts(world.signer)->not_after;
    expect_form(&form, NULL);
}

static void another_usage_is_refused(void **state)
{
    (void)state;
    static const unsigned usages[] = {0, CERTIFICATE_DIGITAL_SIGNATURE,
                                      CERTIFICATE_DATA_ENCIPHERMENT,
                                      CERTIFICATE_KEY_ENCIPHERMENT | CERTIFICATE_DIGITAL_SIGNATURE,
                                      CERTIFICATE_KEY_ENCIPHERMENT | CERTIFICATE_KEY_CERT_SIGN};
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        struct certificate_template form = health_form();
        form.usage = usages[i];
        expect_form(&form, &health_profile);
    }
}

static void another_profile_is_refused(void **state)
{
    (void)state;
    struct certificate_template form = health_form();
    form.health_policy = false;
    expect_form(&form, &health_profile);
    form = health_form();
    form.authority = true;
    expect_form(&form, &health_profile);
    form = health_form();
    form.not_after = certificate_facts(world.signer)->not_after + 1;
    expect_form(&form, &health_profile);
    form = health_form();
    struct private_key *ec = NULL;
    assert_ok(private_key_generate(&ec, PRIVATE_KEY_P256, err));
    form.subject_key = private_key_public(ec);
    expect_form(&form, &health_profile);
    private_key_free(&ec);
}

static void another_time_is_refused(void **state)
{
    (void)state;
    struct certificate_template form = health_form();
    form.not_before = NOW + 1;
    expect_form(&form, &health_expired);
    form = health_form();
    form.not_after = NOW - 1;
    expect_form(&form, &health_expired);
    /* A signer that is out of its own time. */
    form = health_form();
    form.not_after = NOW + 100 * HOUR;
    struct certificate *certificate = issue_health(&form);
    assert_refused(
        check(certificate, HEALTH_DENY_NOTHING, HEALTH_DENY_NOTHING, NOW + 50 * HOUR, err),
        &health_expired);
    certificate_free(&certificate);
}

static void what_was_issued_before_a_time_is_denied(void **state)
{
    (void)state;
    struct certificate_template form = health_form();
    struct certificate *certificate = issue_health(&form);
    int64_t issued = form.not_before;
    assert_ok(check(certificate, issued, HEALTH_DENY_NOTHING, NOW, err));
    assert_ok(check(certificate, HEALTH_DENY_NOTHING, issued, NOW, err));
    assert_refused(check(certificate, issued + 1, HEALTH_DENY_NOTHING, NOW, err), &health_denied);
    assert_refused(check(certificate, HEALTH_DENY_NOTHING, issued + 1, NOW, err), &health_denied);
    assert_refused(check(certificate, issued, INT64_MAX, NOW, err), &health_denied);
    /* Listed twice. */
    struct health_signer twice[] = {{world.signer, HEALTH_DENY_NOTHING}, {world.signer, NOW}};
    assert_refused(health_check(certificate, twice, 2, HEALTH_DENY_NOTHING, NOW, NULL, err),
                   &health_denied);
    certificate_free(&certificate);
}

static void other_signers_are_refused(void **state)
{
    (void)state;
    struct certificate_template form = health_form();
    struct certificate *good = issue_health(&form);
    assert_refused(health_check(good, NULL, 0, HEALTH_DENY_NOTHING, NOW, NULL, err),
                   &health_untrusted);
    /* The right name, another key. */
    struct certificate *namesake = issue_signer(world.health_key, "HGS Attestation Signer n1");
    struct health_signer signers[] = {{namesake, HEALTH_DENY_NOTHING}};
    assert_refused(health_check(good, signers, 1, HEALTH_DENY_NOTHING, NOW, NULL, err),
                   &health_untrusted);
    /* Not issued directly: a health certificate is nobody's issuer. */
    struct signer host = signer_of_key(world.health_key);
    form.issuer = good;
    form.subject_key = private_key_public(world.signer_key);
    struct certificate *second = issue(&form, &host);
    assert_refused(check(second, HEALTH_DENY_NOTHING, HEALTH_DENY_NOTHING, NOW, err),
                   &health_untrusted);
    /* The signer's own certificate. */
    assert_refused(check(world.signer, HEALTH_DENY_NOTHING, HEALTH_DENY_NOTHING, NOW, err),
                   &health_profile);
    certificate_free(&good);
    certificate_free(&namesake);
    certificate_free(&second);
}

static void the_cache_skips_arithmetic_only(void **state)
{
    (void)state;
    struct certificate_template form = health_form();
    struct certificate *certificate = issue_health(&form);
    _cleanup_verification_cache_ struct verification_cache *cache = verification_cache_new(8);
    struct health_signer signers[] = {{world.signer, HEALTH_DENY_NOTHING}};
    for (int i = 0; i < 2; i++)
        assert_ok(health_check(certificate, signers, 1, HEALTH_DENY_NOTHING, NOW, cache, err));
    assert_refused(health_check(certificate, signers, 0, HEALTH_DENY_NOTHING, NOW, cache, err),
                   &health_untrusted);
    signers[0].deny_before = NOW;
    assert_refused(health_check(certificate, signers, 1, HEALTH_DENY_NOTHING, NOW, cache, err),
                   &health_denied);
    signers[0].deny_before = HEALTH_DENY_NOTHING;
    assert_refused(
        health_check(certificate, signers, 1, HEALTH_DENY_NOTHING, NOW + 9 * HOUR, cache, err),
        &health_expired);
    struct certificate *namesake = issue_signer(world.health_key, "HGS Attestation Signer n1");
    signers[0].certificate = namesake;
    assert_refused(health_check(certificate, signers, 1, HEALTH_DENY_NOTHING, NOW, cache, err),
                   &health_untrusted);
    certificate_free(&namesake);
    certificate_free(&certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_accepted),
        cmocka_unit_test(another_usage_is_refused),
        cmocka_unit_test(another_profile_is_refused),
        cmocka_unit_test(another_time_is_refused),
        cmocka_unit_test(what_was_issued_before_a_time_is_denied),
        cmocka_unit_test(other_signers_are_refused),
        cmocka_unit_test(the_cache_skips_arithmetic_only),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
