/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/name.h"
#include "crypto/name_type.h"

#define PARTS_MAX 16
#define VALUE_MAX 256

struct part {
    const struct name_type *type;
    char value[VALUE_MAX + 1];
    size_t size;
};

static bool malformed(struct error *err, const char *text, const char *why)
{
    return error_set(err, &crypto_name_malformed, "RFC 4514", text, "%s", why);
}

static const char *skip_spaces(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

/* A character behind a backslash: itself, or two hexadecimal digits. */
static bool read_escaped(char *out, const char **at)
{
    const char *c = *at;
    if (isxdigit((unsigned char)c[0]) && isxdigit((unsigned char)c[1])) {
        char digits[3] = {c[0], c[1], '\0'};
        *out = (char)strtoul(digits, NULL, 16);
        *at += 2;
        return *out != '\0';
    }
    *out = *c;
    *at += 1;
    return *c != '\0' && strchr(" \"#+,;<=>\\", *c) != NULL;
}

/* Up to a comma or the end; spaces at the end count only when they are escaped. */
static bool read_value(struct part *part, const char **at, const char *text, struct error *err)
{
    const char *c = skip_spaces(*at);
    size_t solid = 0;
    if (*c == '#')
        return malformed(err, text, "values in hexadecimal are not read");
    while (*c != '\0' && *c != ',') {
        bool escaped = *c == '\\';
        if (part->size == VALUE_MAX)
            return malformed(err, text, "one of its values is too long");
        if (strchr("+;<>\"", *c) != NULL)
            return malformed(err, text, "it has one of + ; < > \" without a backslash before it");
        if (!escaped)
            part->value[part->size++] = *c++;
        else if (c++, !read_escaped(&part->value[part->size++], &c))
            return malformed(err, text, "a backslash stands before what needs none");
        if (escaped || part->value[part->size - 1] != ' ')
            solid = part->size;
    }
    part->size = solid;
    *at = c;
    return true;
}

static size_t count_characters(struct slice value)
{
    size_t count = 0;
    for (size_t i = 0; i < value.size; i++)
        count += (value.data[i] & 0xc0) != 0x80;
    return count;
}

/* X.680 41.4. */
static bool is_printable(struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        int c = value.data[i];
        if (!(c < 0x80 && isalnum(c)) && (c == 0 || strchr(" '()+,-./:=?", c) == NULL))
            return false;
    }
    return true;
}

static bool check_value(const struct part *part, const char *text, struct error *err)
{
    struct slice value = slice_of(part->value, part->size);
    size_t characters = count_characters(value);
    bool fits = part->type->longest == 0 || characters <= part->type->longest;
    if (characters == 0 || !fits || utf8_valid(value) != value.size)
        return error_set(err, &crypto_name_malformed, "RFC 5280 A.1", text,
                         "the value of %s is empty, too long, or not UTF-8", part->type->name);
    if (part->type->tag == DER_PRINTABLE_STRING && !is_printable(value))
        return error_set(err, &crypto_name_malformed, "RFC 5280 A.1", text,
                         "the value of %s has characters that cannot stand there",
                         part->type->name);
    if (part->type->tag == DER_IA5_STRING && characters != value.size)
        return error_set(err, &crypto_name_malformed, "RFC 5280 A.1", text,
                         "the value of %s is not ASCII", part->type->name);
    if (strcmp(part->type->name, "C") == 0 &&
        (characters != 2 || !isalpha((unsigned char)part->value[0]) ||
         !isalpha((unsigned char)part->value[1])))
        return malformed(err, text, "a country (C) has two letters");
    return true;
}

static bool read_part(struct part *part, const char **at, const char *text, struct error *err)
{
    const char *name = skip_spaces(*at);
    size_t size = strcspn(name, "=,");
    if (name[size] != '=')
        return malformed(err, text, "a part of it has no =");
    size_t trimmed = size;
    while (trimmed > 0 && name[trimmed - 1] == ' ')
        trimmed--;
    part->type = name_type_find(name, trimmed);
    part->size = 0;
    if (part->type == NULL)
        return error_set(err, &crypto_name_malformed, "RFC 4514 3", text,
                         "\"%.*s\" is no type of attribute that is known here",
                         (int)(trimmed < 40 ? trimmed : 40), name);
    *at = name + size + 1;
    return read_value(part, at, text, err) && check_value(part, text, err);
}

static void write_part(struct buf *out, const struct part *part)
{
    size_t set = der_begin(out, DER_SET);
    size_t attribute = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, slice_of(part->type->oid, part->type->oid_size));
    der_write(out, part->type->tag, slice_of(part->value, part->size));
    der_end(out, attribute);
    der_end(out, set);
}

bool name_parse(struct buf *out, const char *text, struct error *err)
{
    struct part parts[PARTS_MAX];
    size_t count = 0;
    const char *at = text;
    do {
        at += count > 0; /* the comma */
        if (count == PARTS_MAX)
            return malformed(err, text, "it has too many parts");
        if (!read_part(&parts[count++], &at, text, err))
            return false;
    } while (*at == ',');
    size_t name = der_begin(out, DER_SEQUENCE);
    for (size_t i = count; i > 0; i--)
        write_part(out, &parts[i - 1]);
    der_end(out, name);
    return buf_ok(out, text, err);
}
