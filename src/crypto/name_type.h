/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The types of attributes of names that are known by a short name: those of RFC 4514 section 3, and
 * others that certificates often have. */

#include "base/slice.h"
#include "crypto/der.h"

struct name_type {
    const char *name; /* "CN" */
    uint8_t oid[12];  /* contents, in DER */
    uint8_t oid_size;
    enum der_tag tag; /* of a value that is written (RFC 5280 A.1) */
    size_t longest;   /* characters of such a value; 0: as many as there is room for */
    bool only_read;   /* names are shown with its OID: its short name is no standard's */
};

/* In either case; NULL: there is no such name. */
const struct name_type *name_type_find(const char *name, size_t size);
/* NULL: such a type is shown by its OID. */
const struct name_type *name_type_shown(struct slice oid);
