/* SPDX-License-Identifier: Apache-2.0 */
#include <libxml/c14n.h>
#include <libxml/xmlIO.h>
#include <stdlib.h>

#include "base/errors.h"
#include "base/xml.h"

static int write_to_buf(void *context, const char *bytes, int size)
{
    struct buf *out = context;
    buf_append_bytes(out, bytes, (size_t)size);
    return out->overflow ? -1 : size;
}

/* xmlStructuredErrorFunc. Without it, libxml2 writes to stderr what it dislikes. */
static void ignore_error(void *context, xmlErrorPtr reason)
{
    (void)context;
    (void)reason;
}

/* libxml2's result: negative when the document has no canonical form. */
static int execute(xmlDocPtr document, struct buf *out)
{
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *context = xmlStructuredErrorContext;
    xmlOutputBufferPtr writer = xmlOutputBufferCreateIO(write_to_buf, NULL, out, NULL);
    if (writer == NULL)
        abort();                                   /* out of memory */
    xmlSetStructuredErrorFunc(NULL, ignore_error); /* of this thread */
    int result = xmlC14NExecute(document, NULL, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, writer);
    int closed = xmlOutputBufferClose(writer);
    xmlSetStructuredErrorFunc(context, handler);
    return result < 0 ? result : closed;
}

bool xml_canonicalize(struct buf *out, const struct xml_element *element, struct error *err)
{
    /*
     * libxml2 canonicalises documents and asks for every node of them whether it counts. To visit
     * the element alone, and be asked nothing, it gets a document whose only child is a copy of the
     * element's node without siblings. The copy is shallow: its children, and its parent for the
     * namespaces in scope, are the real ones.
     */
    xmlNode alone = *(const xmlNode *)element;
    xmlDoc document = *alone.doc;
    alone.next = NULL;
    alone.prev = NULL;
    document.children = &alone;
    document.last = &alone;
    size_t before = out->size;
    int result = execute(&document, out);
    if (!buf_ok(out, xml_name(element), err))
        return false;
    if (result >= 0)
        return true;
    out->size = before;
    return error_set(err, &base_xml_malformed, "Exclusive XML Canonicalization 1.0",
                     xml_name(element),
                     "cannot be canonicalised: it uses a relative namespace name");
}
