/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The client of the keyholder processes of PKCS#11 tokens, one for each token of the node, behind
 * the same struct keyholder as software keys: keyholder_sign, _decrypt, _roll, _request and
 * _forget go to the process that has the key.
 *
 * A token is known by a number from 1, in the order in which they were added; 0 is the software
 * keyholder. As long as a token's process is not there or has not been told of a key, calls for
 * the key fail with keyholder.token-away, and when it does not answer within its deadline with
 * keyholder.token-stuck; both are ERROR_UNAVAILABLE and name the token.
 */

#include "keyholder/keyholder.h"

#define KEYHOLDER_TOKENS_MAX 16

/* What a key was seen to do (token.h, struct token_abilities). */
struct keyholder_abilities {
    uint32_t signatures;  /* 1u << enum signature_algorithm */
    uint32_t encryptions; /* 1u << enum encryption_algorithm */
    uint32_t raw;         /* those of encryptions that are done by raw RSA */
};

/*
 * Another token, before any call: its number. deadline_ms: as keyholder_set_deadline. stuck (may be
 * NULL): as keyholder_watch, for this token's process.
 */
unsigned keyholder_token_add(struct keyholder *keyholder, const char *name, int64_t deadline_ms,
                             void (*stuck)(void *context), void *context);
/* 0: there is none of that name. */
unsigned keyholder_token_named(const struct keyholder *keyholder, const char *name);
/* How many there are, numbered from 1; "token NAME". */
unsigned keyholder_token_count(const struct keyholder *keyholder);
const char *keyholder_token_name(const struct keyholder *keyholder, unsigned token);
/* Its process was started: new channels; it knows no keys. */
void keyholder_token_replace(struct keyholder *keyholder, unsigned token, const int *channels,
                             size_t count);
/* As keyholder_alive. */
bool keyholder_token_alive(const struct keyholder *keyholder, unsigned token);
/* Which token has the key; 0: none, it is a software key. */
unsigned keyholder_token_of(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE]);

/* Whether it is the token that cannot do something now, or whatever is between it and us: somebody
 * can mend that, and another key may serve meanwhile. Not so for faults of ours and of what was
 * asked. */
bool keyholder_token_failed(const struct error *err);
/* Whether the key is in a token, be it one that this node does not know. */
bool keyholder_token_has(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE]);

/* The key is in a token (0: in none that this node knows), and why it cannot be used yet; trouble
 * NULL: it can. */
void keyholder_token_assign(struct keyholder *keyholder, unsigned token,
                            const uint8_t key_id[KEY_ID_SIZE], const struct error *trouble);
/* Tells the token's process of a key for a purpose; keyholder_token_assign then says that it can be
 * used. The token itself is not asked. keyholder.token-away, token.uri. */
bool keyholder_token_expect(struct keyholder *keyholder, unsigned token, enum key_purpose purpose,
                            const char *uri, const struct public_key *key, struct error *err);
/*
 * Looks for the key that uri names and tries what it can do (token_key_open, token_key_probe); it
 * can be used from then on. certificate: the one that the token has of it, DER, appended; stays
 * empty when it has none. keyholder.token-away; errors of token.h.
 */
bool keyholder_token_find(struct keyholder *keyholder, unsigned token, enum key_purpose purpose,
                          const char *uri, struct public_key **key, struct buf *certificate,
                          struct keyholder_abilities *abilities, struct error *err);
/* A new RSA key pair in the token (token_key_generate); it can be used from then on. */
bool keyholder_token_make(struct keyholder *keyholder, unsigned token, enum key_purpose purpose,
                          enum private_key_kind kind, const char *uri, struct public_key **key,
                          struct error *err);
/* A PIN is given at the meeting (meeting.h), whose forwarded end is closed here, and tried.
 * keyholder.meeting, keyholder.token-away, token.pin-wrong and other errors of token_check. */
bool keyholder_token_unlock(struct keyholder *keyholder, unsigned token, int meeting_fd,
                            struct error *err);
/* Whether the token can be used now (token_check): what it calls itself, and its maker and serial
 * number, appended. keyholder.token-away, errors of token_check. */
bool keyholder_token_check(struct keyholder *keyholder, unsigned token, struct buf *label,
                           struct buf *details, struct error *err);
