/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/name.h"
#include "crypto/der.h"
#include "tool.h"

/* The Name of a certificate request, made by openssl for this -subj. */
static void request(struct buf *name, const char *subject)
{
    tool_write("subject", slice_from_text(subject));
    tool_run("test -f k || openssl ecparam -name prime256v1 -genkey -noout -out k\n"
             "openssl req -new -key k -utf8 -subj \"$(cat subject)\" -outform der -out r");
    struct buf bytes;
    struct reader outer = reader_of(tool_read(&bytes, "r"));
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    struct reader info = der_enter(&reader, DER_SEQUENCE);
    der_read(&info, DER_INTEGER);
    buf_init(name, 10000);
    buf_append(name, der_read_element(&info));
    assert_true(name->size > 0);
    buf_done(&bytes);
}

static void test_against_openssl(void **state)
{
    (void)state;
    static const char *const subjects[] = {
        "/CN=HGS Attestation Signer",
        "/C=DE/ST=Bavaria/L=Town/O=Org/OU=Unit/CN=Name",
        "/DC=com/DC=example/UID=u1/street=Way 1/CN=x",
        "/CN=a,b\\+c\"d\\\\e<f>g;h",
        "/CN=#hash",
        "/CN= space ",
        "/CN=in # side  two",
        "/CN=Gro\xc3\x9f \xf0\x9f\x94\x91",
        "/emailAddress=a@b.example/CN=mail",
        "/CN=/O=x",
    };
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        struct buf name, text, expected;
        request(&name, subjects[i]);
        assert_true(name_check(buf_slice(&name)));
        buf_init(&text, 10000);
        name_format(&text, buf_slice(&name));
        tool_run("openssl req -inform der -in r -noout -subject -nameopt RFC2253,-esc_msb "
                 "| sed -e 's/^subject=//' -e 's/street/STREET/' | tr -d '\\n' > expected");
        tool_read(&expected, "expected");
        assert_string_equal(buf_text(&text), buf_text(&expected));
        buf_done(&name);
        buf_done(&text);
        buf_done(&expected);
    }
}

static void assert_text(const char *hex, const char *expected)
{
    struct buf name, text;
    tool_hex(&name, hex);
    buf_init(&text, 10000);
    assert_true(name_check(buf_slice(&name)));
    name_format(&text, buf_slice(&name));
    assert_string_equal(buf_text(&text), expected);
    buf_done(&name);
    buf_done(&text);
}

static void test_values(void **state)
{
    (void)state;
    assert_text("3000", "");
    /* Several values in one part come in the order of the certificate (RFC 2253 2.2: any). */
    assert_text("30163114300806035504030c0178300806035504030c0179", "CN=x+CN=y");
    assert_text("300c310a300806035504030c0178", "CN=x");
    assert_text("300c310a300806035504030c01ff", "CN=#0c01ff"); /* not UTF-8 */
    assert_text("300c310a300806035504031301e9", "CN=#1301e9"); /* not ASCII */
    assert_text("300c310a300806035504031601e9", "CN=#1601e9");
    assert_text("300c310a300806035504031401e9", "CN=#1401e9");
    assert_text("300c310a30080603550403020105", "CN=#020105");        /* a number */
    assert_text("300d310b300906035504031e0220ac", "CN=\xe2\x82\xac"); /* UTF-16 */
    assert_text("300d310b300906035504031e0200e9", "CN=\xc3\xa9");
    assert_text("300d310b300906035504031e02d83d", "CN=#1e02d83d"); /* half a pair */
    assert_text("300c310a300806035504031e0141", "CN=#1e0141");
    assert_text("300c310a300806032a03040c0178", "1.2.3.4=#0c0178");
    assert_text("300d310b300906035504030c020a1b", "CN=\\0A\\1B"); /* a terminal's controls */
    assert_text("300d310b300906035504030c02007f", "CN=\\00\\7F");
    assert_text("300c310a300806035504030c0120", "CN=\\ ");
    assert_text("300b3109300706035504030c00", "CN=");
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "0500",
        "3080",
        "300c310a300806035504030c01",
        "300c310a300806035504030c017800",
        "30023100",
        "300c300a300806035504030c0178",
        "300c310a310806035504030c0178",
        "300a31083006060355040305",
        "300e310c300a06035504030c01780500",
        "300a3108300606000c020000",
        "300c310a300806035504031f0178",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct buf name;
        assert_false(name_check(tool_hex(&name, names[i])));
        buf_done(&name);
    }
}

static void test_parts_are_bounded(void **state)
{
    (void)state;
    for (size_t count = 64; count <= 65; count++) {
        struct buf name, text;
        buf_init(&name, 10000);
        size_t begin = der_begin(&name, DER_SEQUENCE);
        for (size_t i = 0; i < count; i++)
            assert_true(hex_parse(&name, slice_from_text("310a300806035504030c0178"), NULL));
        der_end(&name, begin);
        assert_int_equal(name_check(buf_slice(&name)), count == 64);
        buf_init(&text, 10000);
        name_format(&text, buf_slice(&name));
        assert_int_equal(text.size, 64 * 5 - 1);
        buf_done(&name);
        buf_done(&text);
    }
}

static void test_write(void **state)
{
    (void)state;
    struct buf name, theirs;
    buf_init(&name, 1000);
    name_write_common_name(&name, "Gro\xc3\x9f");
    request(&theirs, "/CN=Gro\xc3\x9f");
    assert_slice_equal(buf_slice(&name), buf_slice(&theirs));
    buf_done(&name);
    buf_done(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_openssl), cmocka_unit_test(test_values),
        cmocka_unit_test(test_malformed),       cmocka_unit_test(test_parts_are_bounded),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
