/* SPDX-License-Identifier: Apache-2.0 */
#include "base/deflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/errors.h"
#include "base/memory.h"

void deflate_compress(struct buf *out, struct slice bytes)
{
    uLongf size = compressBound(bytes.size);
    _cleanup_free_ uint8_t *compressed = memory_allocate(size);
    static const uint8_t none[1];
    if (compress2(compressed, &size, bytes.size > 0 ? bytes.data : none, bytes.size,
                  Z_DEFAULT_COMPRESSION) != Z_OK)
        abort(); /* out of memory: the room is enough */
    buf_append_bytes(out, compressed, size);
}

bool deflate_expand(struct buf *out, struct slice compressed, size_t limit, struct error *err)
{
    _cleanup_free_ uint8_t *expanded = memory_allocate(limit + 1);
    uLongf size = limit + 1, used = compressed.size;
    int result =
        compressed.size == 0 ? Z_DATA_ERROR : uncompress2(expanded, &size, compressed.data, &used);
    if (result == Z_MEM_ERROR)
        abort();
    if (result == Z_BUF_ERROR || (result == Z_OK && size > limit))
        return error_set(err, &base_buffer_full, NULL, NULL, "it expands to more than %zu bytes",
                         limit);
    if (result != Z_OK || used != compressed.size)
        return error_set(err, &base_deflate_malformed, "RFC 1950", NULL,
                         "%zu bytes are not one compressed object", compressed.size);
    buf_append_bytes(out, expanded, size);
    return buf_ok(out, "compressed object", err);
}
