/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include <inttypes.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/errors.h"
#include "base/xml_check.h"

static const xmlNode *node_of(const struct xml_element *element)
{
    return (const xmlNode *)element;
}

static const struct xml_element *element_of(const xmlNode *node)
{
    return (const struct xml_element *)node;
}

static const char *text_of(const xmlChar *text)
{
    return (const char *)text;
}

/* libxml2's message ends with a newline and may quote anything. */
static bool refuse_parse(xmlParserCtxtPtr parser, struct error *err)
{
    const xmlError *reason = xmlCtxtGetLastError(parser);
    if (reason == NULL || reason->message == NULL)
        return error_set(err, &base_xml_malformed, "XML 1.0", NULL, "cannot be parsed");
    int size = (int)strcspn(reason->message, "\n");
    bool entity =
        reason->code == XML_ERR_UNDECLARED_ENTITY || reason->code == XML_WAR_UNDECLARED_ENTITY;
    return error_set(err, entity ? &base_xml_refused : &base_xml_malformed, "XML 1.0", NULL,
                     "line %d: %.*s", reason->line, size < 200 ? size : 200, reason->message);
}

bool xml_parse(struct xml_document **out, struct slice text, struct error *err)
{
    if (!xml_check(text, err))
        return false;
    if (text.size > INT_MAX)
        return error_set(err, &base_xml_too_large, NULL, NULL, "is %zu bytes long", text.size);
    xmlInitParser();
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser == NULL)
        abort(); /* out of memory */
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                        XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT;
    /* That it is UTF-8 without a NUL is known; told so, libxml2 would convert it all the same, and
     * it cannot take such bytes for another encoding. */
    xmlDocPtr document = xmlCtxtReadMemory(parser, text.size > 0 ? (const char *)text.data : "",
                                           (int)text.size, NULL, NULL, options);
    /* libxml2 lets an undeclared prefix pass. */
    bool fine = document != NULL && parser->nsWellFormed;
    if (!fine) {
        refuse_parse(parser, err);
        xmlFreeDoc(document);
    }
    xmlFreeParserCtxt(parser);
    if (fine)
        *out = (struct xml_document *)document;
    return fine;
}

void xml_free(struct xml_document **document)
{
    if (document == NULL)
        return;
    xmlFreeDoc((xmlDocPtr)*document);
    *document = NULL;
}

const struct xml_element *xml_root(const struct xml_document *document)
{
    return element_of(xmlDocGetRootElement((const xmlDoc *)document));
}

const char *xml_name(const struct xml_element *element)
{
    return text_of(node_of(element)->name);
}

const char *xml_namespace(const struct xml_element *element)
{
    const xmlNs *namespace = node_of(element)->ns;
    return namespace != NULL ? text_of(namespace->href) : "";
}

bool xml_is(const struct xml_element *element, const char *namespace_uri, const char *name)
{
    return strcmp(xml_name(element), name) == 0 &&
           strcmp(xml_namespace(element), namespace_uri) == 0;
}

static const struct xml_element *element_from(const xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return element_of(node);
}

const struct xml_element *xml_first(const struct xml_element *element)
{
    return element_from(node_of(element)->children);
}

const struct xml_element *xml_next(const struct xml_element *element)
{
    return element_from(node_of(element)->next);
}

const struct xml_element *xml_take(const struct xml_element **cursor, const char *namespace_uri,
                                   const char *name, const struct xml_element *parent,
                                   struct error *err)
{
    const struct xml_element *child = xml_take_optional(cursor, namespace_uri, name);
    if (child != NULL)
        return child;
    if (*cursor == NULL)
        error_set(err, &base_xml_malformed, NULL, xml_name(parent), "ends without {%s}%s",
                  namespace_uri, name);
    else
        error_set(err, &base_xml_malformed, NULL, xml_name(parent),
                  "holds {%s}%s where {%s}%s should be", xml_namespace(*cursor), xml_name(*cursor),
                  namespace_uri, name);
    return NULL;
}

const struct xml_element *xml_take_optional(const struct xml_element **cursor,
                                            const char *namespace_uri, const char *name)
{
    const struct xml_element *child = *cursor;
    if (child == NULL || !xml_is(child, namespace_uri, name))
        return NULL;
    *cursor = xml_next(child);
    return child;
}

bool xml_take_end(const struct xml_element *cursor, const struct xml_element *parent,
                  struct error *err)
{
    if (cursor == NULL)
        return true;
    return error_set(err, &base_xml_malformed, NULL, xml_name(parent),
                     "holds {%s}%s behind its last element", xml_namespace(cursor),
                     xml_name(cursor));
}

/* An attribute's value is one text node, or none when it is empty; entities are resolved. */
const char *xml_attribute(const struct xml_element *element, const char *name)
{
    for (const xmlAttr *attribute = node_of(element)->properties; attribute != NULL;
         attribute = attribute->next) {
        if (attribute->ns == NULL && strcmp(text_of(attribute->name), name) == 0)
            return attribute->children != NULL ? text_of(attribute->children->content) : "";
    }
    return NULL;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

bool xml_only_attributes(const struct xml_element *element, const char *const *names,
                         struct error *err)
{
    for (const xmlAttr *attribute = node_of(element)->properties; attribute != NULL;
         attribute = attribute->next) {
        if (attribute->ns != NULL || !is_among(text_of(attribute->name), names))
            return error_set(err, &base_xml_malformed, NULL, xml_name(element),
                             "has the attribute %s, which it may not have",
                             text_of(attribute->name));
    }
    return true;
}

/* The parser merges neighbouring text and leaves no comments, CDATA or entities: what an element
 * without child elements holds is one text node or nothing. */
static bool content(struct slice *out, const struct xml_element *element, struct error *err)
{
    const xmlNode *child = node_of(element)->children;
    if (child == NULL) {
        *out = SLICE_EMPTY;
        return true;
    }
    if (child->type != XML_TEXT_NODE || child->next != NULL)
        return error_set(err, &base_xml_malformed, NULL, xml_name(element),
                         "holds an element where only text may be");
    *out = slice_from_text(text_of(child->content));
    return true;
}

bool xml_text(struct buf *out, const struct xml_element *element, struct error *err)
{
    struct slice text;
    if (!content(&text, element, err))
        return false;
    buf_append(out, text);
    return buf_ok(out, xml_name(element), err);
}

bool xml_bytes(struct buf *out, const struct xml_element *element, struct error *err)
{
    struct slice text;
    struct error reason = {0};
    if (!content(&text, element, err))
        return false;
    if (base64_parse_spaced(out, text, &reason))
        return true;
    if (reason.code == &base_buffer_full)
        return buf_ok(out, xml_name(element), err);
    return error_set(err, &base_xml_malformed, reason.clause, xml_name(element),
                     "is not base64: %s", reason.message);
}

bool xml_unsigned(uint64_t *out, const struct xml_element *element, uint64_t maximum,
                  struct error *err)
{
    struct slice text;
    if (!content(&text, element, err))
        return false;
    uint64_t value = 0;
    bool fine = text.size > 0 && (text.data[0] != '0' || text.size == 1);
    for (size_t i = 0; fine && i < text.size; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        fine = digit <= 9 && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, digit, &value);
    }
    if (!fine || value > maximum)
        return error_set(err, &base_xml_malformed, NULL, xml_name(element),
                         "is not a decimal number from 0 to %" PRIu64, maximum);
    *out = value;
    return true;
}

static bool is_blank(const xmlNode *node)
{
    const char *text = text_of(node->content);
    return text[strspn(text, " \t\r\n")] == '\0';
}

bool xml_only_elements(const struct xml_element *element, struct error *err)
{
    for (const xmlNode *child = node_of(element)->children; child != NULL; child = child->next) {
        if (child->type != XML_ELEMENT_NODE && !is_blank(child))
            return error_set(err, &base_xml_malformed, NULL, xml_name(element),
                             "holds text where only elements may be");
    }
    return true;
}
