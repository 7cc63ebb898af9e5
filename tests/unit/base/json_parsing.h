/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdlib.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/json.h"

/* Parses a copy without a NUL, so that a sanitizer sees a read past its end. */
static inline bool parse(struct json **out, const char *text, size_t size, struct error *err)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    memcpy(exact, text, size);
    bool fine = json_parse(out, slice_of(exact, size), err);
    free(exact);
    return fine;
}

static inline struct json *parsed(const char *text)
{
    struct json *document = NULL;
    assert_ok(parse(&document, text, strlen(text), err));
    return document;
}
