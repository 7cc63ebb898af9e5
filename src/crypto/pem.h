/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Textual encodings (RFC 7468) without headers: of certificates and public keys. */

#include "base/buf.h"

#define PEM_FILE_SIZE_MAX (256 * 1024)

/* Whether bytes look like a PEM file and not like DER. */
bool pem_is(struct slice bytes);
/* What stands between one block's two lines; borrowed. */
struct pem_block {
    struct slice label; /* "CERTIFICATE" */
    struct slice body;  /* base64 and white space */
};
/* The next block of *rest, which moves behind it. False when there is none, or it does not end. */
bool pem_next(struct pem_block *block, struct slice *rest);
/* Appends what a block's body holds to out. False when it is not base64; nothing is appended then.
 */
bool pem_decode(struct buf *out, struct slice body);
/* Appends what the first block with this label ("CERTIFICATE") holds to out. False when there is
 * none, or it is not base64; nothing is appended then. */
bool pem_find(struct buf *out, struct slice text, const char *label);
/* Appends a block. */
void pem_format(struct buf *out, const char *label, struct slice der);
