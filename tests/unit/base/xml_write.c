/* SPDX-License-Identifier: Apache-2.0 */
#include "../testing.h"
#include "base/xml.h"

static struct xml_document *parsed(const char *text)
{
    struct xml_document *document = NULL;
    assert_ok(xml_parse(&document, slice_from_text(text), err));
    return document;
}

static void test_escapes(void **state)
{
    (void)state;
    static const char all[] = "a&<>\"'\t\n\r\xc3\xa4";
    struct buf text, out;
    buf_init(&out, 1000);
    xml_append_text(&out, slice_from_text(all));
    assert_string_equal(buf_text(&out), "a&amp;&lt;&gt;\"'\t\n&#xD;\xc3\xa4");
    buf_reset(&out);
    xml_append_attribute(&out, slice_from_text(all));
    assert_string_equal(buf_text(&out), "a&amp;&lt;>&quot;'&#x9;&#xA;&#xD;\xc3\xa4");
    /* What was written is its own canonical form. */
    buf_init(&text, 1000);
    buf_append_text(&text, "<r a=\"");
    xml_append_attribute(&text, slice_from_text(all));
    buf_append_text(&text, "\">");
    xml_append_text(&text, slice_from_text(all));
    buf_append_text(&text, "</r>");
    _cleanup_xml_ struct xml_document *document = parsed(buf_text(&text));
    buf_reset(&out);
    assert_ok(xml_canonicalize(&out, xml_root(document), err));
    assert_string_equal(buf_text(&out), buf_text(&text));
    assert_string_equal(xml_attribute(xml_root(document), "a"), all);
    buf_done(&text);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
