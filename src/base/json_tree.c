/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_tree.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

#define NUMBER_SIZE 64 /* with its NUL: json_check has seen to it */

struct builder {
    const char *at;    /* in the text */
    const char *end;   /* behind it */
    struct json *free; /* the next value */
    char *room;        /* for the next name or text */
};

static void skip_space(struct builder *builder)
{
    while (*builder->at == ' ' || *builder->at == '\t' || *builder->at == '\n' ||
           *builder->at == '\r')
        builder->at++;
}

static unsigned read_quad(const char *digits)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)digits[i];
        value = value << 4 | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(leads[more] | code >> (6 * more));
    while (more-- > 0)
        *to++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
    return to;
}

/* Behind the backslash. */
static void read_escape(struct builder *builder)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *builder->at++;
    if (letter != 'u') {
        *builder->room++ = meanings[strchr(letters, letter) - letters];
        return;
    }
    unsigned code = read_quad(builder->at);
    builder->at += 4;
    if (code >= 0xd800 && code <= 0xdfff) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (read_quad(builder->at + 2) & 0x3ff);
        builder->at += 6;
    }
    builder->room = put_utf8(builder->room, code);
}

/* From the opening quote to behind the closing one. */
static struct slice read_string(struct builder *builder)
{
    char *text = builder->room;
    builder->at++;
    for (;;) {
        /* Most are long and plain. */
        const char *quote = memchr(builder->at, '"', (size_t)(builder->end - builder->at));
        assert(quote != NULL);
        size_t plain = (size_t)(quote - builder->at);
        const char *escape = memchr(builder->at, '\\', plain);
        if (escape != NULL)
            plain = (size_t)(escape - builder->at);
        memcpy(builder->room, builder->at, plain);
        builder->room += plain;
        builder->at += plain + 1;
        if (escape == NULL)
            break;
        read_escape(builder);
    }
    *builder->room++ = '\0';
    return slice_of(text, (size_t)(builder->room - text) - 1);
}

/* strtod reads to a NUL, and the text may end with the number. */
static double read_number(struct builder *builder)
{
    char digits[NUMBER_SIZE];
    size_t size = 0;
    while (builder->at < builder->end && size + 1 < sizeof digits &&
           memchr("+-.0123456789Ee", *builder->at, 15) != NULL)
        digits[size++] = *builder->at++;
    digits[size] = '\0';
    return strtod(digits, NULL);
}

static struct json *read_value(struct builder *builder, const char *name);

/* From the opening bracket to behind the closing one. */
static void read_members(struct builder *builder, struct json *parent)
{
    const struct json **link = &parent->first;
    builder->at++;
    skip_space(builder);
    while (*builder->at != ']' && *builder->at != '}') {
        const char *name = NULL;
        if (parent->kind == JSON_OBJECT) {
            name = (const char *)read_string(builder).data;
            skip_space(builder);
            builder->at++; /* the colon */
        }
        struct json *child = read_value(builder, name);
        *link = child;
        link = &child->next;
        skip_space(builder);
        if (*builder->at == ',')
            builder->at++;
        skip_space(builder);
    }
    builder->at++;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static struct json *read_value(struct builder *builder, const char *name)
{
    struct json *value = builder->free++;
    *value = (struct json){.name = name};
    skip_space(builder);
    switch (*builder->at) {
    case '{':
    case '[':
        value->kind = *builder->at == '{' ? JSON_OBJECT : JSON_ARRAY;
        read_members(builder, value);
        break;
    case '"':
        value->kind = JSON_TEXT;
        value->text = read_string(builder);
        break;
    case 't':
    case 'f':
        value->kind = JSON_BOOL;
        value->truth = *builder->at == 't';
        builder->at += value->truth ? 4 : 5;
        break;
    case 'n':
        builder->at += 4;
        break;
    default:
        value->kind = JSON_NUMBER;
        value->number = read_number(builder);
    }
    return value;
}

struct json *json_tree_build(struct slice text, size_t values)
{
    /* Unescaping makes no text longer, and a NUL has room where its quotes were. */
    struct json *document = memory_allocate(values * sizeof *document + text.size);
    struct builder builder = {
        .at = (const char *)text.data,
        .end = (const char *)text.data + text.size,
        .free = document,
        .room = (char *)(document + values),
    };
    read_value(&builder, NULL);
    return document;
}
