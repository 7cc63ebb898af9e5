/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/xml.h"

static struct xml_document *parsed(const char *text)
{
    struct xml_document *document = NULL;
    assert_ok(xml_parse(&document, slice_from_text(text), err));
    return document;
}

/* xmllint's canonical form of a whole document, read into out. */
static void xmllint(struct buf *out, const char *text)
{
    char path[] = "/tmp/hgs-xml-XXXXXX", command[100], piece[4096];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_ok(file_write_fd(fd, slice_from_text(text), path, err));
    close(fd);
    snprintf(command, sizeof command, "xmllint --exc-c14n %s", path);
    FILE *program = popen(command, "r");
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, program)) > 0)
        buf_append_bytes(out, piece, size);
    assert_int_equal(pclose(program), 0);
    unlink(path);
}

/* Documents as guardians and tools write them, and those where canonical form changes most. */
static const char *const documents[] = {
    "<r/>",
    "<r ></r >",
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<r>\n  <a/>\n</r>\n",
    "<r b='2' a='1' xmlns='urn:r' xmlns:z='urn:z' xmlns:unused='urn:u' z:c='3'><z:x a='\"'/></r>",
    "<r xmlns='urn:a'><b xmlns=''><c xmlns='urn:a'/></b></r>",
    "<a:r xmlns:a='urn:a'><b xmlns:a='urn:a'><a:c xmlns:a='urn:other'/><a:d/></b></a:r>",
    "<r a='&#9;&#10;&#13;&amp;&lt;&gt;&quot;&apos;'>&#9;&#10;&#13;&amp;&lt;&gt;&quot;&apos;</r>",
    "<r a='x\n y\tz'>line\r\nbreak\rs</r>",
    "<r>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80&#xe4;</r>",
    "<r xml:lang='en' xml:space='preserve'><a xml:lang='de'> </a></r>",
    "<r xmlns:b='urn:b' xmlns:a='urn:a' b:x='1' a:x='2' x='3'/>",
};

static void test_documents_against_xmllint(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        _cleanup_xml_ struct xml_document *document = parsed(documents[i]);
        struct buf expected, out;
        buf_init(&expected, 1 << 16);
        buf_init(&out, 1 << 16);
        xmllint(&expected, documents[i]);
        assert_ok(xml_canonicalize(&out, xml_root(document), err));
        assert_string_equal(buf_text(&out), buf_text(&expected));
        buf_done(&expected);
        buf_done(&out);
    }
}

static const struct xml_element *find(const struct xml_element *element, const char *name)
{
    if (element == NULL || strcmp(xml_name(element), name) == 0)
        return element;
    const struct xml_element *found = find(xml_first(element), name);
    return found != NULL ? found : find(xml_next(element), name);
}

static void canonical(const char *text, const char *name, const char *expected)
{
    _cleanup_xml_ struct xml_document *document = parsed(text);
    const struct xml_element *root = xml_root(document);
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_ok(xml_canonicalize(&out, find(root, name), err));
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

/* The examples of the recommendation's section 2 among them; expected by hand. */
static void test_subtrees(void **state)
{
    (void)state;
    /* Used prefixes come from ancestors, unused ones do not; nor do siblings. */
    canonical("<r xmlns='urn:r' xmlns:a='urn:a' xmlns:u='urn:u'><before/><a:e x='1'><f/></a:e>"
              "<after/></r>",
              "e", "<a:e xmlns:a=\"urn:a\" x=\"1\"><f xmlns=\"urn:r\"></f></a:e>");
    canonical("<n0:pdu xmlns:n0='http://a.example' xmlns='http://d.example'>"
              "<n1:elem1 xmlns:n1='http://b.example'>\n  content\n</n1:elem1></n0:pdu>",
              "elem1", "<n1:elem1 xmlns:n1=\"http://b.example\">\n  content\n</n1:elem1>");
    canonical("<n2:pdu xmlns:n1='http://example.com' xmlns:n2='http://foo.example' xml:lang='fr'>"
              "<n1:elem2 xmlns:n1='http://example.net' xml:lang='en'>"
              "<n3:stuff xmlns:n3='ftp://example.org'/></n1:elem2></n2:pdu>",
              "elem2",
              "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\">"
              "<n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>");
    /* An inner declaration hides the outer one; the default namespace is taken back. */
    canonical("<r xmlns='urn:r' xmlns:a='urn:a'><a:e xmlns:a='urn:inner'><a:f/></a:e></r>", "f",
              "<a:f xmlns:a=\"urn:inner\"></a:f>");
    canonical("<r xmlns='urn:r'><e xmlns=''><f/></e></r>", "e", "<e><f></f></e>");
    canonical("<r xmlns='urn:r'><e><f xmlns=''/></e></r>", "e",
              "<e xmlns=\"urn:r\"><f xmlns=\"\"></f></e>");
    /* A prefix that only an attribute uses. */
    canonical("<r xmlns:a='urn:a' xmlns:b='urn:b'><e b:x='1' a:y='2'/></r>", "e",
              "<e xmlns:a=\"urn:a\" xmlns:b=\"urn:b\" a:y=\"2\" b:x=\"1\"></e>");
}

/* The document is as it was, and can be canonicalised again. */
static void test_leaves_the_document(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document = parsed("<r xmlns='urn:r'><a/><b>t</b><c/></r>");
    const struct xml_element *root = xml_root(document), *b = xml_next(xml_first(root));
    for (int round = 0; round < 3; round++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_ok(xml_canonicalize(&out, b, err));
        assert_ok(xml_canonicalize(&out, root, err));
        assert_string_equal(buf_text(&out), "<b xmlns=\"urn:r\">t</b>"
                                            "<r xmlns=\"urn:r\"><a></a><b>t</b><c></c></r>");
        assert_string_equal(xml_name(xml_next(b)), "c");
        buf_done(&out);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    _cleanup_xml_ struct xml_document *document = parsed("<r xmlns='relative'>text</r>");
    struct buf out;
    buf_init(&out, 100);
    assert_refused(xml_canonicalize(&out, xml_root(document), err), base_xml_malformed);
    assert_int_equal(out.size, 0);
    _cleanup_xml_ struct xml_document *large = parsed("<r>0123456789</r>");
    buf_done(&out);
    buf_init(&out, 16);
    assert_refused(xml_canonicalize(&out, xml_root(large), err), base_buffer_full);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_against_xmllint),
        cmocka_unit_test(test_subtrees),
        cmocka_unit_test(test_leaves_the_document),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
