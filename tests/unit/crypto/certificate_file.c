/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate_file.h"
#include "tool.h"

static int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_run("openssl ecparam -name prime256v1 -genkey -noout -out k\n"
             "for i in 0 1 2; do openssl req -x509 -new -key k -subj /CN=$i -days 2 -out $i.pem\n"
             "openssl x509 -in $i.pem -outform der -out $i.der; done\n"
             "cat 0.pem 1.pem 2.pem > all.pem\n"
             "openssl crl2pkcs7 -nocrl -certfile all.pem -outform der -out all.p7b\n"
             "openssl crl2pkcs7 -nocrl -certfile all.pem > p7b.pem\n"
             "{ echo words; cat k 0.pem p7b.pem; echo more words; } > mixed.pem");
    return 0;
}

static bool add(void *context, struct slice der, struct error *err)
{
    struct certificate *certificate;
    if (!certificate_parse(&certificate, der, err))
        return false;
    buf_append_format(context, "%s ", certificate_facts(certificate)->subject_text);
    certificate_free(&certificate);
    return true;
}

static bool read_file(struct buf *found, const char *name, struct error *err)
{
    struct buf file;
    buf_init(found, 1000);
    bool good = certificate_file_read(tool_read(&file, name), add, found, err);
    buf_done(&file);
    return good;
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *file, *found;
    } cases[] = {
        {"0.der", "CN=0 "},
        {"0.pem", "CN=0 "},
        {"all.pem", "CN=0 CN=1 CN=2 "},
        {"all.p7b", "CN=0 CN=1 CN=2 "},
        {"p7b.pem", "CN=0 CN=1 CN=2 "},
        {"mixed.pem", "CN=0 CN=0 CN=1 CN=2 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf found;
        assert_ok(read_file(&found, cases[i].file, err));
        assert_string_equal(buf_text(&found), cases[i].found);
        buf_done(&found);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *make, *code;
    } cases[] = {
        {":", "crypto.certificate-malformed"},
        {"echo words", "crypto.certificate-malformed"},
        {"cat k", "crypto.certificate-malformed"},
        {"head -c 100 0.der", "crypto.certificate-malformed"},
        {"cat 0.der 1.der", "crypto.certificate-malformed"},
        {"head -n 3 0.pem", "crypto.certificate-malformed"},
        {"tr A '*' < 0.pem", "crypto.certificate-malformed"},
        {"cat 0.pem; head -c 100000000 /dev/zero | head -c 300000", "crypto.certificate-malformed"},
        {"cat all.p7b; echo", "crypto.cms-malformed"},
        {"printf '\\060\\013\\006\\011\\052\\206\\110\\206\\367\\015\\001\\007\\002'",
         "crypto.cms-malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf found;
        tool_run("{ %s; } > case", cases[i].make);
        assert_refused(read_file(&found, "case", err), cases[i].code);
        buf_done(&found);
    }
}

static bool stop(void *context, struct slice der, struct error *err)
{
    static const struct error_code code = {"test.stop", ERROR_INVALID, "c", "r"};
    (void)der;
    return ++*(int *)context < 2 || error_set(err, &code, NULL, NULL, "enough");
}

static void test_stops(void **state)
{
    (void)state;
    struct buf file;
    int count = 0;
    struct slice bytes = tool_read(&file, "all.pem");
    assert_refused(certificate_file_read(bytes, stop, &count, err), "test.stop");
    assert_int_equal(count, 2);
    buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_stops),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
