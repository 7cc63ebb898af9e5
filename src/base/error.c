/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const char *const kind_names[] = {
    [ERROR_NONE] = "none",
    [ERROR_MALFORMED] = "malformed",
    [ERROR_INVALID] = "invalid",
    [ERROR_UNAUTHORIZED] = "unauthorized",
    [ERROR_NOT_FOUND] = "not-found",
    [ERROR_CONFLICT] = "conflict",
    [ERROR_UNAVAILABLE] = "unavailable",
    [ERROR_LIMIT] = "limit",
    [ERROR_UNSUPPORTED] = "unsupported",
    [ERROR_IO] = "io",
    [ERROR_CRYPTO] = "crypto",
    [ERROR_USAGE] = "usage",
    [ERROR_INTERNAL] = "internal",
};

static void __attribute__((format(printf, 5, 0)))
fill(struct error *err, const struct error_code *code, const char *clause, const char *object,
     const char *format, va_list arguments)
{
    memset(err, 0, sizeof *err);
    err->code = code;
    err->clause = clause;
    snprintf(err->object, sizeof err->object, "%s", object != NULL ? object : "");
    vsnprintf(err->message, sizeof err->message, format, arguments);
    utf8_replace_controls(err->object);
    utf8_replace_controls(err->message);
}

bool(error_set)(struct error *err, const struct error_code *code, const char *clause,
                const char *object, const char *format, ...)
{
    assert(code != NULL);
    if (err == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    fill(err, code, clause, object, format, arguments);
    va_end(arguments);
    return false;
}

bool(error_set_errno)(struct error *err, const struct error_code *code, int number,
                      const char *object, const char *format, ...)
{
    assert(code != NULL);
    if (err == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    fill(err, code, NULL, object, format, arguments);
    va_end(arguments);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerrordesc_np(number));
    return false;
}

bool(error_name_object)(struct error *err, const char *object)
{
    if (err == NULL || err->object[0] != '\0')
        return false;
    snprintf(err->object, sizeof err->object, "%s", object);
    utf8_replace_controls(err->object);
    return false;
}

enum error_kind error_kind(const struct error *err)
{
    return err->code == NULL ? ERROR_NONE : err->code->kind;
}

const char *error_kind_name(enum error_kind kind)
{
    assert((size_t)kind < sizeof kind_names / sizeof kind_names[0]);
    return kind_names[kind];
}

char *error_format(const struct error *err, char *text, size_t size)
{
    if (err->code == NULL) {
        snprintf(text, size, "no error");
        return text;
    }
    snprintf(text, size, "%s%s%s (%s%s%s)", err->object, err->object[0] != '\0' ? ": " : "",
             err->message, err->code->name, err->clause != NULL ? "; " : "",
             err->clause != NULL ? err->clause : "");
    return text;
}
