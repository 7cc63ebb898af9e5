/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An encrypted stream in chunks, so that 200 MB pass through a small buffer and yet every cut,
 * swap, repetition and extension is found. Chunk number i (from 1) is
 *
 *   u32 (little-endian): bytes of plaintext, with 0x80000000 added in the last chunk
 *   the ciphertext, as long as the plaintext
 *   16 bytes tag
 *
 * AES-256-GCM; the nonce is u64 i, u32 0 (little-endian); the associated data are 32 bytes that the
 * whole stream is bound to, u64 i, and the u32. Every chunk but the last is full (65536 bytes), and
 * nothing follows the last. The key must be of this stream alone: the nonces are counted.
 */

#include "base/secret.h"
#include "crypto/aead.h"

#define CHUNKS_PLAIN 65536u
#define CHUNKS_LAST 0x80000000u
#define CHUNKS_BINDING_SIZE 32

struct chunks {
    int fd;           /* borrowed */
    const char *name; /* of what fd is, for messages */
    struct slice key; /* 32 bytes, borrowed */
    uint8_t binding[CHUNKS_BINDING_SIZE];
    uint64_t index;      /* of the chunk in hand */
    struct secret plain; /* the chunk in hand */
    size_t used;         /* of it: bytes filled (writing) or given out (reading) */
    bool last;           /* reading: it is the last */
    uint8_t *sealed;     /* the chunk as it is in the file */
};

void chunks_init(struct chunks *chunks, int fd, const char *name, struct slice key,
                 const uint8_t binding[CHUNKS_BINDING_SIZE]);
void chunks_done(struct chunks *chunks);
#define _cleanup_chunks_ __attribute__((cleanup(chunks_done)))

/* The 16 bytes that tell a wrong key before the first chunk: the tag of an empty chunk 0. */
void chunks_key_check(struct chunks *chunks, uint8_t tag[AEAD_TAG_SIZE]);

bool chunks_write(struct chunks *chunks, struct slice bytes, struct error *err);
/* Writes the last chunk. */
bool chunks_finish(struct chunks *chunks, struct error *err);

/*
 * Reads size bytes, or fewer only at the authentic end of the stream; *got says how many. Whatever
 * was read before is authentic, but only after a short read is it known to be all.
 * backup.malformed.
 */
bool chunks_read(struct chunks *chunks, void *to, size_t size, size_t *got, struct error *err);
