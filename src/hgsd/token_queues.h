/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For each token a queue with workers of its own (hgsd/queue.h): whatever needs a token's key waits
 * there, so that a token that is slow or hangs holds up neither other tokens nor what is done with
 * software keys.
 */

#include "audit/audit.h"
#include "hgsd/config.h"

struct token_queues;

/* As many workers for each token as it has sessions; audit: whose waiting records are hurried along
 * when nothing else waits for the token. NULL when threads cannot be started. */
struct token_queues *token_queues_new(const struct hgsd_config *config, struct audit *audit);
/* Takes no more and finishes what waits; what one token's worker would hand over to another is
 * refused meanwhile. */
void token_queues_stop(struct token_queues *queues);
/* Stops them, if that was not done. */
void token_queues_free(struct token_queues **queues);
/* Has one of the token's workers call go_on(work). token: keyholder_token.h's number. False when
 * too many wait, or the end is near, and nothing will be called. */
bool token_queues_put(struct token_queues *queues, unsigned token, void (*go_on)(void *work),
                      void *work);
/* How many wait for a token now, behind those that its workers are at; at most config->queue. */
size_t token_queues_length(struct token_queues *queues, unsigned token);
