/* SPDX-License-Identifier: Apache-2.0 */

/* Requests as openssl reads them, and names as openssl writes them. */

#include "crypto/certificate_request.h"
#include "crypto/name.h"
#include "tool.h"

static struct private_key *rsa, *p256;

static int set_up(void **state)
{
    return tool_set_up(state) != 0 || !private_key_generate(&rsa, PRIVATE_KEY_RSA_2048, NULL) ||
           !private_key_generate(&p256, PRIVATE_KEY_P256, NULL);
}

static int tear_down(void **state)
{
    private_key_free(&rsa);
    private_key_free(&p256);
    return tool_tear_down(state);
}

static void make(const struct private_key *key, const char *subject, unsigned usage)
{
    struct signer signer = signer_of_key(key);
    _cleanup_buf_ struct buf name, der, pem;
    buf_init(&name, 4096);
    buf_init(&der, CERTIFICATE_REQUEST_SIZE_MAX);
    buf_init(&pem, 2 * CERTIFICATE_REQUEST_SIZE_MAX);
    assert_ok(name_parse(&name, subject, err));
    struct certificate_request_template wanted = {buf_slice(&name), usage};
    assert_ok(certificate_request_issue(&der, &wanted, &signer, err));
    certificate_request_format_pem(&pem, buf_slice(&der));
    tool_write("request.pem", buf_slice(&pem));
}

static void test_openssl_signs_them(void **state)
{
    (void)state;
    static const struct {
        unsigned usage;
        const char *words;
    } cases[] = {
        {CERTIFICATE_DIGITAL_SIGNATURE, "Digital Signature"},
        {CERTIFICATE_KEY_ENCIPHERMENT, "Key Encipherment"},
        {CERTIFICATE_DIGITAL_SIGNATURE | CERTIFICATE_KEY_ENCIPHERMENT,
         "Digital Signature, Key Encipherment"},
    };
    tool_run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -days 2 -out "
             "ca.pem");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf der;
        struct certificate *certificate = NULL;
        const struct private_key *key = i % 2 == 0 ? rsa : p256;
        make(key, "CN=HGS signing,O=Example,C=DE", cases[i].usage);
        tool_run("openssl req -in request.pem -noout -verify\n"
                 "openssl req -in request.pem -noout -text > text\n"
                 "grep -A1 'Key Usage: critical' text | grep -qx ' *%s'",
                 cases[i].words);
        tool_run("openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 2 "
                 "-copy_extensions copyall "
                 "-outform der -out made.der");
        assert_ok(certificate_parse(&certificate, tool_read(&der, "made.der"), err));
        const struct certificate_facts *facts = certificate_facts(certificate);
        assert_int_equal(facts->usage, cases[i].usage);
        assert_string_equal(facts->subject_text, "CN=HGS signing,O=Example,C=DE");
        assert_memory_equal(public_key_digest(certificate_key(certificate)),
                            public_key_digest(private_key_public(key)), DIGEST_SHA256_SIZE);
        assert_true(facts->subject_key_id.size == 20);
        certificate_free(&certificate);
        buf_done(&der);
    }
}

/* The same DER as openssl makes of the same name. */
static void test_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"CN=one", "/CN=one"},
        {"cn = one , o = Two ", "/O=Two/CN=one"},
        {"CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h", "/CN=a,b\\+c\"d\\\\e<f>g;h"},
        {"CN=x,OU=Unit,O=Org,L=Town,ST=Bavaria,C=DE", "/C=DE/ST=Bavaria/L=Town/O=Org/OU=Unit/CN=x"},
        {"CN=x,DC=example,DC=com", "/DC=com/DC=example/CN=x"},
        {"CN=Gro\xc3\x9f", "/CN=Gro\xc3\x9f"},
        {"CN=Gro\\C3\\9f", "/CN=Gro\xc3\x9f"},
        {"emailAddress=a@b.example,CN=mail", "/CN=mail/emailAddress=a@b.example"},
        {"CN=\\#hash", "/CN=#hash"},
        {"CN=ends\\ ", "/CN=ends "},
        {"UID=u1,STREET=Way 1,serialNumber=12", "/serialNumber=12/street=Way 1/UID=u1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_write("subject", slice_from_text(cases[i][1]));
        make(p256, cases[i][0], CERTIFICATE_DIGITAL_SIGNATURE);
        tool_run("openssl req -in request.pem -noout -subject -nameopt RFC2253 > ours\n"
                 "openssl ecparam -name prime256v1 -genkey -noout -out k\n"
                 "openssl req -new -key k -utf8 -subj \"$(cat subject)\" "
                 "| openssl req -noout -subject -nameopt RFC2253 > theirs\n"
                 "cmp ours theirs");
    }
}

static void test_names_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "CN",
        "CN=",
        "=x",
        "CN=x,",
        ",CN=x",
        "XX=y",
        "CN=a+O=b",
        "CN=#0c0161",
        "C=DEU",
        "C=D?",
        "CN=\xff",
        "CN=a\"b",
        "CN=a\\zb",
        "CN=a\\",
        "CN=\\00",
        "CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "CN=1,CN=2,CN=3,CN=4,CN=5,CN=6,CN=7,CN=8,CN=9,CN=10,CN=11,CN=12,CN=13,CN=14,CN=15,CN=16,CN="
        "17",
        "DC=\xc3\x9f",
        "emailAddress=\xc3\x9f@b",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf name;
        buf_init(&name, 4096);
        assert_refused(name_parse(&name, cases[i], err), "crypto.name-malformed");
        buf_done(&name);
    }
    char *long_value = memory_format("UID=%0300d", 1);
    struct buf name;
    buf_init(&name, 4096);
    assert_refused(name_parse(&name, long_value, err), "crypto.name-malformed");
    buf_done(&name);
    free(long_value);
}

static void test_subject_must_be_a_name(void **state)
{
    (void)state;
    struct signer signer = signer_of_key(p256);
    struct certificate_request_template wanted = {slice_from_text("CN=x"),
                                                  CERTIFICATE_DIGITAL_SIGNATURE};
    struct buf der;
    buf_init(&der, CERTIFICATE_REQUEST_SIZE_MAX);
    assert_refused(certificate_request_issue(&der, &wanted, &signer, err), "crypto.name-malformed");
    assert_int_equal(der.size, 0);
    buf_done(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_signs_them),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_refused),
        cmocka_unit_test(test_subject_must_be_a_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
