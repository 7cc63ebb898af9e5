/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a key may be used for, in one table: which kinds of key a purpose allows, and which
 * operations. A purpose is fixed when a key is made or imported, and sealed with it.
 */

#include "keyholder/keyholder.h"

/* "guardian-signing"; NULL for a number that is none. */
const char *purpose_name(enum key_purpose purpose);
/* Whether a key of this kind and size may serve the purpose: crypto.key-unsupported,
 * crypto.key-too-small. */
bool purpose_check_key(enum key_purpose purpose, const struct public_key *key, struct error *err);
bool purpose_allows_signature(enum key_purpose purpose, enum signature_algorithm algorithm);
bool purpose_allows_decryption(enum key_purpose purpose, enum encryption_algorithm algorithm);
bool purpose_allows_checkpoint(enum key_purpose purpose);
/* Whether certificates for it come from an authority, so that it may sign requests for them. */
bool purpose_allows_request(enum key_purpose purpose);
