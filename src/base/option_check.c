/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

static bool is_name(const char *text, const char *more, size_t maximum)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t size = strlen(text);
    if (size == 0 || size > maximum)
        return false;
    if (strchr(letters, text[0]) == NULL && strchr(more, text[0]) == NULL)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if (strchr(letters, *c) == NULL && strchr("._-", *c) == NULL && strchr(more, *c) == NULL)
            return false;
    return true;
}

bool option_check_number(uint32_t *out, const char *text)
{
    if (text[0] == '\0' || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
        return false;
    unsigned long long value = strtoull(text, NULL, 10);
    if (value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

const char *option_check_form(enum option_check check, const char *value)
{
    uint32_t number;
    switch (check) {
    case OPTION_ANY:
        return NULL;
    case OPTION_NAME:
        return is_name(value, "", 128) ? NULL : "is not a name ([A-Za-z0-9][A-Za-z0-9._-]{0,127})";
    case OPTION_PATTERN:
        return is_name(value, "*?[]", 128) ? NULL : "is not a name or a pattern of * ? [ ]";
    case OPTION_NUMBER:
        return option_check_number(&number, value) ? NULL
                                                   : "is not a whole number up to 4294967295";
    case OPTION_FILE:
        return value[0] != '\0' ? NULL : "is empty, and should be a path";
    case OPTION_URL:
        return strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0
                   ? NULL
                   : "is not a URL: it begins with http:// or https://";
    }
    return NULL;
}

bool option_check_name(const char *name, const char *what, struct error *err)
{
    if (is_name(name, "", 128))
        return true;
    return error_set(err, &base_name, NULL, what, "\"%.140s\" cannot be a name", name);
}
