/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml_check.h"

#include <strings.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "base/xml.h"

struct checker {
    struct slice text;
    size_t at;
    size_t depth;
    size_t elements;
    size_t in_scope[XML_DEPTH_MAX + 1]; /* namespace declarations, by depth */
    struct error *err;
};

/* What a tag holds. */
struct tag {
    size_t attributes;   /* with the declarations */
    size_t declarations; /* of namespaces */
};

static size_t line_of(const struct checker *checker)
{
    size_t line = 1;
    for (size_t i = 0; i < checker->at && i < checker->text.size; i++)
        line += checker->text.data[i] == '\n';
    return line;
}

static bool refuse(const struct checker *checker, const struct error_code *code, const char *what)
{
    return error_set(checker->err, code, "XML 1.0", NULL, "line %zu: %s", line_of(checker), what);
}

static bool starts_with(const struct checker *checker, const char *text)
{
    size_t size = strlen(text);
    return checker->text.size - checker->at >= size &&
           memcmp(checker->text.data + checker->at, text, size) == 0;
}

/* The quoted value behind name= inside the declaration; empty when it is not there. */
static struct slice declared(struct slice declaration, const char *name)
{
    const uint8_t *found = memmem(declaration.data, declaration.size, name, strlen(name));
    if (found == NULL)
        return SLICE_EMPTY;
    const uint8_t *end = declaration.data + declaration.size;
    const uint8_t *at = found + strlen(name);
    while (at < end && (*at == ' ' || *at == '=' || (*at >= '\t' && *at <= '\r')))
        at++;
    if (at == end || (*at != '"' && *at != '\''))
        return SLICE_EMPTY;
    const uint8_t *close = memchr(at + 1, *at, (size_t)(end - at) - 1);
    return close != NULL ? slice_of(at + 1, (size_t)(close - at) - 1) : SLICE_EMPTY;
}

/* "<?xml …?>": a declared encoding would make libxml2 read other characters than this pass did. */
static bool check_declaration(struct checker *checker)
{
    const uint8_t *from = checker->text.data + checker->at;
    const uint8_t *end = memmem(from, checker->text.size - checker->at, "?>", 2);
    if (end == NULL)
        return refuse(checker, &base_xml_malformed, "the XML declaration has no end");
    struct slice declaration = slice_of(from, (size_t)(end - from));
    if (memmem(declaration.data, declaration.size, "encoding", 8) != NULL) {
        struct slice encoding = declared(declaration, "encoding");
        if (encoding.size != 5 || strncasecmp((const char *)encoding.data, "utf-8", 5) != 0)
            return refuse(checker, &base_xml_refused, "an encoding other than UTF-8");
    }
    if (!slice_equals_text(declared(declaration, "version"), "1.0"))
        return refuse(checker, &base_xml_refused, "a version other than 1.0");
    checker->at += declaration.size + 2;
    return true;
}

/* "<!" or "<?". */
static bool refuse_markup(const struct checker *checker)
{
    const char *what = "an instruction";
    if (starts_with(checker, "<!--"))
        what = "a comment";
    else if (starts_with(checker, "<![CDATA["))
        what = "a CDATA section";
    else if (starts_with(checker, "<!"))
        what = "a document type or entity declaration";
    return refuse(checker, &base_xml_refused, what);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Counts the attribute whose name starts at name. */
static void count_attribute(const struct checker *checker, size_t name, struct tag *tag)
{
    tag->attributes++;
    tag->declarations +=
        checker->at - name >= 5 && memcmp(checker->text.data + name, "xmlns", 5) == 0;
}

/* From an opening quote to its closing one; false when there is none before the next '<'. */
static bool skip_quoted(struct checker *checker)
{
    const uint8_t *from = checker->text.data + checker->at + 1;
    size_t left = checker->text.size - checker->at - 1;
    const uint8_t *end = memchr(from, checker->text.data[checker->at], left);
    if (end == NULL || memchr(from, '<', (size_t)(end - from)) != NULL)
        return false;
    checker->at += (size_t)(end - from) + 1;
    return true;
}

/* Walks to the '>' that ends a tag. */
static bool skip_tag(struct checker *checker, struct tag *tag)
{
    uint8_t before = 0;
    size_t name = checker->at;
    *tag = (struct tag){0};
    while (++checker->at < checker->text.size) {
        uint8_t c = checker->text.data[checker->at];
        if (c == '<')
            break;
        if (c == '"' || c == '\'') {
            if (!skip_quoted(checker))
                break;
        } else if (c == '=') {
            count_attribute(checker, name, tag);
        } else if (c == '>') {
            return true;
        } else if (!is_space(c) && (is_space(before) || before == '"' || before == '\'')) {
            name = checker->at;
        }
        before = c;
    }
    return refuse(checker, &base_xml_malformed, "a tag has no end");
}

static bool check_end_tag(struct checker *checker)
{
    struct tag ignored;
    if (checker->depth == 0)
        return refuse(checker, &base_xml_malformed, "an element ends that never began");
    checker->depth--;
    return skip_tag(checker, &ignored);
}

static bool check_start_tag(struct checker *checker)
{
    struct tag tag;
    if (++checker->elements > XML_ELEMENTS_MAX)
        return refuse(checker, &base_xml_too_large, "more than 20000 elements");
    if (checker->depth == XML_DEPTH_MAX)
        return refuse(checker, &base_xml_too_large, "more than 32 levels");
    if (!skip_tag(checker, &tag))
        return false;
    if (tag.attributes > XML_ATTRIBUTES_MAX)
        return refuse(checker, &base_xml_too_large, "more than 64 attributes on an element");
    size_t in_scope = checker->in_scope[checker->depth] + tag.declarations;
    if (in_scope > XML_NAMESPACES_MAX)
        return refuse(checker, &base_xml_too_large, "more than 128 namespaces in scope");
    if (checker->text.data[checker->at - 1] != '/')
        checker->in_scope[++checker->depth] = in_scope;
    return true;
}

static bool check_markup(struct checker *checker)
{
    uint8_t next = checker->at + 1 < checker->text.size ? checker->text.data[checker->at + 1] : 0;
    if (next == '!' || next == '?')
        return refuse_markup(checker);
    return next == '/' ? check_end_tag(checker) : check_start_tag(checker);
}

bool xml_check(struct slice text, struct error *err)
{
    struct checker checker = {.text = text, .err = err};
    if (!utf8_check(text, "XML", err))
        return false;
    if (starts_with(&checker, "\xef\xbb\xbf"))
        checker.at += 3;
    if (starts_with(&checker, "<?xml ") && !check_declaration(&checker))
        return false;
    while (checker.at < text.size) {
        const uint8_t *found = memchr(text.data + checker.at, '<', text.size - checker.at);
        if (found == NULL)
            break;
        checker.at = (size_t)(found - text.data);
        if (!check_markup(&checker))
            return false;
    }
    return true;
}
