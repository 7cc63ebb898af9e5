/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writing a protector. The Wrappings element is written in exclusive-canonical form as it stands in
 * the document, so that what is signed is a part of the text and need not be made by parsing it
 * again.
 */

#include "protector/protector.h"

struct protector_draft {
    /* Borrowed. An empty transport_key is encrypted anew with transport_key_algorithm; another is
     * kept. */
    const struct protector_wrapping *wrappings;
    size_t count; /* 1 to PROTECTOR_WRAPPINGS_MAX */
    struct slice transport_key;
    uint32_t max_offline_unwraps;
    uint32_t signer_id; /* of one of the wrappings */
    const struct signer *signer;
};

/* Appends the Wrappings element of wrappings that all have their transport key. out overflows when
 * they are too large for it. */
void protector_write_wrappings(struct buf *out, const struct protector_wrapping *wrappings,
                               size_t count);
/* Appended to out. protector.limit; the signer's errors. */
bool protector_write(struct buf *out, const struct protector_draft *draft, struct error *err);
