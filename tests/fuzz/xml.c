/* SPDX-License-Identifier: Apache-2.0 */

/* XML from anybody. The canonical form of what is accepted is accepted, too, and is its own
 * canonical form: two readers of a signed document cannot see two documents. */

#include "base/xml.h"

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
    require(xml_canonicalize(&again, xml_root(document), NULL, NULL));
    require(slice_equal(buf_slice(&again), canonical));
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
    _cleanup_buf_ struct buf whole, part;
    buf_init(&whole, 16 << 20);
    buf_init(&part, 16 << 20);
    if (xml_canonicalize(&whole, root, NULL, &err))
        canonicalize_again(buf_slice(&whole));
    if (xml_first(root) != NULL && xml_canonicalize(&part, root, xml_first(root), &err))
        require(part.size < whole.size);
    return 0;
}
