/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Decryption by a token: RSA-OAEP (PKCS#11 v2.40 mechanisms 2.1.8) native; or, where that is
 * lacking and the administrator allowed it, CKM_RSA_X_509 and the padding removed by OpenSSL.
 *
 * The results of a module do not tell a ciphertext that is wrong from a token that is ill: each
 * maker has codes of his own for both. So in doubt the token is given something that was encrypted
 * here. What it makes of that decides; a stranger's ciphertext cannot take a session from us. (But
 * where a module leaves an operation open that failed: then a new session shows first that the
 * token is well.)
 */

#include "keyholder/token_key.h"

/*
 * crypto.decryption-failed; token.mechanism, token.wrong-answer; errors of token_key_find.
 * *in_doubt: false at first; with TOKEN_LOST it may become true, and is handed to the next attempt.
 */
enum token_outcome token_decrypt(struct secret *out, bool *in_doubt, struct token_key *key,
                                 struct token_use *use, enum encryption_algorithm algorithm,
                                 struct slice ciphertext, struct error *err);
/*
 * How the key does it, seen by doing it: TOKEN_WAY_NONE when the token refuses it. token.failed
 * when it fails as no token does that merely does not know it; token.wrong-answer.
 */
enum token_outcome token_decrypt_learn(enum token_way *out, struct token_key *key,
                                       struct token_use *use, enum encryption_algorithm algorithm,
                                       struct error *err);
