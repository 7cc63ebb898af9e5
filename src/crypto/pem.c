/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

#include <stdio.h>

#include "base/base64.h"

#define LINE_SIZE 64

static struct slice find(struct slice in, struct slice what)
{
    const uint8_t *found = in.size == 0 ? NULL : memmem(in.data, in.size, what.data, what.size);
    return found == NULL ? SLICE_EMPTY : slice_of(found, (size_t)(in.data + in.size - found));
}

bool pem_is(struct slice bytes)
{
    return find(bytes, slice_from_text("-----BEGIN ")).size > 0;
}

bool pem_find(struct buf *out, struct slice text, const char *label)
{
    char line[128];
    snprintf(line, sizeof line, "-----BEGIN %s-----", label);
    struct slice begin = find(text, slice_from_text(line));
    if (begin.size == 0)
        return false;
    struct reader reader = reader_of(begin);
    reader_bytes(&reader, strlen(line));
    snprintf(line, sizeof line, "-----END %s-----", label);
    struct slice end = find(reader.rest, slice_from_text(line));
    if (end.size == 0)
        return false;
    struct slice body = reader_bytes(&reader, reader.rest.size - end.size);
    struct buf der;
    buf_init(&der, PEM_FILE_SIZE_MAX);
    bool decoded = base64_parse_spaced(&der, body, NULL);
    if (decoded)
        buf_append(out, buf_slice(&der));
    buf_done(&der);
    return decoded;
}

void pem_format(struct buf *out, const char *label, struct slice der)
{
    struct buf text;
    buf_init_secret(&text, PEM_FILE_SIZE_MAX);
    base64_append(&text, der);
    buf_append_format(out, "-----BEGIN %s-----\n", label);
    struct reader reader = reader_of(buf_slice(&text));
    while (reader.rest.size > 0) {
        size_t size = reader.rest.size < LINE_SIZE ? reader.rest.size : LINE_SIZE;
        buf_append(out, reader_bytes(&reader, size));
        buf_append_u8(out, '\n');
    }
    buf_append_format(out, "-----END %s-----\n", label);
    buf_done(&text);
}
