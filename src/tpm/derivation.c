/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/derivation.h"

#include <assert.h>

#include "base/buf.h"

/* Most bytes that a derivation here takes in: a label and two nonces or coordinates. */
#define INPUT_MAX 512

static void append_label(struct buf *input, const char *label)
{
    buf_append_text(input, label);
    buf_append_u8(input, 0);
}

static void put_counter(struct buf *input, uint32_t counter)
{
    buf_reset(input);
    buf_append_u32_be(input, counter);
}

void tpm_kdfa(uint8_t *out, size_t size, enum digest_algorithm algorithm, struct slice key,
              const char *label, struct slice context_u, struct slice context_v)
{
    struct buf input;
    buf_init_secret(&input, INPUT_MAX);
    struct digest block;
    size_t done = 0;
    for (uint32_t counter = 1; done < size; counter++) {
        put_counter(&input, counter);
        append_label(&input, label);
        buf_append(&input, context_u);
        buf_append(&input, context_v);
        buf_append_u32_be(&input, (uint32_t)size * 8);
        assert(!input.overflow);
        digest_hmac(&block, algorithm, key, buf_slice(&input));
        size_t part = size - done < block.size ? size - done : block.size;
        memcpy(out + done, block.value, part);
        done += part;
    }
    explicit_bzero(&block, sizeof block);
    buf_done(&input);
}

void tpm_kdfe(uint8_t *out, size_t size, enum digest_algorithm algorithm, struct slice shared_x,
              const char *label, struct slice party_u, struct slice party_v)
{
    struct buf input;
    buf_init_secret(&input, INPUT_MAX);
    struct digest block;
    size_t done = 0;
    for (uint32_t counter = 1; done < size; counter++) {
        put_counter(&input, counter);
        buf_append(&input, shared_x);
        append_label(&input, label);
        buf_append(&input, party_u);
        buf_append(&input, party_v);
        assert(!input.overflow);
        struct slice whole = buf_slice(&input);
        digest_secret_parts(&block, algorithm, &whole, 1);
        size_t part = size - done < block.size ? size - done : block.size;
        memcpy(out + done, block.value, part);
        done += part;
    }
    explicit_bzero(&block, sizeof block);
    buf_done(&input);
}
