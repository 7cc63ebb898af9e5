/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files of tests/vectors, for the tests of all rooms. */

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "testing.h"

#define VECTOR_MAX (4 * 1024 * 1024)

/* Reads $HGS_VECTORS/folder/name into out, which is initialised here. */
static inline void vector_read(struct buf *out, const char *folder, const char *name)
{
    char path[4096];
    struct error err = {0};
    const char *vectors = getenv("HGS_VECTORS");
    assert_non_null(vectors);
    snprintf(path, sizeof path, "%s/%s/%s", vectors, folder, name);
    buf_init(out, VECTOR_MAX);
    if (!file_read(out, path, &err))
        fail_msg("%s: %s", path, err.message);
}
