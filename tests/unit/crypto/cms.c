/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cms.h"
#include "crypto/der.h"
#include "tool.h"

#define CERTIFICATES 3

static struct certificate *certificates[CERTIFICATES];

static int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    /* The first has the longest name: sorted as DER sorts, the order would be another. */
    tool_run("openssl ecparam -name prime256v1 -genkey -noout -out k\n"
             "n=one.with.a.long.name; for i in 0 1 2; do "
             "openssl req -x509 -new -key k -subj /CN=$n -days 2 -outform der -out $i.der; "
             "n=n$i; done\n"
             "for i in 0 1 2; do openssl x509 -inform der -in $i.der; done > all.pem\n"
             "openssl crl2pkcs7 -nocrl -certfile all.pem -outform der -out theirs.p7b");
    for (int i = 0; i < CERTIFICATES; i++) {
        char name[] = {(char)('0' + i), '.', 'd', 'e', 'r', 0};
        struct buf der;
        assert_true(certificate_parse(&certificates[i], tool_read(&der, name), NULL));
        buf_done(&der);
    }
    return 0;
}

static int tear_down(void **state)
{
    for (int i = 0; i < CERTIFICATES; i++)
        certificate_free(&certificates[i]);
    return tool_tear_down(state);
}

static bool check_next(void *context, struct slice certificate, struct error *err)
{
    int *count = context;
    assert_in_range(*count, 0, CERTIFICATES - 1);
    assert_slice_equal(certificate, certificate_der(certificates[*count]));
    (*count)++;
    (void)err;
    return true;
}

static bool count_only(void *context, struct slice certificate, struct error *err)
{
    (void)certificate, (void)err;
    ++*(int *)context;
    return true;
}

static bool refuse_second(void *context, struct slice certificate, struct error *err)
{
    static const struct error_code stop = {"test.stop", ERROR_INVALID, "c", "r"};
    (void)certificate;
    return ++*(int *)context < 2 || error_set(err, &stop, NULL, NULL, "stop");
}

static void format(struct buf *out, size_t count)
{
    buf_init(out, 65536);
    cms_format_certificates(out, (const struct certificate *const *)certificates, count);
    assert_true(buf_ok(out, "test", NULL));
}

static void test_read_by_openssl(void **state)
{
    (void)state;
    struct buf der, listed, expected;
    format(&der, CERTIFICATES);
    tool_write("made.p7b", buf_slice(&der));
    tool_run("openssl pkcs7 -inform der -in made.p7b -print_certs | grep -v -e ^subject -e "
             "^issuer -e '^$' > listed.pem\n"
             "openssl cms -cmsout -print -inform der -in made.p7b > printed\n"
             "openssl pkcs7 -inform der -in made.p7b -outform der -out again.p7b");
    assert_slice_equal(tool_read(&listed, "listed.pem"), tool_read(&expected, "all.pem"));
    buf_done(&listed);
    buf_done(&expected);
    buf_done(&der);
}

static void test_read_back(void **state)
{
    (void)state;
    struct buf der;
    int count = 0;
    format(&der, CERTIFICATES);
    assert_ok(cms_parse_certificates(buf_slice(&der), check_next, &count, err));
    assert_int_equal(count, CERTIFICATES);
    count = 0;
    assert_refused(cms_parse_certificates(buf_slice(&der), refuse_second, &count, err),
                   "test.stop");
    buf_done(&der);
    count = 0;
    assert_ok(cms_parse_certificates(tool_read(&der, "theirs.p7b"), count_only, &count, err));
    assert_int_equal(count, CERTIFICATES);
    buf_done(&der);
    count = 0;
    format(&der, 0);
    assert_ok(cms_parse_certificates(buf_slice(&der), count_only, &count, err));
    assert_int_equal(count, 0);
    buf_done(&der);
}

static void test_at_most_64(void **state)
{
    (void)state;
    const struct certificate *many[65];
    for (int i = 0; i < 65; i++)
        many[i] = certificates[0];
    for (size_t size = 64; size <= 65; size++) {
        struct buf der;
        int count = 0;
        buf_init(&der, 100000);
        cms_format_certificates(&der, many, size);
        if (size == 64)
            assert_ok(cms_parse_certificates(buf_slice(&der), count_only, &count, err));
        else
            assert_refused(cms_parse_certificates(buf_slice(&der), count_only, &count, err),
                           "crypto.cms-malformed");
        assert_int_equal(count, 64);
        buf_done(&der);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    struct buf der;
    int count = 0;
    format(&der, 2);
    for (size_t i = 0; i < der.size; i++)
        assert_refused(cms_parse_certificates(slice_of(der.data, i), count_only, &count, err),
                       "crypto.cms-malformed");
    assert_int_equal(count, 0);
    /* The frame; what is inside the certificates is not looked at here. */
    for (size_t i = 0; i < 50; i++) {
        for (int bit = 0; bit < 8; bit++) {
            der.data[i] ^= (uint8_t)(1 << bit);
            cms_parse_certificates(buf_slice(&der), count_only, &count, NULL);
            der.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    buf_append_u8(&der, 0);
    assert_refused(cms_parse_certificates(buf_slice(&der), count_only, &count, err),
                   "crypto.cms-malformed");
    buf_done(&der);
    static const char *const cases[] = {
        /* another content type; no signerInfos; a list that holds no certificate; version 6 */
        "301b06092a864886f70d010703a00e300c0201013100300506032a03043100",
        "302306092a864886f70d010702a01630140201013100300b06092a864886f70d010701a000",
        "302706092a864886f70d010702a01a30180201013100300b06092a864886f70d010701a00205003100",
        "302306092a864886f70d010702a01630140201063100300b06092a864886f70d0107013100",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf bytes;
        assert_refused(cms_parse_certificates(tool_hex(&bytes, cases[i]), count_only, &count, err),
                       "crypto.cms-malformed");
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_by_openssl),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_at_most_64),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
