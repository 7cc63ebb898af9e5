/* SPDX-License-Identifier: Apache-2.0 */
#include "host/platform.h"

#include "tpm_fixture.h"

#include "tpm/endorsement_certificate.h"
#include "tpm/errors.h"

static void names_the_tpm_and_its_certificate(void **state)
{
    (void)state;
    _cleanup_host_tpm_endorsement_ struct host_tpm_endorsement endorsement = {0};
    _cleanup_platform_identifier_ struct platform_identifier identifier = {0}, again = {0};
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_buf_ struct buf document;
    buf_init(&document, PLATFORM_IDENTIFIER_SIZE_MAX);
    assert_ok(host_tpm_endorsement_find(&endorsement, device, "auto", err));
    assert_ok(host_platform_read(&identifier, &endorsement, "n1", err));
    assert_string_equal(identifier.name, "n1");
    assert_string_equal(identifier.tpm_manufacturer, "IBM"); /* as swtpm says */
    assert_ok(
        tpm_endorsement_certificate_parse(&certificate, buf_slice(&identifier.certificate), err));
    /* What is written names the same key to whoever reads it. */
    platform_identifier_format(&document, &identifier);
    assert_ok(platform_identifier_parse(&again, buf_slice(&document), err));
    assert_true(slice_equal(buf_slice(&again.key), public_key_spki(certificate_key(certificate))));
}

/* NV holds something, and it is no certificate. */
static void refuses_a_certificate_that_is_none(void **state)
{
    (void)state;
    struct platform_identifier identifier;
    struct host_tpm_endorsement endorsement = {.device = device};
    buf_init(&endorsement.public_area, 16);
    buf_init(&endorsement.certificate, 16);
    buf_append_text(&endorsement.certificate, "no certificate");
    assert_refused(host_platform_read(&identifier, &endorsement, "n1", err),
                   tpm_certificate_malformed);
    host_tpm_endorsement_done(&endorsement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_tpm_and_its_certificate),
        cmocka_unit_test(refuses_a_certificate_that_is_none),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
