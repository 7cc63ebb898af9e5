/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this room share: its vectors (tests/vectors/bootimage/make.py). */

#include "../testing.h"
#include "../vector.h"
#include "base/errors.h"
#include "base/hex.h"
#include "bootimage/digests.h"
#include "bootimage/errors.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads $HGS_VECTORS/bootimage/name into out, which is initialised here. */
static inline void testing_vector(struct buf *out, const char *name)
{
    vector_read(out, "bootimage", name);
}

/* Asserts that digest is what digests.txt says that `what` of the file is. */
static inline void testing_assert_digest(struct slice digest, const char *file, const char *what)
{
    _cleanup_buf_ struct buf text;
    char line[256], hex[2 * DIGEST_SIZE_MAX + 1];
    assert_true(digest.size > 0 && digest.size <= DIGEST_SIZE_MAX);
    snprintf(line, sizeof line, "%s %s %s\n", file, what, hex_format(digest, hex));
    testing_vector(&text, "digests.txt");
    if (strstr(buf_text(&text), line) == NULL)
        fail_msg("digests.txt does not say: %s", line);
}

static inline bool testing_digests_equal(const struct digests *a, const struct digests *b)
{
    bool equal = true;
    for (size_t i = 0; i < DIGESTS_BANKS; i++)
        equal = equal && slice_equal(digest_slice(&a->banks[i]), digest_slice(&b->banks[i]));
    return equal;
}

/* Puts little-endian numbers into a file's bytes. */
static inline void testing_put_u16(struct buf *bytes, size_t offset, uint16_t value)
{
    assert_true(offset + 2 <= bytes->size);
    bytes->data[offset] = (uint8_t)value;
    bytes->data[offset + 1] = (uint8_t)(value >> 8);
}

static inline void testing_put_u32(struct buf *bytes, size_t offset, uint32_t value)
{
    testing_put_u16(bytes, offset, (uint16_t)value);
    testing_put_u16(bytes, offset + 2, (uint16_t)(value >> 16));
}
