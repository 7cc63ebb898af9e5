/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The node's tokens as the service sees them: which keys of the store lie in which of them, and
 * that each token's process is told of its keys, at its start and when certificates change.
 *
 * Each token has a thread here, so that one that hangs holds up nobody: neither the service's
 * start, nor the store's watch, nor another token. Now and then it looks whether the token can be
 * used, for `server show` and for the log.
 */

#include "hgsd/config.h"
#include "hgsd/token_queues.h"
#include "keyholder/keyholder_token.h"
#include "store/store.h"

#include "base/json.h"

struct tokens;

/* Makes the keyholder's tokens; before any call of it. config and keyholder must outlive it;
 * control: of the supervisor, which is told when a token's process does not answer. */
struct tokens *tokens_new(struct keyholder *keyholder, const struct hgsd_config *config,
                          int control);
void tokens_free(struct tokens **tokens);
/* The end is near: calls that wait for a token fail at once, whatever the token does. */
void tokens_stop(struct tokens *tokens);
/* Reads from the store which keys lie in tokens, and starts the threads. */
bool tokens_start(struct tokens *tokens, struct store *store, struct error *err);
/* Certificates and requests that changed; from the store's watch. */
void tokens_apply(struct tokens *tokens, const struct store_change *changes, size_t count);
/* A token's process was started; its channels, which are taken over. Of a token that is not
 * configured (hgsd.conf was changed meanwhile) they are closed. */
void tokens_process_started(struct tokens *tokens, const char *name, const int *channels,
                            size_t count);
/* The token that has the key of this URI, for new certificates. hgsd.token-unknown,
 * hgsd.token-ambiguous. */
bool tokens_for(const struct tokens *tokens, const char *key_uri, unsigned *token,
                struct error *err);
/* "tokens": [{name, module, uri, state, label, details, sessions, waiting, waiting_limit, keys,
 * keys_told, error}], a property of an object. queues: where requests wait for them; NULL: they do
 * not yet, or not any more. */
void tokens_describe(struct tokens *tokens, struct token_queues *queues,
                     struct json_writer *writer);
