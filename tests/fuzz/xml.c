/* SPDX-License-Identifier: Apache-2.0 */

/* XML from anybody. The canonical form of an element is what libxml2 makes of the document with
 * only that element visible, byte for byte; it is accepted, too, and is its own canonical form: two
 * readers of a signed document cannot see two documents. */

#include "base/xml.h"

#include <libxml/c14n.h>

#include "require.h"

static void read_everything(const struct xml_element *element)
{
    static const char *const names[] = {"Id", "Algorithm", NULL};
    struct error err = {0};
    uint64_t number;
    _cleanup_buf_ struct buf text, bytes;
    buf_init(&text, 1 << 20);
    buf_init(&bytes, 1 << 20);
    xml_text(&text, element, &err);
    xml_bytes(&bytes, element, &err);
    xml_only_elements(element, &err);
    xml_only_attributes(element, names, &err);
    if (xml_unsigned(&number, element, 1000, &err))
        require(number <= 1000);
    require(xml_is(element, xml_namespace(element), xml_name(element)));
    for (const struct xml_element *e = xml_first(element); e != NULL; e = xml_next(e))
        read_everything(e);
}

static void canonicalize_again(struct slice canonical)
{
    _cleanup_xml_ struct xml_document *document = NULL;
    _cleanup_buf_ struct buf again;
    buf_init(&again, canonical.size);
    require(xml_parse(&document, canonical, NULL));
    require(xml_canonicalize(&again, xml_root(document), NULL));
    require(slice_equal(buf_slice(&again), canonical));
}

static void keep_quiet(void *context, xmlErrorPtr reason)
{
    (void)context, (void)reason;
}

/* xmlC14NIsVisibleCallback: what is inside of the element, namespaces by whom they belong to. */
static int is_inside(void *element, xmlNodePtr node, xmlNodePtr parent)
{
    bool inside = node == element;
    for (; parent != NULL && !inside; parent = parent->parent)
        inside = parent == element;
    return inside;
}

static void compare_with_libxml2(const struct xml_element *element)
{
    struct error err = {0};
    _cleanup_buf_ struct buf ours;
    buf_init(&ours, 16 << 20);
    xmlNodePtr node = (xmlNodePtr)(uintptr_t)element;
    xmlOutputBufferPtr theirs = xmlAllocOutputBuffer(NULL);
    xmlSetStructuredErrorFunc(NULL, keep_quiet);
    int result =
        xmlC14NExecute(node->doc, is_inside, node, XML_C14N_EXCLUSIVE_1_0, NULL, 0, theirs);
    if (result >= 0) {
        require(xml_canonicalize(&ours, element, &err));
        require(
            slice_equal(slice_of(xmlOutputBufferGetContent(theirs), xmlOutputBufferGetSize(theirs)),
                        buf_slice(&ours)));
    } else if (node->parent->type == XML_DOCUMENT_NODE) {
        require(!xml_canonicalize(&ours, element, &err));
    }
    xmlOutputBufferClose(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_xml_ struct xml_document *document = NULL;
    struct error err = {0};
    if (!xml_parse(&document, slice_of(data, size), &err)) {
        require(document == NULL && err.code != NULL);
        return 0;
    }
    const struct xml_element *root = xml_root(document);
    read_everything(root);
    compare_with_libxml2(root);
    if (xml_first(root) != NULL)
        compare_with_libxml2(xml_first(root));
    _cleanup_buf_ struct buf canonical;
    buf_init(&canonical, 16 << 20);
    if (xml_canonicalize(&canonical, root, &err))
        canonicalize_again(buf_slice(&canonical));
    return 0;
}
