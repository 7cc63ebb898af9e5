/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keys of the store that lie in tokens, as a list: each is there once for each record
 * (certificate, or request for one) that has it. Who shares a list between threads locks it.
 */

#include "crypto/public_key.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

struct token_key_record {
    struct token_key_record *next;
    enum store_kind kind; /* STORE_CERTIFICATE, STORE_CERTIFICATE_REQUEST */
    char *record_key;
    unsigned token; /* 0: of none that is configured */
    enum key_purpose purpose;
    char *uri;
    struct public_key *key;
    bool told;      /* the token's process of now knows it */
    bool gone;      /* the record was removed; its process is to forget the key */
    unsigned round; /* in which it was tried last */
};

/* The key of a record, in no list yet and of no token. NULL: it lies in no token, or the record
 * cannot be read (whoever serves by it says so). */
struct token_key_record *token_keys_read(const struct store_record *record);
void token_keys_free(struct token_key_record *key);
/* Out of the list that it is in; it is not freed. */
void token_keys_remove(struct token_key_record **first, const struct token_key_record *key);

/* Whether a record that is not gone has the key. */
bool token_keys_hold(const struct token_key_record *first, const struct public_key *key);
/* Whether the process of now knows the key for everything that it is for. */
bool token_keys_told(const struct token_key_record *first, const struct public_key *key);
/* The next key of a token to be told, or forgotten; NULL: no more in this round. */
struct token_key_record *token_keys_next(struct token_key_record *first, unsigned token,
                                         unsigned round);
/* A token's process was started, and knows none of them. */
void token_keys_tell_again(struct token_key_record *first, unsigned token);
/* How many a token has, and how many of these its process knows. */
void token_keys_count(const struct token_key_record *first, unsigned token, int64_t *keys,
                      int64_t *told);
