/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/file.h"

/* Parses a copy without a NUL, so that a sanitizer sees a read past its end. */
static bool parse(struct xml_document **out, const char *text, size_t size, struct error *err)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    memcpy(exact, text, size);
    bool fine = xml_parse(out, slice_of(exact, size), err);
    free(exact);
    return fine;
}

static struct xml_document *parsed(const char *text)
{
    struct xml_document *document = NULL;
    assert_ok(parse(&document, text, strlen(text), err));
    return document;
}

static void refuses(const char *text, const struct error_code *code)
{
    struct xml_document *document = NULL;
    struct error err = {0};
    if (parse(&document, text, strlen(text), &err))
        fail_msg("accepted: %.200s", text);
    if (err.code != code)
        fail_msg("%s instead of %s for: %.200s", err.code->name, code->name, text);
    assert_null(document);
}

static void test_navigation(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document =
        parsed("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n"
               "<r xmlns=\"urn:a\" xmlns:b=\"urn:b\" Id=\"x\" b:q=\"1\">\n"
               " <one/>\n <b:two>t&lt;&#65;&amp;</b:two><three>12</three> </r>\n");
    const struct xml_element *root = xml_root(document);
    assert_true(xml_is(root, "urn:a", "r"));
    assert_false(xml_is(root, "", "r"));
    assert_string_equal(xml_attribute(root, "Id"), "x");
    assert_null(xml_attribute(root, "q"));
    const struct xml_element *cursor = xml_first(root);
    struct error err = {0};
    assert_non_null(xml_take(&cursor, "urn:a", "one", root, &err));
    assert_null(xml_take_optional(&cursor, "urn:a", "two"));
    const struct xml_element *two = xml_take_optional(&cursor, "urn:b", "two");
    assert_string_equal(xml_name(two), "two");
    assert_string_equal(xml_namespace(two), "urn:b");
    assert_false(xml_take_end(cursor, root, &err));
    assert_ptr_equal(err.code, &base_xml_malformed);
    assert_non_null(strstr(err.message, "{urn:a}three"));
    const struct xml_element *three = xml_take(&cursor, "urn:a", "three", root, &err);
    assert_non_null(three);
    assert_true(xml_take_end(cursor, root, &err));
    struct buf text;
    buf_init(&text, 100);
    assert_true(xml_text(&text, two, &err));
    assert_string_equal(buf_text(&text), "t<A&");
    assert_true(xml_only_elements(root, &err));
    buf_done(&text);
}

static void test_take_refuses(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document = parsed("<r><a/></r>");
    const struct xml_element *root = xml_root(document), *cursor = xml_first(root);
    struct error err = {0};
    assert_null(xml_take(&cursor, "", "b", root, &err));
    assert_ptr_equal(err.code, &base_xml_malformed);
    assert_string_equal(err.object, "r");
    assert_string_equal(err.message, "holds {}a where {}b should be");
    assert_non_null(xml_take(&cursor, "", "a", root, &err));
    assert_null(xml_take(&cursor, "", "b", root, &err));
    assert_string_equal(err.message, "ends without {}b");
    assert_string_equal(xml_namespace(root), "");
}

static void test_attributes(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document =
        parsed("<r xmlns:n=\"urn:n\" a=\"1 &amp; &#x41;&lt;\" b=\"\"><c n:a=\"2\"/></r>");
    const struct xml_element *root = xml_root(document);
    static const char *const both[] = {"b", "a", NULL}, *const one[] = {"a", NULL};
    assert_string_equal(xml_attribute(root, "a"), "1 & A<");
    assert_string_equal(xml_attribute(root, "b"), "");
    assert_ok(xml_only_attributes(root, both, err));
    assert_refused(xml_only_attributes(root, one, err), base_xml_malformed);
    assert_refused(xml_only_attributes(xml_first(root), both, err), base_xml_malformed);
}

static void test_contents(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document =
        parsed("<r>x<t>a<b/></t><e/><b64> QUJD\nREU= </b64><bad>QUJ</bad></r>");
    const struct xml_element *root = xml_root(document), *t = xml_first(root), *e = xml_next(t),
                             *b64 = xml_next(e), *bad = xml_next(b64);
    struct buf out;
    buf_init(&out, 5);
    assert_refused(xml_text(&out, t, err), base_xml_malformed);
    assert_refused(xml_only_elements(root, err), base_xml_malformed);
    assert_ok(xml_only_elements(e, err));
    assert_ok(xml_text(&out, e, err));
    assert_ok(xml_bytes(&out, e, err));
    assert_int_equal(out.size, 0);
    assert_ok(xml_bytes(&out, b64, err));
    assert_string_equal(buf_text(&out), "ABCDE");
    buf_reset(&out);
    assert_refused(xml_bytes(&out, bad, err), base_xml_malformed);
    assert_refused(xml_bytes(&out, t, err), base_xml_malformed);
    assert_refused(xml_text(&out, b64, err), base_buffer_full);
    buf_done(&out);
}

static void test_numbers(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document =
        parsed("<r><n>0</n><n>42</n><n>18446744073709551615</n>"
               "<x/><x>-1</x><x>+1</x><x>042</x><x> 1</x><x>1 </x><x>1.0</x><x>0x1</x><x>1e1</x>"
               "<x>18446744073709551616</x><x>99999999999999999999999</x><x>\xd9\xa1</x></r>");
    static const uint64_t expected[] = {0, 42, UINT64_MAX};
    const struct xml_element *element = xml_first(xml_root(document));
    uint64_t value = 7;
    for (int i = 0; i < 3; i++, element = xml_next(element)) {
        assert_ok(xml_unsigned(&value, element, UINT64_MAX, err));
        assert_true(value == expected[i]);
    }
    for (; element != NULL; element = xml_next(element))
        assert_refused(xml_unsigned(&value, element, UINT64_MAX, err), base_xml_malformed);
    assert_refused(xml_unsigned(&value, xml_next(xml_first(xml_root(document))), 41, err),
                   base_xml_malformed);
    assert_true(value == UINT64_MAX);
}

static void test_refused_constructs(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<!DOCTYPE r><r/>",
        "<!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>",
        "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><r/>",
        "<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><r>&a;</r>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x\"> %p;]><r/>",
        "<r><!-- c --></r>",
        "<!-- c --><r/>",
        "<r/><!-- c -->",
        "<r><?pi x?></r>",
        "<?pi x?><r/>",
        "<r/><?pi x?>",
        "<?xml-stylesheet href='x'?><r/>",
        " <?xml version='1.0'?><r/>",
        "<r><![CDATA[x]]></r>",
        "<r>&unknown;</r>",
        "<r a='&unknown;'/>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><r/>",
        "<?xml version='1.0' encoding='UTF-16'?><r/>",
        "<?xml version='1.0' encoding='UTF-7'?><r>+ADw-</r>",
        "<?xml version='1.0' encoding=\"US-ASCII\"?><r/>",
        "<?xml version='1.0' encoding='EBCDIC-CP-US'?><r/>",
        "<?xml version='1.1'?><r/>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        refuses(texts[i], &base_xml_refused);
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "x",
        "<",
        "<r",
        "<r>",
        "<r></s>",
        "</r>",
        "<r/><r/>",
        "<r/>x",
        "x<r/>",
        "<r a=1/>",
        "<r a='1' a='2'/>",
        "<r a='<'/>",
        "<r a='1/>",
        "<r><a></r></a>",
        "<n:r/>",
        "<r xmlns:n='urn:a' xmlns:m='urn:a' n:a='1' m:a='2'/>",
        "<r>&#0;</r>",
        "<r>&#1;</r>",
        "<r>&amp</r>",
        "<r>\x01</r>",
        "<r>]]></r>",
        "<1/>",
        "<r><a b='c</r>",
        "<?xml version='1.0'",
        "<r>&#xD800;</r>",
        "<r>\xef\xbf\xbe</r>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        refuses(texts[i], &base_xml_malformed);
    refuses("<r>\xff</r>", &base_text_malformed);
    refuses("\xff\xfe<\0r", &base_text_malformed);
    struct xml_document *document = NULL;
    assert_refused(parse(&document, "\0<\0r\0/\0>", 8, err), base_text_malformed);
    assert_refused(parse(&document, "<r/>\0", 5, err), base_text_malformed);
    assert_refused(parse(&document, "<\0r\0/\0>\0", 8, err), base_text_malformed);
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<r/>",
        "\xef\xbb\xbf<r/>",
        "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?><r/>",
        "<?xml version='1.0'?>\n<r/>",
        "<r>a > b &gt; &apos;&quot;</r>",
        "<r a='>' b=\"'\"/>",
        "<r>\xc3\xa4</r>",
        "<r\n a\n=\n'1'\n>\n</r\n>",
        "<r a='x=y=z'/>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct xml_document *document = parsed(texts[i]);
        xml_free(&document);
        assert_null(document);
    }
    xml_free(NULL);
}

static void test_truncated(void **state)
{
    (void)state;
    static const char text[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?><r xmlns='urn:a' "
                               "a='&lt;'><b>t\xc3\xa4&amp;</b><c/></r>";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        struct xml_document *document = NULL;
        struct error err = {0};
        assert_false(parse(&document, text, size, &err));
        assert_int_equal(error_kind(&err), ERROR_MALFORMED);
    }
    xml_free(&(struct xml_document *){parsed(text)});
}

/* count times open, then count times close, inside <r>. */
static void nested(struct buf *out, const char *open, const char *close, size_t count)
{
    buf_init(out, 1 << 24);
    buf_append_text(out, "<r>");
    for (size_t i = 0; i < count; i++)
        buf_append_text(out, open);
    for (size_t i = 0; i < count; i++)
        buf_append_text(out, close);
    buf_append_text(out, "</r>");
}

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
        size_t count;
        const struct error_code *code;
    } cases[] = {
        {"<a>", "</a>", XML_DEPTH_MAX - 1, NULL},
        {"<a>", "</a>", XML_DEPTH_MAX, &base_xml_too_large},
        {"<a>", "</a>", 10000, &base_xml_too_large},
        {"<a>", "", 1000000, &base_xml_too_large},
        {"<a/>", "", XML_ELEMENTS_MAX - 1, NULL},
        {"<a/>", "", XML_ELEMENTS_MAX, &base_xml_too_large},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        nested(&text, cases[i].open, cases[i].close, cases[i].count);
        if (cases[i].code != NULL)
            refuses(buf_text(&text), cases[i].code);
        else
            xml_free(&(struct xml_document *){parsed(buf_text(&text))});
        buf_done(&text);
    }
}

static void test_attribute_bounds(void **state)
{
    (void)state;
    for (int count = 64; count <= 65; count++) {
        struct buf text;
        buf_init(&text, 1 << 16);
        buf_append_text(&text, "<r xmlns:n='urn:n'");
        for (int i = 1; i < count; i++)
            buf_append_format(&text, " n:a%d='='", i);
        buf_append_text(&text, "/>");
        if (count == 65)
            refuses(buf_text(&text), &base_xml_too_large);
        else
            xml_free(&(struct xml_document *){parsed(buf_text(&text))});
        buf_done(&text);
    }
    /* A megabyte of them: libxml2 alone would compare each with each. */
    struct buf text;
    buf_init(&text, 1 << 22);
    buf_append_text(&text, "<r");
    for (int i = 0; i < 100000; i++)
        buf_append_format(&text, " a%d=''", i);
    buf_append_text(&text, "/>");
    refuses(buf_text(&text), &base_xml_too_large);
    buf_done(&text);
}

static void test_namespace_bounds(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct buf text;
        buf_init(&text, 1 << 16);
        /* 2 × 64 in scope of <c>, and a sibling's, which are not. */
        buf_append_text(&text, "<r");
        for (int i = 0; i < 64; i++)
            buf_append_format(&text, "\n\txmlns:n%d = \"urn:n\"", i);
        buf_append_text(&text, "><a xmlns='urn:a'/><b");
        for (int i = 64; i < 128; i++)
            buf_append_format(&text, " xmlns:n%d='urn:n'", i);
        buf_append_format(&text, "><c xmln='x' a='xmlns='%s/></b></r>",
                          extra ? " xmlns='urn:c'" : "");
        if (extra)
            refuses(buf_text(&text), &base_xml_too_large);
        else
            xml_free(&(struct xml_document *){parsed(buf_text(&text))});
        buf_done(&text);
    }
}

static void test_billion_laughs(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_append_text(&text, "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY l0 \"lol\">");
    for (int i = 1; i < 10; i++) {
        buf_append_format(&text, "<!ENTITY l%d \"", i);
        for (int n = 0; n < 10; n++)
            buf_append_format(&text, "&l%d;", i - 1);
        buf_append_text(&text, "\">");
    }
    buf_append_text(&text, "]><l>&l9;</l>");
    refuses(buf_text(&text), &base_xml_refused);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_navigation),       cmocka_unit_test(test_take_refuses),
        cmocka_unit_test(test_attributes),       cmocka_unit_test(test_contents),
        cmocka_unit_test(test_numbers),          cmocka_unit_test(test_refused_constructs),
        cmocka_unit_test(test_malformed),        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_truncated),        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_attribute_bounds), cmocka_unit_test(test_namespace_bounds),
        cmocka_unit_test(test_billion_laughs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
