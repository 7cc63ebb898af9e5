/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * XML: a bounded strict parse into libxml2's tree, navigation that says what was missing, and
 * exclusive canonicalisation (http://www.w3.org/2001/10/xml-exc-c14n#, without comments) of one
 * element.
 *
 * Refused when parsing (base.xml-refused): a DTD, entities other than the five predefined ones,
 * comments, processing instructions, CDATA sections, encodings other than UTF-8; and
 * (base.xml-too-large) more than XML_DEPTH_MAX levels, more than XML_ELEMENTS_MAX elements, more
 * than XML_ATTRIBUTES_MAX attributes and namespace declarations on an element, more than
 * XML_NAMESPACES_MAX namespace declarations in scope. Nothing is ever fetched. Refusals happen in a
 * pass of our own (xml_check.h) before libxml2 builds anything, so that no bomb is expanded first.
 */

#include "base/buf.h"

#define XML_DEPTH_MAX 32
#define XML_ELEMENTS_MAX 20000
#define XML_ATTRIBUTES_MAX 64
#define XML_NAMESPACES_MAX 128

struct xml_document; /* is libxml2's xmlDoc behind a cast */
struct xml_element;  /* one element of a document, borrowed from it; is libxml2's xmlNode behind a
                        cast */

/* base.xml-malformed, base.xml-refused, base.xml-too-large, base.text-malformed. */
bool xml_parse(struct xml_document **out, struct slice text, struct error *err);
void xml_free(struct xml_document **document);
#define _cleanup_xml_ __attribute__((cleanup(xml_free)))

const struct xml_element *xml_root(const struct xml_document *document);
/* Local name and namespace ("" when there is none). */
const char *xml_name(const struct xml_element *element);
const char *xml_namespace(const struct xml_element *element);
bool xml_is(const struct xml_element *element, const char *namespace_uri, const char *name);
/* First child element and next sibling element; NULL at the end. */
const struct xml_element *xml_first(const struct xml_element *element);
const struct xml_element *xml_next(const struct xml_element *element);

/*
 * Schema-like reading: children are taken in order. *cursor is the next child (NULL: no more).
 * xml_take returns the child if it has that name and moves on, else fails with base.xml-malformed
 * naming both. xml_take_optional returns NULL without an error. xml_take_end fails when children
 * are left.
 */
const struct xml_element *xml_take(const struct xml_element **cursor, const char *namespace_uri,
                                   const char *name, const struct xml_element *parent,
                                   struct error *err);
const struct xml_element *xml_take_optional(const struct xml_element **cursor,
                                            const char *namespace_uri, const char *name);
bool xml_take_end(const struct xml_element *cursor, const struct xml_element *parent,
                  struct error *err);

/* An attribute without a namespace; NULL when absent. Borrowed. */
const char *xml_attribute(const struct xml_element *element, const char *name);
/* Fails when the element has an attribute (namespace declarations do not count) not among names
 * (NULL-terminated). */
bool xml_only_attributes(const struct xml_element *element, const char *const *names,
                         struct error *err);
/* The text of an element without children, as it stands; fails when it has child elements. Appended
 * to out. */
bool xml_text(struct buf *out, const struct xml_element *element, struct error *err);
/* The text as base64 with white space, decoded, appended to out. */
bool xml_bytes(struct buf *out, const struct xml_element *element, struct error *err);
/* The text as a decimal number in canonical form (no sign, no leading zero, no white space), at
 * most maximum. */
bool xml_unsigned(uint64_t *out, const struct xml_element *element, uint64_t maximum,
                  struct error *err);
/* Fails when an element that should only hold elements also holds text other than white space. */
bool xml_only_elements(const struct xml_element *element, struct error *err);

/*
 * Appends the exclusive canonical form of element with everything in it. The in-document node is
 * what is canonicalised: the namespaces in scope are those of its document. base.xml-malformed when
 * a relative namespace name is declared in it: then there is no canonical form.
 */
bool xml_canonicalize(struct buf *out, const struct xml_element *element, struct error *err);

/* Text with the five predefined entities escaped for an element or attribute (as canonical XML
 * writes them). */
void xml_append_text(struct buf *out, struct slice text);
void xml_append_attribute(struct buf *out, struct slice text);
