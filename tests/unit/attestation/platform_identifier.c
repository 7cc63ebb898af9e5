/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../simulated_tpm.h"
#include "attestation/platform_identifier.h"
#include "crypto/public_key.h"

#define FILE_MAX ((size_t)2 * PLATFORM_IDENTIFIER_SIZE_MAX)

static struct simulated_tpm *tpm, *other;

static int make_tpms(void **state)
{
    (void)state;
    tpm = simulated_tpm_new(SIMULATED_RSA_2048, DIGEST_SHA256);
    other = simulated_tpm_new(SIMULATED_P256, DIGEST_SHA256);
    return 0;
}

static int free_tpms(void **state)
{
    (void)state;
    simulated_tpm_free(&tpm);
    simulated_tpm_free(&other);
    return 0;
}

/* A document of these leaves, each base64; an empty one is left out. */
static void document(struct buf *out, const char *root, const struct slice *leaves, size_t count)
{
    buf_init(out, FILE_MAX);
    buf_append_format(out, "<%s>", root);
    for (size_t i = 0; i < count; i++) {
        buf_append_format(out, "<Part%zu>\n  ", i);
        base64_append(out, leaves[i]);
        buf_append_format(out, "\n</Part%zu>", i);
    }
    buf_append_format(out, "</%.*s>", (int)strcspn(root, " "), root);
}

static void assert_is_tpms(const struct platform_identifier *found, const struct simulated_tpm *of)
{
    struct certificate *certificate = NULL;
    assert_ok(certificate_parse(&certificate, simulated_tpm_certificate(of), err));
    assert_true(slice_equal(buf_slice(&found->key), public_key_spki(certificate_key(certificate))));
    certificate_free(&certificate);
}

static void full(struct platform_identifier *out)
{
    platform_identifier_init(out);
    buf_append(&out->endorsement_key, simulated_tpm_public(tpm));
    buf_append(&out->certificate, simulated_tpm_certificate(tpm));
    strcpy(out->name, "host<&\"1");
    strcpy(out->system_uuid, "0e7b1f2c-0000-4000-8000-000000000001");
    strcpy(out->serial_number, "S/N <1> & \xc3\xa9");
    strcpy(out->mac_addresses[0], "52:54:00:12:34:56");
    strcpy(out->mac_addresses[1], "52:54:00:12:34:57");
    out->mac_address_count = 2;
    strcpy(out->tpm_manufacturer, "IBM");
    strcpy(out->tpm_firmware_version, "538247443.1455670");
}

static void chain_goes_along(void **state)
{
    (void)state;
    _cleanup_platform_identifier_ struct platform_identifier sent, got;
    _cleanup_buf_ struct buf file;
    full(&sent);
    buf_append(&sent.chain, simulated_tpm_certificate(other));
    buf_init(&file, FILE_MAX);
    platform_identifier_format(&file, &sent);
    assert_ok(platform_identifier_parse(&got, buf_slice(&file), err));
    assert_true(slice_equal(buf_slice(&got.chain), buf_slice(&sent.chain)));
    assert_is_tpms(&got, tpm); /* what is in the chain is no second key */
}

static void survives_the_journey(void **state)
{
    (void)state;
    _cleanup_platform_identifier_ struct platform_identifier sent, got;
    _cleanup_buf_ struct buf file;
    full(&sent);
    buf_init(&file, FILE_MAX);
    platform_identifier_format(&file, &sent);
    assert_ok(platform_identifier_parse(&got, buf_slice(&file), err));
    assert_string_equal(got.name, sent.name);
    assert_true(slice_equal(buf_slice(&got.endorsement_key), buf_slice(&sent.endorsement_key)));
    assert_true(slice_equal(buf_slice(&got.certificate), buf_slice(&sent.certificate)));
    assert_string_equal(got.system_uuid, sent.system_uuid);
    assert_string_equal(got.serial_number, sent.serial_number);
    assert_int_equal(got.mac_address_count, 2);
    assert_string_equal(got.mac_addresses[1], sent.mac_addresses[1]);
    assert_string_equal(got.tpm_manufacturer, sent.tpm_manufacturer);
    assert_string_equal(got.tpm_firmware_version, sent.tpm_firmware_version);
    assert_is_tpms(&got, tpm);
    /* and so does what is refused: any damage leaves no other key */
    for (size_t size = 0; size < file.size - 1; size++) {
        struct platform_identifier cut;
        struct error err = {0};
        if (platform_identifier_parse(&cut, slice_of(file.data, size), &err))
            fail_msg("accepted when cut at %zu", size);
    }
}

/* Makers name some keys RSAES-OAEP: the certificate is one all the same. */
static void named_oaep(struct buf *out, struct slice certificate)
{
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    buf_init(out, certificate.size);
    buf_append(out, certificate);
    uint8_t *at = memmem(out->data, out->size, rsa, sizeof rsa);
    assert_non_null(at);
    at[sizeof rsa - 1] = 7;
}

/* protocol.md 2.3: other roots, other names, each form of a key. */
static void any_leaf_counts(void **state)
{
    (void)state;
    struct certificate *certificate = NULL;
    _cleanup_buf_ struct buf oaep;
    named_oaep(&oaep, simulated_tpm_certificate(tpm));
    assert_ok(certificate_parse(&certificate, simulated_tpm_certificate(tpm), err));
    struct slice sized = simulated_tpm_public(tpm);
    const struct {
        struct slice bytes;
        bool key, certificate;
    } forms[] = {
        {sized, true, false},                                    /* TPM2B_PUBLIC */
        {slice_of(sized.data + 2, sized.size - 2), true, false}, /* TPMT_PUBLIC */
        {simulated_tpm_certificate(tpm), false, true},
        {buf_slice(&oaep), false, true},
        {public_key_spki(certificate_key(certificate)), false, false},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        _cleanup_buf_ struct buf file;
        _cleanup_platform_identifier_ struct platform_identifier got;
        struct slice leaves[] = {slice_from_text("some other text that is no key at all, but is "
                                                 "long enough to be one of some kind"),
                                 forms[i].bytes};
        document(&file, "Data xmlns='urn:x' Name='n7'", leaves, 2);
        assert_ok(platform_identifier_parse(&got, buf_slice(&file), err));
        assert_string_equal(got.name, "n7");
        assert_int_equal(got.endorsement_key.size > 0, forms[i].key);
        assert_int_equal(got.certificate.size > 0, forms[i].certificate);
        assert_is_tpms(&got, tpm);
    }
    certificate_free(&certificate);
}

static void to_utf16(struct buf *out, struct slice text, bool big)
{
    buf_init(out, FILE_MAX);
    buf_append_u8(out, big ? 0xfe : 0xff);
    buf_append_u8(out, big ? 0xff : 0xfe);
    for (size_t i = 0; i < text.size; i++) {
        buf_append_u8(out, big ? 0 : text.data[i]);
        buf_append_u8(out, big ? text.data[i] : 0);
    }
}

/* PowerShell's Out-File. */
static void wide_files_are_read(void **state)
{
    (void)state;
    struct slice leaf = simulated_tpm_public(tpm);
    for (int big = 0; big < 2; big++) {
        _cleanup_buf_ struct buf file, text, wide;
        _cleanup_platform_identifier_ struct platform_identifier got;
        document(&file, "P", &leaf, 1);
        buf_init(&text, FILE_MAX);
        buf_append_text(&text, "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n");
        buf_append(&text, buf_slice(&file));
        to_utf16(&wide, buf_slice(&text), big != 0);
        assert_ok(platform_identifier_parse(&got, buf_slice(&wide), err));
        assert_is_tpms(&got, tpm);
        assert_refused(platform_identifier_parse(&got, slice_of(wide.data, wide.size - 1), err),
                       &attestation_identifier_malformed);
    }
    _cleanup_buf_ struct buf marked, file;
    _cleanup_platform_identifier_ struct platform_identifier got;
    document(&file, "P", &leaf, 1);
    buf_init(&marked, FILE_MAX);
    buf_append_text(&marked, "\xef\xbb\xbf");
    buf_append(&marked, buf_slice(&file));
    assert_ok(platform_identifier_parse(&got, buf_slice(&marked), err));
    /* half of a surrogate pair */
    static const uint8_t half[] = {0xff, 0xfe, '<', 0,   'P', 0,   '>', 0,   0x00,
                                   0xd8, '<',  0,   '/', 0,   'P', 0,   '>', 0};
    struct platform_identifier none;
    assert_refused(platform_identifier_parse(&none, slice_of(half, sizeof half), err),
                   &base_text_malformed);
}

static void expect_refused(const struct slice *leaves, size_t count, const struct error_code *code)
{
    struct platform_identifier got;
    _cleanup_buf_ struct buf file;
    document(&file, "P", leaves, count);
    assert_refused(platform_identifier_parse(&got, buf_slice(&file), err), code);
}

static void exactly_one_key_is_taken(void **state)
{
    (void)state;
    struct slice both[] = {simulated_tpm_public(tpm), simulated_tpm_public(other)};
    expect_refused(both, 2, &attestation_identifier_several_keys);
    struct slice mixed[] = {simulated_tpm_public(tpm), simulated_tpm_certificate(other)};
    expect_refused(mixed, 2, &attestation_identifier_several_keys);
    struct slice same[] = {simulated_tpm_public(tpm), simulated_tpm_certificate(tpm),
                           simulated_tpm_public(tpm)};
    struct platform_identifier got;
    _cleanup_buf_ struct buf file;
    document(&file, "P", same, 3);
    assert_ok(platform_identifier_parse(&got, buf_slice(&file), err));
    platform_identifier_done(&got);
}

/* An endorsement key whose attributes are another kind of key's. */
static void no_key_is_refused(void **state)
{
    (void)state;
    struct slice none[] = {slice_from_text("x")};
    expect_refused(none, 1, &attestation_identifier_no_key);
    expect_refused(none, 0, &attestation_identifier_no_key);
    uint8_t altered[1024];
    struct slice sized = simulated_tpm_public(tpm);
    assert_true(sized.size < sizeof altered);
    memcpy(altered, sized.data, sized.size);
    altered[2 + 4 + 1] &= 0xfe; /* not restricted any more: bit 16 of objectAttributes */
    struct slice leaf = slice_of(altered, sized.size);
    expect_refused(&leaf, 1, &attestation_identifier_no_key);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const struct error_code *code;
    } cases[] = {
        {"", &base_xml_malformed},
        {"<a>", &base_xml_malformed},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", &base_xml_refused},
        {"<?xml version=\"1.0\"", &base_xml_malformed},
        {"<a/>", &attestation_identifier_no_key},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct platform_identifier got;
        assert_refused(platform_identifier_parse(&got, slice_from_text(cases[i].text), err),
                       cases[i].code);
    }
    struct platform_identifier got;
    _cleanup_buf_ struct buf large;
    buf_init(&large, FILE_MAX);
    memset(buf_reserve(&large, PLATFORM_IDENTIFIER_SIZE_MAX + 1), ' ',
           PLATFORM_IDENTIFIER_SIZE_MAX + 1);
    buf_added(&large, PLATFORM_IDENTIFIER_SIZE_MAX + 1);
    assert_refused(platform_identifier_parse(&got, buf_slice(&large), err),
                   &attestation_identifier_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_the_journey),     cmocka_unit_test(chain_goes_along),
        cmocka_unit_test(any_leaf_counts),          cmocka_unit_test(wide_files_are_read),
        cmocka_unit_test(exactly_one_key_is_taken), cmocka_unit_test(no_key_is_refused),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_tpms, free_tpms);
}
