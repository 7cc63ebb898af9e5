/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Exclusive XML Canonicalization 1.0 of what xml_parse lets through: elements, attributes,
 * namespace declarations and text, nothing else. Written here because libxml2's, which is made for
 * everything, takes as long as parsing did; its result is what this is tested and fuzzed against.
 */

#include <assert.h>
#include <libxml/parser.h>
#include <libxml/uri.h>

#include "base/errors.h"
#include "base/xml.h"

struct binding {
    const char *prefix; /* "": the default namespace */
    const char *uri;    /* "": none */
};

struct writer {
    struct buf *out;
    /* What the elements around the place of writing declare, the innermost last. For each of them,
     * there is a declaration in scope in the document. */
    struct binding bindings[XML_NAMESPACES_MAX];
    size_t count;
};

static struct binding binding_of(const xmlNs *namespace)
{
    bool prefixed = namespace != NULL && namespace->prefix != NULL;
    bool bound = namespace != NULL && namespace->href != NULL;
    return (struct binding){prefixed ? (const char *)namespace->prefix : "",
                            bound ? (const char *)namespace->href : ""};
}

static const char *written_uri(const struct writer *writer, const char *prefix)
{
    for (size_t i = writer->count; i > 0; i--)
        if (strcmp(writer->bindings[i - 1].prefix, prefix) == 0)
            return writer->bindings[i - 1].uri;
    return strcmp(prefix, "xml") == 0 ? (const char *)XML_XML_NAMESPACE : "";
}

/* Adds a namespace that an element uses to its declarations, which begin at first and are kept in
 * order, unless it is in force already. */
static void use_namespace(struct writer *writer, size_t first, const xmlNs *namespace)
{
    struct binding used = binding_of(namespace);
    if (strcmp(written_uri(writer, used.prefix), used.uri) == 0)
        return;
    assert(writer->count < XML_NAMESPACES_MAX);
    size_t at = writer->count++;
    for (; at > first && strcmp(writer->bindings[at - 1].prefix, used.prefix) > 0; at--)
        writer->bindings[at] = writer->bindings[at - 1];
    writer->bindings[at] = used;
}

static int compare_attributes(const xmlAttr *a, const xmlAttr *b)
{
    int order = strcmp(binding_of(a->ns).uri, binding_of(b->ns).uri);
    return order != 0 ? order : strcmp((const char *)a->name, (const char *)b->name);
}

/* The element's attributes in their order; returns how many. */
static size_t sort_attributes(const xmlAttr *sorted[XML_ATTRIBUTES_MAX], const xmlNode *element)
{
    size_t count = 0;
    for (const xmlAttr *attribute = element->properties; attribute != NULL;
         attribute = attribute->next) {
        assert(count < XML_ATTRIBUTES_MAX);
        size_t at = count++;
        for (; at > 0 && compare_attributes(sorted[at - 1], attribute) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = attribute;
    }
    return count;
}

static void append_name(struct buf *out, const xmlNs *namespace, const xmlChar *name)
{
    struct binding binding = binding_of(namespace);
    if (*binding.prefix != '\0') {
        buf_append_text(out, binding.prefix);
        buf_append_u8(out, ':');
    }
    buf_append_text(out, (const char *)name);
}

static void append_declaration(struct buf *out, struct binding binding)
{
    buf_append_text(out, *binding.prefix != '\0' ? " xmlns:" : " xmlns");
    buf_append_text(out, binding.prefix);
    buf_append_text(out, "=\"");
    xml_append_attribute(out, slice_from_text(binding.uri));
    buf_append_u8(out, '"');
}

static void append_attribute(struct buf *out, const xmlAttr *attribute)
{
    buf_append_u8(out, ' ');
    append_name(out, attribute->ns, attribute->name);
    buf_append_text(out, "=\"");
    for (const xmlNode *text = attribute->children; text != NULL; text = text->next)
        xml_append_attribute(out, slice_from_text((const char *)text->content));
    buf_append_u8(out, '"');
}

static void append_start_tag(struct writer *writer, const xmlNode *element)
{
    const xmlAttr *attributes[XML_ATTRIBUTES_MAX];
    size_t attribute_count = sort_attributes(attributes, element);
    size_t first = writer->count;
    use_namespace(writer, first, element->ns);
    for (size_t i = 0; i < attribute_count; i++)
        if (attributes[i]->ns != NULL)
            use_namespace(writer, first, attributes[i]->ns);
    buf_append_u8(writer->out, '<');
    append_name(writer->out, element->ns, element->name);
    for (size_t i = first; i < writer->count; i++)
        append_declaration(writer->out, writer->bindings[i]);
    for (size_t i = 0; i < attribute_count; i++)
        append_attribute(writer->out, attributes[i]);
    buf_append_u8(writer->out, '>');
}

/* Documents that declare a relative namespace name have no canonical form (section 1.3 of Canonical
 * XML 1.0). */
static bool declares_only_absolute(const xmlNode *element)
{
    bool absolute = true;
    for (const xmlNs *namespace = element->nsDef; namespace != NULL && absolute;
         namespace = namespace->next) {
        if (*binding_of(namespace).uri == '\0')
            continue;
        xmlURIPtr uri = xmlParseURI((const char *)namespace->href);
        absolute = uri != NULL && uri->scheme != NULL;
        xmlFreeURI(uri);
    }
    return absolute;
}

/* Recursion is bounded by XML_DEPTH_MAX. */
static bool write_element(struct writer *writer, const xmlNode *element)
{
    if (!declares_only_absolute(element))
        return false;
    size_t outside = writer->count;
    append_start_tag(writer, element);
    for (const xmlNode *child = element->children; child != NULL; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            xml_append_text(writer->out, slice_from_text((const char *)child->content));
        else if (!write_element(writer, child))
            return false;
    }
    buf_append_text(writer->out, "</");
    append_name(writer->out, element->ns, element->name);
    buf_append_u8(writer->out, '>');
    writer->count = outside;
    return true;
}

bool xml_canonicalize(struct buf *out, const struct xml_element *element, struct error *err)
{
    struct writer writer = {.out = out};
    size_t before = out->size;
    bool absolute = write_element(&writer, (const xmlNode *)element);
    if (!buf_ok(out, xml_name(element), err))
        return false;
    if (absolute)
        return true;
    out->size = before;
    return error_set(err, &base_xml_malformed, "Exclusive XML Canonicalization 1.0",
                     xml_name(element),
                     "cannot be canonicalised: it uses a relative namespace name");
}
