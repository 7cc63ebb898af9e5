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

/* An NV index as the TPM's maker would have filled it. */
static void fill_index(uint32_t number, struct slice content)
{
    ESYS_TR index;
    const TPM2B_AUTH none = {0};
    TPM2B_MAX_NV_BUFFER bytes = {.size = (UINT16)content.size};
    const TPM2B_NV_PUBLIC area = {
        .nvPublic = {.nvIndex = number,
                     .nameAlg = TPM2_ALG_SHA256,
                     .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD,
                     .dataSize = (UINT16)content.size}};
    memcpy(bytes.buffer, content.data, content.size);
    assert_int_equal(Esys_NV_DefineSpace(esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                         ESYS_TR_NONE, &none, &area, &index),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Esys_NV_Write(esys(), ESYS_TR_RH_OWNER, index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &bytes, 0),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Esys_TR_Close(esys(), &index), TSS2_RC_SUCCESS);
}

static void remove_index(uint32_t number)
{
    ESYS_TR index;
    assert_int_equal(
        Esys_TR_FromTPMPublic(esys(), number, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index),
        TSS2_RC_SUCCESS);
    assert_int_equal(Esys_NV_UndefineSpace(esys(), ESYS_TR_RH_OWNER, index, ESYS_TR_PASSWORD,
                                           ESYS_TR_NONE, ESYS_TR_NONE),
                     TSS2_RC_SUCCESS);
}

/* The chain above the certificate lies in as many indices as it needs, padded. */
static void brings_its_chain(void **state)
{
    (void)state;
    struct host_tpm_endorsement found = {0};
    struct buf chain;
    struct slice der;
    buf_init(&chain, 4096);
    find(&found, "auto");
    assert_int_equal(found.chain.size, 0);
    assert_ok(tpm_endorsement_certificate_cut(&der, buf_slice(&found.certificate), err));
    for (int i = 0; i < 2; i++) /* any certificate will do */
        buf_append(&chain, der);
    size_t whole = chain.size;
    for (int i = 0; i < 20; i++)
        buf_append_u8(&chain, 0xff);
    host_tpm_endorsement_done(&found);
    size_t part = chain.size / 3;
    for (uint32_t i = 0; i < 3; i++)
        fill_index(0x01C00100 + i,
                   slice_of(chain.data + i * part, i < 2 ? part : chain.size - 2 * part));
    find(&found, "auto");
    assert_true(slice_equal(buf_slice(&found.chain), slice_of(chain.data, whole)));
    host_tpm_endorsement_done(&found);
    for (uint32_t i = 0; i < 3; i++)
        remove_index(0x01C00100 + i);
    buf_done(&chain);
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
        cmocka_unit_test(brings_its_chain),
        cmocka_unit_test(finds_the_key_that_was_chosen),
        cmocka_unit_test(makes_the_key_from_its_template),
        cmocka_unit_test(refuses_kinds_that_are_none),
        cmocka_unit_test(knows_a_template_of_each_kind),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
