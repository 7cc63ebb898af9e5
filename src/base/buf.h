/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A buffer owns bytes that grow, up to a ceiling that is set at its birth.
 *
 * An append past the ceiling adds nothing, sets `overflow` and makes every later append a no-op; so
 * a writer appends without checks and asks buf_ok() once, before anybody reads the result. Running
 * out of memory aborts. A buffer that may hold a secret is made with buf_init_secret: it is wiped
 * whenever it moves or dies.
 */

#include "base/error.h"
#include "base/slice.h"

struct buf {
    uint8_t *data; /* NULL when nothing was ever appended */
    size_t size;
    size_t capacity;
    size_t limit; /* most bytes it may hold */
    bool secret;
    bool overflow;
};

/* An empty buffer that may grow to limit bytes. Nothing is allocated. */
void buf_init(struct buf *buf, size_t limit);

/* As buf_init, for secrets: wiped on growth and on buf_done. */
void buf_init_secret(struct buf *buf, size_t limit);

/* Frees (and for secrets wipes) what buf holds and leaves it empty with the same limit. NULL is
 * allowed. */
void buf_done(struct buf *buf);

/* Forgets the contents but keeps the memory for use again; clears overflow. */
void buf_reset(struct buf *buf);

void buf_append(struct buf *buf, struct slice bytes);
void buf_append_bytes(struct buf *buf, const void *data, size_t size);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_format(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_append_u8(struct buf *buf, uint8_t value);
void buf_append_u16_le(struct buf *buf, uint16_t value);
void buf_append_u32_le(struct buf *buf, uint32_t value);
void buf_append_u64_le(struct buf *buf, uint64_t value);
void buf_append_u16_be(struct buf *buf, uint16_t value);
void buf_append_u32_be(struct buf *buf, uint32_t value);

/* Makes room for size more bytes and returns where to write them, or NULL at the ceiling. Follow
 * with buf_added. */
uint8_t *buf_reserve(struct buf *buf, size_t size);
/* size bytes were written where buf_reserve said. */
void buf_added(struct buf *buf, size_t size);

/* False, with base.buffer-full about object, when an append was refused. */
bool buf_ok(const struct buf *buf, const char *object, struct error *err);

/* The contents with a NUL behind them (not counted in size); for text. Never NULL. */
const char *buf_text(struct buf *buf);

/* What it holds now; valid until the next append. */
static inline struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf->data, buf->size};
}

/* Takes the contents of from, which is left empty with its limit. to must be empty or is freed. */
void buf_move(struct buf *to, struct buf *from);

/* Declares that the variable is freed when its scope ends: `_cleanup_buf_ struct buf reply;` after
 * buf_init. */
#define _cleanup_buf_ __attribute__((cleanup(buf_done)))
