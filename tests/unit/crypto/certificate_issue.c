/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"
#include "tool.h"

#define DAY 86400
#define NOW INT64_C(1790000000) /* 2026-09-21 */

static struct private_key *rsa, *p256, *p384, *host;

static int set_up(void **state)
{
    return tool_set_up(state) != 0 || !private_key_generate(&rsa, PRIVATE_KEY_RSA_2048, NULL) ||
           !private_key_generate(&host, PRIVATE_KEY_RSA_2048, NULL) ||
           !private_key_generate(&p256, PRIVATE_KEY_P256, NULL) ||
           !private_key_generate(&p384, PRIVATE_KEY_P384, NULL);
}

static int tear_down(void **state)
{
    private_key_free(&rsa);
    private_key_free(&p256);
    private_key_free(&p384);
    private_key_free(&host);
    return tool_tear_down(state);
}

static struct certificate *issue(const struct certificate_template *wanted,
                                 const struct private_key *key, const char *file)
{
    struct signer signer = signer_of_key(key);
    struct buf der;
    struct certificate *certificate = NULL;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_ok(certificate_issue(&der, wanted, &signer, err));
    tool_write(file, buf_slice(&der));
    assert_ok(certificate_parse(&certificate, buf_slice(&der), err));
    buf_done(&der);
    return certificate;
}

static struct certificate *issue_signer(const struct private_key *key, const char *file)
{
    struct certificate_template wanted = {.subject_cn = "HGS Attestation Signer node1",
                                          .subject_key = private_key_public(key),
                                          .not_before = NOW,
                                          .not_after = NOW + 30 * DAY,
                                          .usage = CERTIFICATE_KEY_CERT_SIGN,
                                          .authority = true};
    return issue(&wanted, key, file);
}

static struct certificate *issue_health(const struct certificate *issuer,
                                        const struct private_key *key, const char *file)
{
    struct certificate_template wanted = {
        .subject_cn = "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
        .subject_key = private_key_public(host),
        .issuer = issuer,
        .not_before = NOW,
        .not_after = NOW + 8 * 3600,
        .usage = CERTIFICATE_KEY_ENCIPHERMENT,
        .health_policy = true};
    return issue(&wanted, key, file);
}

/* openssl's listing of the extensions, line by line as it stands in the certificate. */
static void assert_listing(const char *file, const char *expected)
{
    tool_run(
        "openssl x509 -inform der -in %s -noout -text -certopt no_header,no_version,no_serial,"
        "no_signame,no_validity,no_subject,no_issuer,no_pubkey,no_sigdump,no_aux "
        "| sed -e 's/^ *//' -e 's/ *$//' -e 's/[0-9A-F][0-9A-F]\\(:[0-9A-F][0-9A-F]\\)\\{19\\}/"
        "KEYID/' -e 's/^serial:.*/serial:SERIAL/' | grep . > listing",
        file);
    struct buf listing;
    tool_read(&listing, "listing");
    assert_string_equal(buf_text(&listing), expected);
    buf_done(&listing);
}

static void test_signers(void **state)
{
    (void)state;
    const struct {
        const struct private_key *key;
        const char *algorithm;
    } kinds[] = {
        {rsa, "sha256WithRSAEncryption"}, {p256, "ecdsa-with-SHA256"}, {p384, "ecdsa-with-SHA384"}};
    for (size_t i = 0; i < 3; i++) {
        struct certificate *signer = issue_signer(kinds[i].key, "signer.der");
        const struct certificate_facts *facts = certificate_facts(signer);
        assert_true(facts->self_signed && facts->is_authority);
        assert_int_equal(facts->usage, CERTIFICATE_KEY_CERT_SIGN);
        assert_string_equal(facts->subject_text, "CN=HGS Attestation Signer node1");
        assert_slice_equal(facts->subject_key_id, facts->authority_key_id);
        tool_run("openssl x509 -inform der -in signer.der -out signer.pem\n"
                 "openssl verify -x509_strict -check_ss_sig -attime %jd -CAfile signer.pem "
                 "signer.pem\n"
                 "openssl x509 -in signer.pem -noout -text | grep -q 'Signature Algorithm: %s'",
                 (intmax_t)NOW + 1, kinds[i].algorithm);
        assert_listing("signer.der", "X509v3 extensions:\n"
                                     "X509v3 Basic Constraints: critical\nCA:TRUE\n"
                                     "X509v3 Key Usage: critical\nCertificate Sign\n"
                                     "X509v3 Subject Key Identifier:\nKEYID\n"
                                     "X509v3 Authority Key Identifier:\nKEYID\n");
        certificate_free(&signer);
    }
}

static void test_health_certificates(void **state)
{
    (void)state;
    const struct private_key *keys[] = {rsa, p256, p384};
    for (size_t i = 0; i < 3; i++) {
        struct certificate *signer = issue_signer(keys[i], "signer.der");
        struct certificate *health = issue_health(signer, keys[i], "health.der");
        assert_true(certificate_verify_issued(health, signer, NULL));
        const struct certificate_facts *facts = certificate_facts(health);
        assert_true(facts->has_health_policy);
        assert_false(facts->is_authority || facts->self_signed || facts->unknown_critical);
        assert_int_equal(facts->usage, CERTIFICATE_KEY_ENCIPHERMENT);
        assert_slice_equal(facts->issuer, certificate_facts(signer)->subject);
        assert_slice_equal(facts->authority_key_id, certificate_facts(signer)->subject_key_id);
        assert_true(facts->not_before == NOW && facts->not_after == NOW + 8 * 3600);
        tool_run("for c in signer health; do openssl x509 -inform der -in $c.der -out $c.pem; "
                 "done\n"
                 "openssl verify -x509_strict -attime %jd -CAfile signer.pem health.pem",
                 (intmax_t)NOW + 1);
        assert_listing("health.der", "X509v3 extensions:\n"
                                     "X509v3 Key Usage: critical\nKey Encipherment\n"
                                     "1.3.6.1.4.1.311.21.10:\n0.0..\n+.....70..\n"
                                     "X509v3 Subject Key Identifier:\nKEYID\n"
                                     "X509v3 Authority Key Identifier:\nkeyid:KEYID\n"
                                     "DirName:/CN=HGS Attestation Signer node1\nserial:SERIAL\n");
        certificate_free(&signer);
        certificate_free(&health);
    }
}

/* What openssl's listing leaves out, as python finds it in the bytes. */
static void test_bytes(void **state)
{
    (void)state;
    struct certificate *signer = issue_signer(rsa, "signer.der");
    struct certificate *health = issue_health(signer, rsa, "health.der");
    tool_run("openssl x509 -inform der -in health.der -noout -pubkey | openssl rsa -pubin "
             "-RSAPublicKey_out -outform der -out material");
    tool_run("python3 -c 'import hashlib\n"
             "h=open(\"health.der\",\"rb\").read(); s=open(\"signer.der\",\"rb\").read()\n"
             "k=hashlib.sha1(open(\"material\",\"rb\").read()).digest()\n"
             "x=bytes.fromhex\n"
             "serial=s[s.index(x(\"a003020102\"))+5:][:18]\n"
             "assert serial[:2]==x(\"0210\") and 0<serial[2]<128\n"
             "assert x(\"300e0603551d0f0101ff040403020520\") in h\n"
             "assert x(\"06092b060104018237150a0410300e300c060a2b060104018237300102\") in h\n"
             "assert x(\"301d0603551d0e04160414\")+k in h\n"
             "assert x(\"8210\")+serial[2:] in h\n"
             "cn=b\"HGS Attestation Signer node1\"\n"
             "name=x(\"3027\")+x(\"3125\")+x(\"3023\")+x(\"0603550403\")+x(\"0c1c\")+cn\n"
             "assert name in h and s.count(name)==2\n"
             "'");
    certificate_free(&signer);
    certificate_free(&health);
}

static void test_serials_differ(void **state)
{
    (void)state;
    uint8_t first = 0;
    bool differ = false;
    for (int i = 0; i < 40; i++) {
        struct certificate *certificate = issue_signer(p256, "signer.der");
        struct slice serial = certificate_facts(certificate)->serial;
        assert_int_equal(serial.size, 16);
        assert_in_range(serial.data[0], 0x40, 0x7f);
        differ |= i > 0 && serial.data[15] != first;
        first = serial.data[15];
        certificate_free(&certificate);
    }
    assert_true(differ);
}

/* Years on both sides of 2050, and no end. */
static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t not_before, not_after;
        const char *printed;
    } cases[] = {
        {INT64_C(2524607999), INT64_C(2524608000),
         "notBefore=Dec 31 23:59:59 2049 GMT\nnotAfter=Jan  1 00:00:00 2050 GMT\n"},
        {0, INT64_C(253402300799),
         "notBefore=Jan  1 00:00:00 1970 GMT\nnotAfter=Dec 31 23:59:59 9999 GMT\n"},
        {INT64_C(-631152000), 0,
         "notBefore=Jan  1 00:00:00 1950 GMT\nnotAfter=Jan  1 00:00:00 1970 GMT\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct certificate_template wanted = {.subject_cn = "t",
                                              .subject_key = private_key_public(p256),
                                              .not_before = cases[i].not_before,
                                              .not_after = cases[i].not_after};
        struct certificate *certificate = issue(&wanted, p256, "t.der");
        assert_true(certificate_facts(certificate)->not_before == cases[i].not_before);
        assert_true(certificate_facts(certificate)->not_after == cases[i].not_after);
        assert_false(certificate_facts(certificate)->has_usage);
        tool_run("openssl x509 -inform der -in t.der -noout -dates > dates");
        struct buf dates;
        tool_read(&dates, "dates");
        assert_string_equal(buf_text(&dates), cases[i].printed);
        buf_done(&dates);
        certificate_free(&certificate);
    }
}

static void test_usages(void **state)
{
    (void)state;
    static const struct {
        unsigned usage;
        const char *printed;
    } cases[] = {
        {CERTIFICATE_DIGITAL_SIGNATURE, "Digital Signature"},
        {CERTIFICATE_DIGITAL_SIGNATURE | CERTIFICATE_KEY_CERT_SIGN | CERTIFICATE_CRL_SIGN,
         "Digital Signature, Certificate Sign, CRL Sign"},
        {CERTIFICATE_KEY_AGREEMENT | 0x8000, "Key Agreement, Decipher Only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct certificate_template wanted = {.subject_cn = "u",
                                              .subject_key = private_key_public(p256),
                                              .not_before = NOW,
                                              .not_after = NOW,
                                              .usage = cases[i].usage};
        struct certificate *certificate = issue(&wanted, p256, "u.der");
        assert_int_equal(certificate_facts(certificate)->usage, cases[i].usage);
        tool_run("openssl x509 -inform der -in u.der -noout -ext keyUsage | grep -q '^ *%s *$'",
                 cases[i].printed);
        certificate_free(&certificate);
    }
}

/* An issuer from elsewhere: several name parts, a serial with its high bit set, no key identifier.
 */
static void test_foreign_issuer(void **state)
{
    (void)state;
    tool_run("openssl genrsa -out ca.key 2048\n"
             "printf '[x]\\nbasicConstraints=critical,CA:TRUE' > x.cnf\n"
             "openssl req -new -key ca.key -subj '/C=DE/O=Fab+OU=rik/CN=C A' -out ca.csr\n"
             "openssl x509 -req -in ca.csr -key ca.key -set_serial 0xff0102 -days 5000 -extfile "
             "x.cnf -extensions x -out ca.pem\n"
             "openssl x509 -in ca.pem -outform der -out ca.der\n"
             "openssl pkcs8 -topk8 -nocrypt -in ca.key -outform der -out ca.p8");
    struct buf bytes;
    struct private_key *key = NULL;
    struct certificate *ca = NULL;
    assert_true(private_key_parse(&key, tool_read(&bytes, "ca.p8"), NULL));
    buf_done(&bytes);
    assert_true(certificate_parse(&ca, tool_read(&bytes, "ca.der"), NULL));
    buf_done(&bytes);
    struct certificate *health = issue_health(ca, key, "health.der");
    assert_true(certificate_verify_issued(health, ca, NULL));
    assert_string_equal(certificate_facts(health)->issuer_text, "CN=C A,O=Fab+OU=rik,C=DE");
    tool_run("openssl x509 -inform der -in health.der -out health.pem\n"
             "openssl verify -attime %jd -partial_chain -trusted ca.pem health.pem\n"
             "openssl x509 -in health.pem -noout -ext authorityKeyIdentifier | grep -q "
             "'serial:FF:01:02'",
             (intmax_t)NOW + 1);
    certificate_free(&health);
    certificate_free(&ca);
    private_key_free(&key);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool valid;
    } names[] = {
        {"x", true},
        {"Gro\xc3\x9f, \"<>;\xf0\x9f\x94\x91", true},
        {"0123456789012345678901234567890123456789012345678901234567890123", true},
        {"01234567890123456789012345678901234567890123456789012345678901\xc3\x9f\xc3\x9f", true},
        {"01234567890123456789012345678901234567890123456789012345678901234", false},
        {"", false},
        {"\xff", false},
        {"\xc3", false},
    };
    struct signer signer = signer_of_key(p256);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct certificate_template wanted = {.subject_cn = names[i].name,
                                              .subject_key = private_key_public(p256),
                                              .not_before = NOW,
                                              .not_after = NOW + 1};
        struct buf der;
        buf_init(&der, CERTIFICATE_SIZE_MAX);
        if (names[i].valid)
            assert_ok(certificate_issue(&der, &wanted, &signer, err));
        else
            assert_refused(certificate_issue(&der, &wanted, &signer, err),
                           "crypto.certificate-malformed");
        buf_done(&der);
    }
}

static bool refuse_to_sign(void *context, enum signature_algorithm algorithm, struct slice message,
                           struct buf *out, struct error *err)
{
    (void)algorithm, (void)message, (void)out;
    return error_set(err, context, NULL, NULL, "no");
}

static void assert_issue_refused(const struct certificate_template *wanted,
                                 const struct signer *signer, size_t limit, const char *code)
{
    struct buf der;
    buf_init(&der, limit);
    assert_refused(certificate_issue(&der, wanted, signer, err), code);
    assert_int_equal(der.size, 0);
    buf_done(&der);
}

static void test_refusals(void **state)
{
    (void)state;
    struct signer signer = signer_of_key(p256);
    struct certificate *ca = issue_signer(rsa, "signer.der");
    const struct certificate_template good = {.subject_cn = "x",
                                              .subject_key = private_key_public(p256),
                                              .not_before = NOW,
                                              .not_after = NOW + 1};
    struct certificate_template wanted = good;
    wanted.subject_key = private_key_public(host);
    assert_issue_refused(&wanted, &signer, 10000, "crypto.key-mismatch");
    wanted.issuer = ca;
    assert_issue_refused(&wanted, &signer, 10000, "crypto.key-mismatch");
    wanted = good;
    wanted.not_after = NOW - 1;
    assert_issue_refused(&wanted, &signer, 10000, "crypto.certificate-malformed");
    wanted = good;
    wanted.not_after = INT64_C(253402300800);
    assert_issue_refused(&wanted, &signer, 10000, "crypto.certificate-malformed");
    wanted = good;
    wanted.not_before = INT64_C(-631152001);
    assert_issue_refused(&wanted, &signer, 10000, "crypto.certificate-malformed");
    assert_issue_refused(&good, &signer, 100, "base.buffer-full");
    static const struct error_code away = {"keyholder.away", ERROR_UNAVAILABLE, "c", "r"};
    struct signer absent = {refuse_to_sign, (void *)&away, private_key_public(p256)};
    assert_issue_refused(&good, &absent, 10000, "keyholder.away");
    certificate_free(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signers),        cmocka_unit_test(test_health_certificates),
        cmocka_unit_test(test_bytes),          cmocka_unit_test(test_serials_differ),
        cmocka_unit_test(test_times),          cmocka_unit_test(test_usages),
        cmocka_unit_test(test_foreign_issuer), cmocka_unit_test(test_names),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
