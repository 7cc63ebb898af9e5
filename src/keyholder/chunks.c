/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/chunks.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "keyholder/errors.h"
#include "keyholder/stream.h"

#define HEAD_SIZE 4
#define SEALED_MAX (HEAD_SIZE + CHUNKS_PLAIN + AEAD_TAG_SIZE)

void chunks_init(struct chunks *chunks, int fd, const char *name, struct slice key,
                 const uint8_t binding[CHUNKS_BINDING_SIZE])
{
    *chunks = (struct chunks){.fd = fd, .name = name, .key = key, .index = 1};
    memcpy(chunks->binding, binding, CHUNKS_BINDING_SIZE);
    chunks->sealed = memory_allocate(SEALED_MAX);
}

void chunks_done(struct chunks *chunks)
{
    secret_done(&chunks->plain);
    free(chunks->sealed);
    chunks->sealed = NULL;
}

/* What GCM takes for one chunk besides key and plaintext. */
struct context {
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint8_t associated[CHUNKS_BINDING_SIZE + 8 + HEAD_SIZE];
};

static void put(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static struct context context_of(const struct chunks *chunks, uint64_t index, uint32_t head)
{
    struct context context = {0};
    put(context.nonce, index, 8);
    memcpy(context.associated, chunks->binding, CHUNKS_BINDING_SIZE);
    put(context.associated + CHUNKS_BINDING_SIZE, index, 8);
    put(context.associated + CHUNKS_BINDING_SIZE + 8, head, HEAD_SIZE);
    return context;
}

void chunks_key_check(struct chunks *chunks, uint8_t tag[AEAD_TAG_SIZE])
{
    struct context context = context_of(chunks, 0, 0);
    uint8_t nothing[1];
    aead_encrypt(nothing, tag, chunks->key, context.nonce,
                 slice_of(context.associated, sizeof context.associated), slice_of("", 0));
}

static bool write_chunk(struct chunks *chunks, bool last, struct error *err)
{
    uint32_t head = (uint32_t)chunks->used | (last ? CHUNKS_LAST : 0);
    struct context context = context_of(chunks, chunks->index++, head);
    uint8_t *ciphertext = chunks->sealed + HEAD_SIZE;
    put(chunks->sealed, head, HEAD_SIZE);
    aead_encrypt(ciphertext, ciphertext + chunks->used, chunks->key, context.nonce,
                 slice_of(context.associated, sizeof context.associated),
                 slice_of(chunks->plain.data, chunks->used));
    size_t size = HEAD_SIZE + chunks->used + AEAD_TAG_SIZE;
    chunks->used = 0;
    return file_write_fd(chunks->fd, slice_of(chunks->sealed, size), chunks->name, err);
}

static void begin(struct chunks *chunks)
{
    if (chunks->plain.data == NULL)
        secret_init(&chunks->plain, CHUNKS_PLAIN);
}

bool chunks_write(struct chunks *chunks, struct slice bytes, struct error *err)
{
    begin(chunks);
    while (bytes.size > 0) {
        /* A full chunk waits until it is known whether it is the last. */
        if (chunks->used == CHUNKS_PLAIN && !write_chunk(chunks, false, err))
            return false;
        size_t room = CHUNKS_PLAIN - chunks->used;
        size_t count = bytes.size < room ? bytes.size : room;
        memcpy(chunks->plain.data + chunks->used, bytes.data, count);
        chunks->used += count;
        bytes = slice_of(bytes.data + count, bytes.size - count);
    }
    return true;
}

bool chunks_finish(struct chunks *chunks, struct error *err)
{
    begin(chunks);
    return write_chunk(chunks, true, err);
}

static bool malformed(const struct chunks *chunks, const char *what, struct error *err)
{
    return error_set(err, &backup_malformed, NULL, chunks->name, "%s (chunk %llu)", what,
                     (unsigned long long)chunks->index);
}

static bool check_end(struct chunks *chunks, struct error *err)
{
    uint8_t further;
    size_t got;
    if (!stream_read(chunks->fd, &further, 1, &got, chunks->name, err))
        return false;
    return got == 0 || malformed(chunks, "has bytes behind its end", err);
}

/* The next chunk into plain. */
static bool read_chunk(struct chunks *chunks, struct error *err)
{
    size_t got;
    if (!stream_read(chunks->fd, chunks->sealed, HEAD_SIZE, &got, chunks->name, err))
        return false;
    struct reader reader = reader_of(slice_of(chunks->sealed, got));
    uint32_t head = reader_u32_le(&reader);
    if (reader.failed)
        return malformed(chunks, "is cut", err);
    size_t size = head & ~CHUNKS_LAST;
    bool last = (head & CHUNKS_LAST) != 0;
    if (size > CHUNKS_PLAIN || (size < CHUNKS_PLAIN && !last))
        return malformed(chunks, "has a chunk of an impossible size", err);

    uint8_t *ciphertext = chunks->sealed + HEAD_SIZE;
    if (!stream_read(chunks->fd, ciphertext, size + AEAD_TAG_SIZE, &got, chunks->name, err))
        return false;
    if (got != size + AEAD_TAG_SIZE)
        return malformed(chunks, "is cut", err);
    struct context context = context_of(chunks, chunks->index, head);
    struct secret plain = SECRET_EMPTY;
    if (!aead_decrypt(&plain, chunks->key, context.nonce, ciphertext + size,
                      slice_of(context.associated, sizeof context.associated),
                      slice_of(ciphertext, size), NULL))
        return malformed(chunks, "was altered, or its parts are not in their order", err);
    secret_done(&chunks->plain);
    chunks->plain = plain;
    chunks->used = 0;
    chunks->last = last;
    if (last && !check_end(chunks, err))
        return false;
    chunks->index++;
    return true;
}

bool chunks_read(struct chunks *chunks, void *to, size_t size, size_t *got, struct error *err)
{
    size_t total = 0;
    while (total < size) {
        if (chunks->used == chunks->plain.size) {
            if (chunks->last)
                break;
            if (!read_chunk(chunks, err))
                return false;
            continue;
        }
        size_t left = chunks->plain.size - chunks->used;
        size_t count = size - total < left ? size - total : left;
        memcpy((uint8_t *)to + total, chunks->plain.data + chunks->used, count);
        chunks->used += count;
        total += count;
    }
    *got = total;
    return true;
}
