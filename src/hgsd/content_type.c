/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/content_type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool equals(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

static bool fits(const char *value, const char *word)
{
    if (value == NULL)
        return true;
    value += strspn(value, " \t");
    size_t size = strcspn(value, "; \t,");
    const char *slash = memchr(value, '/', size);
    const char *rest = value + size + strspn(value + size, " \t");
    if (slash == NULL || (*rest != '\0' && *rest != ';'))
        return false;
    const char *kind = slash + 1;
    size_t kind_size = size - (size_t)(kind - value);
    const char *plus = memchr(kind, '+', kind_size);
    if (plus != NULL && plus > kind)
        return equals(plus + 1, kind_size - (size_t)(plus + 1 - kind), word);
    size_t class_size = (size_t)(slash - value);
    return (equals(value, class_size, "application") || equals(value, class_size, "text")) &&
           equals(kind, kind_size, word);
}

bool content_type_is_json(const char *value)
{
    return fits(value, "json");
}

bool content_type_is_xml(const char *value)
{
    return fits(value, "xml");
}
