/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this room share: vectors from files. */

#include "../testing.h"
#include "../vector.h"
#include "attestation/errors.h"
#include "base/base64.h"
#include "base/errors.h"
#include "base/hex.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads $HGS_VECTORS/name into out, which is initialised here. */
static inline void testing_vector(struct buf *out, const char *name)
{
    vector_read(out, ".", name);
}

static inline void testing_assert_slice(struct slice value, const char *text)
{
    assert_int_equal(value.size, strlen(text));
    assert_memory_equal(value.data, text, value.size);
}

/* A member of the file of host key vectors, decoded from base64 into out (initialised here). */
static inline void testing_decode(struct buf *out, const struct json *object, const char *name)
{
    buf_init(out, VECTOR_MAX);
    assert_ok(json_get_bytes(out, object, name, err));
}
