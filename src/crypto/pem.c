/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

#include <stdio.h>

#include "base/base64.h"

#define LINE_SIZE 64
#define LABEL_MAX 64

static struct slice find(struct slice in, struct slice what)
{
    const uint8_t *found = in.size == 0 ? NULL : memmem(in.data, in.size, what.data, what.size);
    return found == NULL ? SLICE_EMPTY : slice_of(found, (size_t)(in.data + in.size - found));
}

bool pem_is(struct slice bytes)
{
    return find(bytes, slice_from_text("-----BEGIN ")).size > 0;
}

/* Everything before the first occurrence of what, and everything behind it. */
static bool split(struct slice *before, struct slice *behind, struct slice in, struct slice what)
{
    struct slice found = find(in, what);
    if (found.size == 0)
        return false;
    *before = slice_of(in.data, in.size - found.size);
    *behind = slice_of(found.data + what.size, found.size - what.size);
    return true;
}

bool pem_next(struct pem_block *block, struct slice *rest)
{
    struct slice before, behind;
    if (!split(&before, &behind, *rest, slice_from_text("-----BEGIN ")) ||
        !split(&block->label, &behind, behind, slice_from_text("-----")) ||
        block->label.size > LABEL_MAX)
        return false;
    char end[LABEL_MAX + 16];
    snprintf(end, sizeof end, "-----END %.*s-----", (int)block->label.size,
             (const char *)block->label.data);
    return split(&block->body, rest, behind, slice_from_text(end));
}

bool pem_decode(struct buf *out, struct slice body)
{
    struct buf der;
    buf_init(&der, PEM_FILE_SIZE_MAX);
    bool decoded = base64_parse_spaced(&der, body, NULL);
    if (decoded)
        buf_append(out, buf_slice(&der));
    buf_done(&der);
    return decoded;
}

bool pem_find(struct buf *out, struct slice text, const char *label)
{
    struct pem_block block;
    while (pem_next(&block, &text)) {
        if (slice_equals_text(block.label, label))
            return pem_decode(out, block.body);
    }
    return false;
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
