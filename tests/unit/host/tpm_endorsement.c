/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_endorsement.h"

#include "tpm_fixture.h"

#include "host/tpm_template.h"
#include "tpm/endorsement_certificate.h"
#include "tpm/endorsement_key.h"

static void find(struct host_tpm_endorsement *out, const char *kind)
{
    assert_ok(host_tpm_endorsement_find(out, device, kind, err));
}

/* The SHA-256 by which the service knows the key. */
static void identity_of(uint8_t out[32], const struct host_tpm_endorsement *endorsement)
{
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    assert_ok(tpm_endorsement_key_parse(&key, buf_slice(&endorsement->public_area), err));
    memcpy(out, tpm_endorsement_key_identity(&key), 32);
}

static void finds_the_key_that_has_a_certificate(void **state)
{
    (void)state;
    _cleanup_host_tpm_endorsement_ struct host_tpm_endorsement found = {0};
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    struct slice der;
    find(&found, "auto");
    assert_string_equal(found.kind, "rsa-2048");
    assert_int_equal(found.handle, SOFTWARE_TPM_RSA);
    assert_int_equal(found.certificate_index, 0x01C00002);
    assert_false(found.loaded);
    assert_ok(tpm_endorsement_certificate_cut(&der, buf_slice(&found.certificate), err));
    assert_ok(tpm_endorsement_certificate_parse(&certificate, der, err));
    assert_ok(tpm_endorsement_key_parse(&key, buf_slice(&found.public_area), err));
    assert_ok(tpm_endorsement_key_is(&key, certificate_key(certificate), err));
}

static void finds_the_key_that_was_chosen(void **state)
{
    (void)state;
    _cleanup_host_tpm_endorsement_ struct host_tpm_endorsement found = {0};
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    find(&found, "high-p-384");
    assert_int_equal(found.handle, SOFTWARE_TPM_P384);
    assert_int_equal(found.certificate_index, 0x01C00016);
    assert_ok(tpm_endorsement_key_parse(&key, buf_slice(&found.public_area), err));
    assert_int_equal(public_key_type(key.key), PUBLIC_KEY_P384);
}

/* The template alone makes the same key, which a TPM with nothing at a persistent handle needs. */
static void makes_the_key_from_its_template(void **state)
{
    (void)state;
    struct host_tpm_endorsement found = {0};
    uint8_t kept[32], made[32];
    find(&found, "rsa-2048");
    identity_of(kept, &found);
    ESYS_TR handle = found.object, none = ESYS_TR_NONE;
    assert_int_equal(Esys_EvictControl(esys(), ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD,
                                       ESYS_TR_NONE, ESYS_TR_NONE, SOFTWARE_TPM_RSA, &none),
                     TSS2_RC_SUCCESS);
    found.object = 0; /* it is gone */
    host_tpm_endorsement_done(&found);
    find(&found, "rsa-2048");
    assert_true(found.loaded);
    assert_int_equal(found.handle >> 24, 0x80);
    assert_true(found.certificate.size > 0);
    identity_of(made, &found);
    assert_memory_equal(made, kept, sizeof kept);
    host_tpm_endorsement_done(&found);
    assert_empty();
    find(&found, "p-256"); /* which swtpm neither keeps nor has certified */
    assert_true(found.loaded);
    assert_int_equal(found.certificate.size, 0);
    assert_int_equal(found.certificate_index, 0);
    host_tpm_endorsement_done(&found);
    assert_empty();
}

static void refuses_kinds_that_are_none(void **state)
{
    (void)state;
    struct host_tpm_endorsement found = {0};
    assert_refused(host_tpm_endorsement_find(&found, device, "dsa", err), host_tpm_endorsement);
    /* swtpm makes no RSA key of 4096 bits. */
    assert_refused(host_tpm_endorsement_find(&found, device, "high-rsa-4096", err),
                   host_tpm_endorsement);
    assert_empty();
}

/* Every kind that can be chosen has a template, and no other. */
static void knows_a_template_of_each_kind(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct host_tpm_template *t = host_tpm_templates; t->kind != NULL; t++, count++)
        assert_string_equal(t->kind, host_tpm_endorsement_kinds[count + 1]);
    assert_null(host_tpm_endorsement_kinds[count + 1]);
    for (const struct host_tpm_template *t = host_tpm_templates; t->kind != NULL; t++) {
        TPM2B_PUBLIC area;
        host_tpm_template_fill(&area, t);
        assert_true(host_tpm_template_fits(t, &area.publicArea));
        assert_int_equal(area.publicArea.authPolicy.size,
                         t->name_algorithm == TPM2_ALG_SHA256 ? 32 : 48);
        for (const struct host_tpm_template *u = host_tpm_templates; u->kind != NULL; u++)
            assert_int_equal(host_tpm_template_fits(u, &area.publicArea), u == t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_key_that_has_a_certificate),
        cmocka_unit_test(finds_the_key_that_was_chosen),
        cmocka_unit_test(makes_the_key_from_its_template),
        cmocka_unit_test(refuses_kinds_that_are_none),
        cmocka_unit_test(knows_a_template_of_each_kind),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
