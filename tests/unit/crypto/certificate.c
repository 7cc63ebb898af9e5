/* SPDX-License-Identifier: Apache-2.0 */

/* What openssl makes: its facts are openssl's, and it is issued by whom it says. */

#include "certificate_files.h"

#include "crypto/der.h"

/* Compares what openssl prints, "name=value", with text. */
static void assert_prints(const char *file, const char *option, const char *text)
{
    tool_run("openssl x509 -inform der -in %s -noout %s > out", file, option);
    struct buf out;
    tool_read(&out, "out");
    const char *value = strchr(buf_text(&out), '=');
    assert_non_null(value);
    char *line = memory_format("%s\n", text);
    assert_string_equal(value + 1, line);
    free(line);
    buf_done(&out);
}

static void assert_prints_hex(const char *file, const char *option, struct slice bytes)
{
    struct buf hex;
    buf_init(&hex, 10000);
    for (size_t i = 0; i < bytes.size; i++) {
        if (strstr(option, "fingerprint") != NULL && i > 0)
            buf_append_u8(&hex, ':');
        hex_append_upper(&hex, slice_of(bytes.data + i, 1));
    }
    assert_prints(file, option, buf_text(&hex));
    buf_done(&hex);
}

static void assert_prints_date(const char *file, const char *option, int64_t time)
{
    tool_run("date -u -d @%jd '+%%b %%e %%H:%%M:%%S %%Y GMT' | tr -d '\\n' > date", (intmax_t)time);
    struct buf date;
    tool_read(&date, "date");
    assert_prints(file, option, buf_text(&date));
    buf_done(&date);
}

static void test_facts_against_openssl(void **state)
{
    (void)state;
    static const char *const files[] = {"ca.der",    "leaf.der", "other.der",
                                        "plain.der", "v1.der",   "ec.der"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct certificate *certificate = parse(files[i]);
        const struct certificate_facts *facts = certificate_facts(certificate);
        struct slice serial = facts->serial;
        if (serial.data[0] == 0)
            serial = slice_of(serial.data + 1, serial.size - 1);
        assert_prints_hex(files[i], "-serial", serial);
        assert_prints(files[i], "-subject -nameopt RFC2253", facts->subject_text);
        assert_prints(files[i], "-issuer -nameopt RFC2253", facts->issuer_text);
        assert_prints_date(files[i], "-startdate", facts->not_before);
        assert_prints_date(files[i], "-enddate", facts->not_after);
        assert_prints_hex(files[i], "-fingerprint -sha256", slice_of(facts->thumbprint, 32));
        assert_prints_hex(files[i], "-fingerprint -sha1", slice_of(facts->thumbprint_sha1, 20));
        tool_run("openssl x509 -inform der -in %s -noout -pubkey | openssl pkey -pubin -outform "
                 "der -out spki",
                 files[i]);
        struct buf spki;
        assert_slice_equal(public_key_spki(certificate_key(certificate)), tool_read(&spki, "spki"));
        buf_done(&spki);
        certificate_free(&certificate);
        assert_null(certificate);
    }
    certificate_free(NULL);
}

static void test_extensions(void **state)
{
    (void)state;
    struct certificate *ca = parse("ca.der"), *leaf = parse("leaf.der"),
                       *other = parse("other.der"), *plain = parse("plain.der"),
                       *v1 = parse("v1.der");
    const struct certificate_facts *facts = certificate_facts(ca);
    assert_true(facts->is_authority && facts->self_signed && facts->has_usage);
    assert_int_equal(facts->usage, CERTIFICATE_KEY_CERT_SIGN);
    assert_int_equal(facts->subject_key_id.size, 20);
    assert_false(facts->has_health_policy || facts->unknown_critical);
    struct slice ca_key_id = facts->subject_key_id;
    facts = certificate_facts(leaf);
    assert_false(facts->is_authority || facts->self_signed || facts->unknown_critical);
    assert_int_equal(facts->usage, CERTIFICATE_KEY_ENCIPHERMENT);
    assert_true(facts->has_health_policy);
    assert_slice_equal(facts->authority_key_id, ca_key_id);
    facts = certificate_facts(other);
    assert_int_equal(facts->usage, CERTIFICATE_DIGITAL_SIGNATURE | CERTIFICATE_NON_REPUDIATION |
                                       CERTIFICATE_KEY_AGREEMENT | 0x8001);
    assert_false(facts->has_health_policy || facts->is_authority);
    assert_true(facts->unknown_critical);
    facts = certificate_facts(plain);
    assert_false(facts->unknown_critical || facts->has_usage);
    facts = certificate_facts(v1);
    assert_false(facts->has_usage);
    assert_int_equal(facts->subject_key_id.size, 0);
    assert_int_equal(facts->authority_key_id.size, 0);
    struct certificate *all[] = {ca, leaf, other, plain, v1};
    for (size_t i = 0; i < 5; i++)
        certificate_free(&all[i]);
}

static void test_verify_issued(void **state)
{
    (void)state;
    static const struct {
        const char *leaf, *issuer, *code;
    } cases[] = {
        {"leaf.der", "ca.der", NULL},
        {"other.der", "ca.der", NULL},
        {"plain.der", "ca.der", NULL},
        {"v1.der", "ca.der", NULL},
        {"pss.der", "ca.der", NULL},
        {"ecleaf.der", "ec.der", NULL},
        {"ec384leaf.der", "ec384.der", NULL},
        {"ca.der", "ca.der", NULL},
        {"leaf.der", "rival.der", "crypto.signature-wrong"}, /* of the same name */
        {"leaf.der", "plain.der", "crypto.signature-wrong"}, /* of another name */
        {"leaf.der", "ec.der", "crypto.key-unsupported"},
        {"pss20.der", "ca.der", "crypto.key-unsupported"},
        {"sha1.der", "ca.der", "crypto.key-unsupported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct certificate *leaf = parse(cases[i].leaf), *issuer = parse(cases[i].issuer);
        /* The second time from memory. */
        for (int round = 0; round < 2; round++) {
            if (cases[i].code == NULL)
                assert_ok(certificate_verify_issued(leaf, issuer, err));
            else
                assert_refused(certificate_verify_issued(leaf, issuer, err), cases[i].code);
        }
        certificate_free(&leaf);
        certificate_free(&issuer);
    }
}

/* What was verified with one key is not taken for verified with another. */
/* Each extension in order, and what is said of paths. */
static void test_each_extension(void **state)
{
    (void)state;
    struct certificate *other = parse("other.der"), *ca = parse("ca.der"), *v1 = parse("v1.der");
    static const struct {
        const char *oid;
        bool critical;
    } expected[] = {
        {"2.5.29.19", true},
        {"2.5.29.15", false},
        {"1.3.6.1.4.1.311.21.10", false},
        {"1.2.3.4", true},
    };
    struct certificate_extension extension;
    struct slice rest = certificate_facts(other)->extensions;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char oid[64];
        assert_true(certificate_next_extension(&extension, &rest));
        assert_string_equal(der_format_oid(extension.oid, oid, sizeof oid), expected[i].oid);
        assert_true(extension.critical == expected[i].critical);
    }
    assert_slice_equal(extension.value, slice_of("\x05\x00", 2));
    /* What openssl adds by itself may follow. */
    while (certificate_next_extension(&extension, &rest))
        assert_false(extension.critical);
    assert_int_equal(rest.size, 0);
    assert_int_equal(certificate_facts(other)->path_length, 0);
    assert_int_equal(certificate_facts(ca)->path_length, -1);
    assert_int_equal(certificate_facts(v1)->path_length, -1);
    assert_int_equal(certificate_facts(v1)->extensions.size, 0);
    certificate_free(&other);
    certificate_free(&ca);
    certificate_free(&v1);
}

/* As test_verify_issued, with what else is taken from makers of TPMs: SHA-1, of authorities only.
 */
static void test_verify_endorsement(void **state)
{
    (void)state;
    struct certificate *ca = parse("ca.der"), *rival = parse("rival.der"),
                       *leaf = parse("leaf.der"), *sha1 = parse("sha1.der");
    assert_ok(certificate_verify_endorsement(leaf, ca, false, err));
    assert_ok(certificate_verify_endorsement(leaf, ca, true, err));
    assert_refused(certificate_verify_endorsement(leaf, rival, true, err),
                   "crypto.signature-wrong");
    assert_refused(certificate_verify_issued(sha1, ca, err), "crypto.key-unsupported");
    assert_refused(certificate_verify_endorsement(sha1, ca, false, err), "crypto.key-unsupported");
    assert_refused(certificate_verify_endorsement(sha1, rival, true, err),
                   "crypto.signature-wrong");
    assert_ok(certificate_verify_endorsement(sha1, ca, true, err));
    /* That it verified once makes nothing of it for those who do not want it. */
    assert_refused(certificate_verify_endorsement(sha1, ca, false, err), "crypto.key-unsupported");
    certificate_free(&ca);
    certificate_free(&rival);
    certificate_free(&leaf);
    certificate_free(&sha1);
}

static void test_memory_of_verification(void **state)
{
    (void)state;
    struct certificate *leaf = parse("leaf.der"), *ca = parse("ca.der"),
                       *rival = parse("rival.der");
    assert_refused(certificate_verify_issued(leaf, rival, err), "crypto.signature-wrong");
    assert_true(certificate_verify_issued(leaf, ca, NULL));
    assert_refused(certificate_verify_issued(leaf, rival, err), "crypto.signature-wrong");
    assert_true(certificate_verify_issued(leaf, ca, NULL));
    certificate_free(&leaf);
    certificate_free(&ca);
    certificate_free(&rival);
}

static void test_truncated(void **state)
{
    (void)state;
    struct buf der;
    tool_read(&der, "leaf.der");
    for (size_t i = 0; i < der.size; i++) {
        uint8_t *exact = memory_allocate(i + 1);
        memcpy(exact, der.data, i);
        struct certificate *certificate = NULL;
        assert_refused(certificate_parse(&certificate, slice_of(exact, i), err),
                       "crypto.certificate-malformed");
        free(exact);
    }
    buf_append_u8(&der, 0);
    struct certificate *certificate = NULL;
    assert_refused(certificate_parse(&certificate, buf_slice(&der), err),
                   "crypto.certificate-malformed");
    buf_done(&der);
}

/* Every bit is either needed to read a certificate, or signed. */
static void test_altered(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"leaf.der", "ca.der"}, {"ecleaf.der", "ec.der"}};
    for (size_t p = 0; p < 2; p++) {
        struct buf der;
        tool_read(&der, pairs[p][0]);
        struct certificate *issuer = parse(pairs[p][1]);
        for (size_t i = 0; i < der.size; i++) {
            for (int bit = 0; bit < 8; bit++) {
                der.data[i] ^= (uint8_t)(1 << bit);
                struct certificate *certificate = NULL;
                if (certificate_parse(&certificate, buf_slice(&der), NULL))
                    assert_false(certificate_verify_issued(certificate, issuer, NULL));
                certificate_free(&certificate);
                der.data[i] ^= (uint8_t)(1 << bit);
            }
        }
        certificate_free(&issuer);
        buf_done(&der);
    }
}

static void test_self_signed_means_signed(void **state)
{
    (void)state;
    struct buf der;
    tool_read(&der, "ca.der");
    der.data[der.size - 1] ^= 1;
    struct certificate *certificate = NULL;
    assert_true(certificate_parse(&certificate, buf_slice(&der), NULL));
    assert_false(certificate_facts(certificate)->self_signed);
    certificate_free(&certificate);
    buf_done(&der);
}

static void test_key_that_is_refused(void **state)
{
    (void)state;
    struct buf der;
    struct certificate *certificate = NULL;
    assert_refused(certificate_parse(&certificate, tool_read(&der, "small.der"), err),
                   "crypto.key-too-small");
    buf_done(&der);
}

static void test_files(void **state)
{
    (void)state;
    struct certificate *expected = parse("leaf.der");
    tool_run("openssl x509 -in leaf.crt -text > text.crt; cat leaf.crt ca.crt > chain.crt\n"
             "sed 's/$/\\r/' leaf.crt > windows.crt");
    static const char *const files[] = {"leaf.crt", "leaf.der", "text.crt", "chain.crt",
                                        "windows.crt"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct buf bytes;
        struct certificate *certificate = NULL;
        assert_ok(certificate_parse_file(&certificate, tool_read(&bytes, files[i]), err));
        assert_slice_equal(certificate_der(certificate), certificate_der(expected));
        certificate_free(&certificate);
        buf_done(&bytes);
    }
    struct buf pem, theirs;
    buf_init(&pem, 10000);
    certificate_format_pem(&pem, expected);
    assert_slice_equal(buf_slice(&pem), tool_read(&theirs, "leaf.crt"));
    struct certificate *certificate = NULL;
    for (size_t i = 0; i + 1 < pem.size; i++)
        assert_false(certificate_parse_file(&certificate, slice_of(pem.data, i), NULL));
    buf_done(&pem);
    buf_done(&theirs);
    assert_refused(certificate_parse_file(&certificate, tool_read(&pem, "ca.key"), err),
                   "crypto.certificate-malformed");
    buf_done(&pem);
    certificate_free(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_against_openssl),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_verify_issued),
        cmocka_unit_test(test_each_extension),
        cmocka_unit_test(test_verify_endorsement),
        cmocka_unit_test(test_memory_of_verification),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_self_signed_means_signed),
        cmocka_unit_test(test_key_that_is_refused),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
