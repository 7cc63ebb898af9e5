/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A public key out of a file that somebody sent: PEM ("PUBLIC KEY" or "CERTIFICATE") or the binary
 * forms. */

#include "crypto/public_key.h"

/* base.file-*, crypto.key-*. A private key is refused by name: it should not have been sent. */
bool key_file_read(struct public_key **out, const char *path, struct error *err);
