/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Signatures by a token: RSA PKCS#1 and PSS (PKCS#11 v2.40 mechanisms 2.1.6, 2.1.10), native. */

#include "keyholder/token_key.h"

/* Appends a signature of digest that was verified. token.mechanism, token.wrong-answer; errors of
 * token_key_find. */
enum token_outcome token_sign(struct buf *out, struct token_key *key, struct token_use *use,
                              enum signature_algorithm algorithm, struct slice digest,
                              struct error *err);
