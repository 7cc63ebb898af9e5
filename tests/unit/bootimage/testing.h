/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this room share: its vectors (tests/vectors/bootimage/make.py). */

#include "../testing.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/hex.h"
#include "bootimage/digests.h"
#include "bootimage/errors.h"

#include <stdio.h>
#include <stdlib.h>

#define VECTOR_MAX (1024 * 1024)

/* Reads $HGS_VECTORS/bootimage/name into out, which is initialised here. */
static inline void testing_vector(struct buf *out, const char *name)
{
    char path[4096];
    struct error err = {0};
    const char *folder = getenv("HGS_VECTORS");
    assert_non_null(folder);
    snprintf(path, sizeof path, "%s/bootimage/%s", folder, name);
    buf_init(out, VECTOR_MAX);
    if (!file_read(out, path, &err))
        fail_msg("%s: %s", path, err.message);
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
