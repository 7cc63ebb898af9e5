/* SPDX-License-Identifier: Apache-2.0 */
#include <libxml/c14n.h>
#include <libxml/xmlIO.h>
#include <stdlib.h>

#include "base/errors.h"
#include "base/xml.h"

/* What is left out of a canonical form, and the last answer: neighbours share a parent. */
struct omission {
    const xmlNode *omit;
    const xmlNode *last_parent;
    bool last_inside;
};

static bool is_inside(struct omission *omission, const xmlNode *parent)
{
    if (parent == omission->last_parent)
        return omission->last_inside;
    omission->last_parent = parent;
    omission->last_inside = false;
    for (const xmlNode *node = parent; node != NULL && !omission->last_inside; node = node->parent)
        omission->last_inside = node == omission->omit;
    return omission->last_inside;
}

/* xmlC14NIsVisibleCallback. A namespace declaration has no parent pointer, so the parent counts. */
static int is_visible(void *context, xmlNodePtr node, xmlNodePtr parent)
{
    struct omission *omission = context;
    return node != omission->omit && !is_inside(omission, parent);
}

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
static int execute(xmlDocPtr document, struct omission *omission, struct buf *out)
{
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *context = xmlStructuredErrorContext;
    xmlOutputBufferPtr writer = xmlOutputBufferCreateIO(write_to_buf, NULL, out, NULL);
    if (writer == NULL)
        abort();                                   /* out of memory */
    xmlSetStructuredErrorFunc(NULL, ignore_error); /* of this thread */
    int result = xmlC14NExecute(document, omission->omit != NULL ? is_visible : NULL, omission,
                                XML_C14N_EXCLUSIVE_1_0, NULL, 0, writer);
    int closed = xmlOutputBufferClose(writer);
    xmlSetStructuredErrorFunc(context, handler);
    return result < 0 ? result : closed;
}

bool xml_canonicalize(struct buf *out, const struct xml_element *element,
                      const struct xml_element *omit, struct error *err)
{
    /*
     * libxml2 canonicalises documents and asks for every node of them whether it counts. To visit
     * the element alone, it gets a document whose only child is a copy of the element's node
     * without siblings. The copy is shallow: its children, and its parent for the namespaces in
     * scope, are the real ones.
     */
    xmlNode alone = *(const xmlNode *)element;
    xmlDoc document = *alone.doc;
    alone.next = NULL;
    alone.prev = NULL;
    document.children = &alone;
    document.last = &alone;
    struct omission omission = {.omit = (const xmlNode *)omit};
    size_t before = out->size;
    int result = execute(&document, &omission, out);
    if (!buf_ok(out, xml_name(element), err))
        return false;
    if (result >= 0)
        return true;
    out->size = before;
    return error_set(err, &base_xml_malformed, "Exclusive XML Canonicalization 1.0",
                     xml_name(element),
                     "cannot be canonicalised: it uses a relative namespace name");
}

static void append_escaped(struct buf *out, struct slice text, const char *specials)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *escape = NULL;
        switch (text.data[i]) {
        case '&':
            escape = "&amp;";
            break;
        case '<':
            escape = "&lt;";
            break;
        case '>':
            escape = "&gt;";
            break;
        case '"':
            escape = "&quot;";
            break;
        case '\t':
            escape = "&#x9;";
            break;
        case '\n':
            escape = "&#xA;";
            break;
        case '\r':
            escape = "&#xD;";
            break;
        }
        if (escape == NULL || strchr(specials, text.data[i]) == NULL)
            continue;
        buf_append_bytes(out, text.data + plain, i - plain);
        buf_append_text(out, escape);
        plain = i + 1;
    }
    if (text.size > plain)
        buf_append_bytes(out, text.data + plain, text.size - plain);
}

void xml_append_text(struct buf *out, struct slice text)
{
    append_escaped(out, text, "&<>\r");
}

void xml_append_attribute(struct buf *out, struct slice text)
{
    append_escaped(out, text, "&<\"\t\n\r");
}
