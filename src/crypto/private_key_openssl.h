/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A private key as the files of this room that read and write key files see it. */

#include "crypto/openssl.h"
#include "crypto/private_key.h"

/* Takes handle, also when it fails. Checks what private_key_parse checks: crypto.key-malformed,
 * crypto.key-too-small, crypto.key-unsupported. */
bool private_key_of_openssl(struct private_key **out, EVP_PKEY *handle, struct error *err);
/* Borrowed. Not to be worked with: threads copy it at any time. */
EVP_PKEY *private_key_handle(const struct private_key *key);
/* Borrowed. */
struct slice private_key_pkcs8(const struct private_key *key);
