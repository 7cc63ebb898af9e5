/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the table of usage_table.h says of certificates: how many key protectors would be lost with
 * each. A protector is released only with a wrapping for a signing certificate and one for an
 * encryption certificate that are ours and enabled, so each type is counted for itself.
 */

#include "keyprotection/usage_table.h"

struct usage_figures {
    uint64_t count;
    uint64_t lately;        /* of them, seen lately */
    int64_t newest, oldest; /* of their last rolls; 0: none */
};

struct usage_certificate {
    struct usage_key key;
    bool enabled;
    /* Filled in by usage_count: protectors that no other enabled certificate of the type serves,
     * and those that have one that does. */
    struct usage_figures only, also;
};

/* lately: seconds since 1970; who was seen at that time or later was seen lately. */
void usage_count(const struct usage_table *table, struct usage_certificate *certificates,
                 size_t count, int64_t lately);
