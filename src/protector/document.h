/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a parsed protector holds; shared by the files of this room that parse, verify and write
 * one. */

#include "protector/elements.h"

struct protector {
    struct buf values;    /* every decoded base64 value; the slices below point into it */
    struct buf canonical; /* the Wrappings element, as it is signed */
    uint8_t digest[DIGEST_SHA256_SIZE];
    uint32_t max_offline_unwraps;
    struct protector_wrapping *wrappings;
    size_t count;
    const struct protector_wrapping *owner; /* the first that is its own parent, or NULL */
    const struct protector_wrapping *last_guardian;
    struct protector_signature guardian_signature;
    struct elements_mac transport_key_signature;
};

/* The wrapping with this id; NULL when there is none. */
const struct protector_wrapping *protector_by_id(const struct protector *protector, uint32_t id);
