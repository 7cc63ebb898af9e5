/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A key of a token, as the files that work with it see it. */

#include <stdatomic.h>

#include "keyholder/token_object.h"

/* How an OAEP is done; learned by doing (token_decrypt.c). */
enum token_way { TOKEN_WAY_UNKNOWN, TOKEN_WAY_NATIVE, TOKEN_WAY_RAW, TOKEN_WAY_NONE };
#define TOKEN_WAYS 3 /* more than the largest enum encryption_algorithm */

/* Found in one session, and read and written only by who has that session. */
struct token_found {
    uint64_t serial; /* of the session; 0: not found yet */
    CK_OBJECT_HANDLE handle;
    bool confirm; /* CKA_ALWAYS_AUTHENTICATE */
};

struct token_key {
    struct token *token;
    char *uri_text;
    P11KitUri *uri;
    enum key_purpose purpose;
    struct public_key *public_key; /* NULL only while token_key_open is at work */
    size_t size;                   /* bytes of the modulus */
    _Atomic(enum token_way) ways[TOKEN_WAYS];
    struct token_found found[]; /* one for each of the sessions */
};

/*
 * The key's handle in this session, looked for when it was not found in it yet; and the key there
 * is the one that is expected. token.key-missing, token.key-ambiguous, token.key-unsupported,
 * token.key-usage, token.key-changed.
 */
enum token_outcome token_key_find(struct token_found *out, struct token_key *key,
                                  struct token_use *use, struct error *err);
/* Whether its purpose is to sign; otherwise it is to decrypt. */
bool token_key_signs(enum key_purpose purpose);
/* After an Init: logs in again if the key wants it. */
enum token_outcome token_key_confirm(const struct token_found *found, struct token_key *key,
                                     struct token_use *use, struct error *err);
/* The attributes of the URI that name a key: at most two, borrowed, and how many. */
CK_ULONG token_key_names(CK_ATTRIBUTE out[2], const P11KitUri *uri);
