/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/errors.h"
#include "base/memory.h"

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_init_secret(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit, .secret = true};
}

static void release(struct buf *buf)
{
    if (buf->secret && buf->data != NULL)
        explicit_bzero(buf->data, buf->capacity);
    free(buf->data);
    buf->data = NULL;
}

void buf_done(struct buf *buf)
{
    if (buf == NULL)
        return;
    release(buf);
    *buf = (struct buf){.limit = buf->limit, .secret = buf->secret};
}

void buf_reset(struct buf *buf)
{
    if (buf->secret && buf->data != NULL)
        explicit_bzero(buf->data, buf->capacity);
    buf->size = 0;
    buf->overflow = false;
}

/* Secrets are copied by hand because realloc leaves the old bytes behind. One byte is kept for
 * buf_text's NUL. */
static void grow(struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
    while (capacity < needed + 1)
        capacity *= 2;
    uint8_t *data = memory_allocate(capacity);
    if (buf->data != NULL)
        memcpy(data, buf->data, buf->size);
    release(buf);
    buf->data = data;
    buf->capacity = capacity;
}

uint8_t *buf_reserve(struct buf *buf, size_t size)
{
    if (buf->overflow || size > buf->limit - buf->size) {
        buf->overflow = true;
        return NULL;
    }
    if (buf->data == NULL || buf->size + size + 1 > buf->capacity)
        grow(buf, buf->size + size);
    return buf->data + buf->size;
}

void buf_added(struct buf *buf, size_t size)
{
    assert(buf->size + size < buf->capacity);
    buf->size += size;
}

void buf_append_bytes(struct buf *buf, const void *data, size_t size)
{
    if (size == 0)
        return;
    uint8_t *to = buf_reserve(buf, size);
    if (to == NULL)
        return;
    memcpy(to, data, size);
    buf->size += size;
}

void buf_append(struct buf *buf, struct slice bytes)
{
    buf_append_bytes(buf, bytes.data, bytes.size);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append_bytes(buf, text, strlen(text));
}

void buf_append_format(struct buf *buf, const char *format, ...)
{
    /* Most of the time it fits into what is there. */
    size_t room = buf->capacity - buf->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(room > 0 ? (char *)buf->data + buf->size : NULL, room, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    char *to = (char *)buf_reserve(buf, (size_t)size);
    if (to == NULL)
        return;
    if ((size_t)size >= room) {
        va_start(arguments, format);
        vsnprintf(to, (size_t)size + 1, format, arguments);
        va_end(arguments);
    }
    buf->size += (size_t)size;
}

void buf_append_u8(struct buf *buf, uint8_t value)
{
    buf_append_bytes(buf, &value, 1);
}

void buf_append_u16_le(struct buf *buf, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    buf_append_bytes(buf, bytes, sizeof bytes);
}

void buf_append_u32_le(struct buf *buf, uint32_t value)
{
    buf_append_u16_le(buf, (uint16_t)value);
    buf_append_u16_le(buf, (uint16_t)(value >> 16));
}

void buf_append_u64_le(struct buf *buf, uint64_t value)
{
    buf_append_u32_le(buf, (uint32_t)value);
    buf_append_u32_le(buf, (uint32_t)(value >> 32));
}

void buf_append_u16_be(struct buf *buf, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    buf_append_bytes(buf, bytes, sizeof bytes);
}

void buf_append_u32_be(struct buf *buf, uint32_t value)
{
    buf_append_u16_be(buf, (uint16_t)(value >> 16));
    buf_append_u16_be(buf, (uint16_t)value);
}

bool buf_ok(const struct buf *buf, const char *object, struct error *err)
{
    if (!buf->overflow)
        return true;
    return error_set(err, &base_buffer_full, NULL, object, "is larger than %zu bytes", buf->limit);
}

const char *buf_text(struct buf *buf)
{
    if (buf->data == NULL)
        grow(buf, 0);
    buf->data[buf->size] = '\0';
    return (const char *)buf->data;
}

void buf_move(struct buf *to, struct buf *from)
{
    if (to == from)
        return;
    buf_done(to);
    *to = *from;
    *from = (struct buf){.limit = to->limit, .secret = to->secret};
}
