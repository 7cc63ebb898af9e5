/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates that nobody issues: each field malformed, too many, too long. */

#include "certificate_files.h"

#include "crypto/der.h"

/* A certificate of given fields; NULL takes a good one's. Nobody has signed it. */
struct fields {
    const char *version, *serial, *inner_algorithm, *algorithm, *issuer, *validity, *behind_key;
};

static void append_hex(struct buf *out, const char *hex)
{
    assert_true(hex_parse(out, slice_from_text(hex), NULL));
}

static void make_certificate(struct buf *out, const struct fields *fields)
{
    static const char good_algorithm[] = "300d06092a864886f70d01010b0500";
    static const char good_name[] = "300c310a300806035504030c0178";
    struct certificate *ca = parse("ca.der");
    buf_init(out, 60000);
    size_t certificate = der_begin(out, DER_SEQUENCE);
    size_t tbs = der_begin(out, DER_SEQUENCE);
    append_hex(out, fields->version != NULL ? fields->version : "a003020102");
    append_hex(out, fields->serial != NULL ? fields->serial : "020101");
    append_hex(out, fields->inner_algorithm != NULL ? fields->inner_algorithm : good_algorithm);
    append_hex(out, fields->issuer != NULL ? fields->issuer : good_name);
    append_hex(out, fields->validity != NULL
                        ? fields->validity
                        : "301e170d3234303130313030303030305a170d3235303130313030303030305a");
    append_hex(out, good_name);
    buf_append(out, public_key_spki(certificate_key(ca)));
    append_hex(out, fields->behind_key != NULL ? fields->behind_key : "");
    der_end(out, tbs);
    append_hex(out, fields->algorithm != NULL ? fields->algorithm : good_algorithm);
    der_write_bits(out, slice_of("signature", 9));
    der_end(out, certificate);
    certificate_free(&ca);
}

#define USAGE "300e0603551d0f0101ff040403020520"

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        struct fields fields;
        bool valid;
    } cases[] = {
        {{0}, true},
        {{.behind_key = "a3123010" USAGE}, true},
        {{.behind_key = "a32230"
                        "20" USAGE USAGE},
         false}, /* the same twice */
        {{.behind_key = "a3023000"}, false},
        {{.behind_key = "a300"}, false},
        {{.behind_key = "a4023000"}, false},
        {{.behind_key = "a3123010" USAGE "0500"}, false},
        {{.behind_key = "a3143010" USAGE "0500"}, false},
        {{.behind_key = "810200ff"
                        "820200ff"},
         true}, /* unique identifiers */
        {{.behind_key = "820200ff"
                        "810200ff"},
         false},
        {{.version = "", .behind_key = "a3123010" USAGE}, false}, /* version 1 has none */
        {{.version = "a003020101", .behind_key = "a3123010" USAGE}, false},
        {{.version = "a003020101", .behind_key = "810200ff"}, true},
        {{.version = ""}, true},
        {{.version = "", .behind_key = "810200ff"}, false},
        {{.version = "a003020100"}, false}, /* the default is left out */
        {{.version = "a003020103"}, false},
        {{.version = "a0030201ff"}, false},
        {{.version = "a006020102020102"}, false},
        {{.serial = "0200"}, false},
        {{.serial = "02020001"}, false},
        {{.serial = "0201ff"}, true}, /* negative: from issuers that did not mind */
        {{.serial = "021500ffffffffffffffffffffffffffffffffffffffff"}, true},
        {{.serial = "021601ffffffffffffffffffffffffffffffffffffffffff"}, false},
        {{.inner_algorithm = "300d06092a864886f70d01010c0500"}, false},
        {{.inner_algorithm = "300706052a864886f7", .algorithm = "300706052a864886f7"}, true},
        {{.issuer = "3000"}, true},
        {{.issuer = "300c310a300806035504030c01"}, false},
        {{.issuer = "300c310a310806035504030c0178"}, false},
        {{.issuer = "30023100"}, false},
        {{.issuer = "0500"}, false},
        {{.validity = "3000"}, false},
        {{.validity = "300f170d3234303130313030303030305a"}, false},
        {{.validity = "301e170d3234303130313030303030305a170d3235313330313030303030305a"}, false},
        {{.validity = "3020170d3234303130313030303030305a170d3235303130313030303030305a0500"},
         false},
        {{.validity = "3020170d3234303130313030303030305a180f39393939313233313233353935395a"},
         true},
        /* keyUsage */
        {{.behind_key = "a30f300d300b0603551d0f040403020520"}, true},
        {{.behind_key = "a30f300d300b0603551d0f040403020530"}, false}, /* an unused bit is set */
        {{.behind_key = "a30f300d300b0603551d0f040403020820"}, false},
        {{.behind_key = "a30e300c300a0603551d0f0403030100"}, false},
        {{.behind_key = "a30f300d300b0603551d0f040404020520"}, false},
        {{.behind_key = "a311300f300d0603551d0f04060304050000"
                        "20"},
         false},
        /* basicConstraints */
        {{.behind_key = "a30d300b30090603551d1304023000"}, true},
        {{.behind_key = "a310300e300c0603551d13040530030101ff"}, true},
        {{.behind_key = "a310300e300c0603551d1304053003010100"}, true},
        {{.behind_key = "a310300e300c0603551d1304053003010101"}, false},
        {{.behind_key = "a310300e300c0603551d13040530030201ff"}, false},
        {{.behind_key = "a30d300b30090603551d1304020500"}, false},
        /* subjectKeyIdentifier */
        {{.behind_key = "a30e300c300a0603551d0e0403040155"}, true},
        {{.behind_key = "a30d300b30090603551d0e04020400"}, false},
        {{.behind_key = "a30e300c300a0603551d0e0403040255"}, false},
        /* authorityKeyIdentifier */
        {{.behind_key = "a30d300b30090603551d2304023000"}, true},
        {{.behind_key = "a310300e300c0603551d2304053003800155"}, true},
        {{.behind_key = "a310300e300c0603551d2304053003830155"}, false},
        {{.behind_key = "a30d300b30090603551d2304020500"}, false},
        /* application policies */
        {{.behind_key = "a3133011300f06092b060104018237150a04023000"}, true},
        {{.behind_key = "a3173015301306092b060104018237150a0406300430020600"}, true},
        {{.behind_key = "a3153013301106092b060104018237150a040430023000"}, false},
        {{.behind_key = "a3133011300f06092b060104018237150a04020500"}, false},
        /* an extension that nobody knows, and ones of the wrong shape */
        {{.behind_key = "a30b3009300706030400010500"}, false},
        {{.behind_key = "a30c300a30080603040001040101"}, true},
        {{.behind_key = "a30d300b300906030400010101ff"}, false},
        {{.behind_key = "a30d300b30090600040500000000"
                        "00"},
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf der;
        struct certificate *certificate = NULL;
        struct error err = {0};
        make_certificate(&der, &cases[i].fields);
        bool parsed = certificate_parse(&certificate, buf_slice(&der), &err);
        if (parsed != cases[i].valid)
            fail_msg("case %zu: %s", i, parsed ? "was taken" : err.message);
        if (!parsed)
            assert_string_equal(err.code->name, "crypto.certificate-malformed");
        certificate_free(&certificate);
        buf_done(&der);
    }
}

static void test_too_many_extensions(void **state)
{
    (void)state;
    for (size_t count = 32; count <= 33; count++) {
        struct buf extensions, hex, der;
        buf_init(&extensions, 10000);
        size_t explicit = der_begin(&extensions, DER_CONTEXT_CONSTRUCTED(3));
        size_t list = der_begin(&extensions, DER_SEQUENCE);
        for (size_t i = 0; i < count; i++) {
            uint8_t oid[] = {0x2a, (uint8_t)(i + 1)};
            size_t extension = der_begin(&extensions, DER_SEQUENCE);
            der_write(&extensions, DER_OID, slice_of(oid, sizeof oid));
            der_write(&extensions, DER_OCTET_STRING, SLICE_EMPTY);
            der_end(&extensions, extension);
        }
        der_end(&extensions, list);
        der_end(&extensions, explicit);
        buf_init(&hex, 20000);
        hex_append(&hex, buf_slice(&extensions));
        make_certificate(&der, &(struct fields){.behind_key = buf_text(&hex)});
        struct certificate *certificate = NULL;
        assert_int_equal(certificate_parse(&certificate, buf_slice(&der), NULL), count == 32);
        certificate_free(&certificate);
        buf_done(&extensions);
        buf_done(&hex);
        buf_done(&der);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    uint8_t *large = memory_allocate_zero(1, CERTIFICATE_SIZE_MAX + 1);
    struct certificate *certificate = NULL;
    assert_refused(certificate_parse(&certificate, slice_of(large, CERTIFICATE_SIZE_MAX + 1), err),
                   "crypto.certificate-malformed");
    assert_refused(certificate_parse(&certificate, SLICE_EMPTY, err),
                   "crypto.certificate-malformed");
    free(large);
    large = memory_allocate_zero(1, 300000);
    assert_refused(certificate_parse_file(&certificate, slice_of(large, 300000), err),
                   "crypto.certificate-malformed");
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_too_many_extensions),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
