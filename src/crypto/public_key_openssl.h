/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A public key as the files of this room that work with it see it. */

#include "crypto/openssl.h"
#include "crypto/public_key.h"

/* Borrowed. Not to be changed: threads share it. Made at the first call; NULL, with OpenSSL's error
 * queue set, when OpenSSL refuses. */
EVP_PKEY *public_key_handle(const struct public_key *key);
/* Where a context for labelled encryption with this digest waits. */
struct openssl_idle *public_key_idle_labelled(const struct public_key *key,
                                              enum digest_algorithm digest);

/* public_key_parse; endorsement: or what else public_key_parse_endorsement takes but RSAES-OAEP. */
bool public_key_parse_spki(struct public_key **out, struct slice spki, bool endorsement,
                           struct error *err);
