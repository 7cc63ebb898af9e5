/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the keyholder of a PKCS#11 token does for each request: the far end of keyholder_token.h's
 * calls, and of those of keyholder.h that use a key. It makes, seals and opens no software keys.
 */

#include <pthread.h>

#include "keyholder/keyring.h"
#include "keyholder/serve.h"
#include "keyholder/token.h"

/* What the channels' threads share. */
struct answer_token_context {
    struct keyring *keyring;
    struct token_options options; /* pin: the one below */
    struct secret pin;            /* given at the start, or by an administrator */
    bool pin_given;               /* by an administrator */
    pthread_mutex_t lock;         /* over the token's first opening, and pin */
    struct token *token;          /* NULL: its module could not be loaded yet */
    int64_t next_try;             /* to load it; milliseconds of clock_monotonic_ms */
    struct error failure;         /* of the last try */
};

/* pin is copied; the options' texts must outlive the context. */
void answer_token_init(struct answer_token_context *context, const struct token_options *options,
                       const struct secret *pin);
void answer_token_done(struct answer_token_context *context);

/* For struct server; context: a struct answer_token_context. A module that cannot be loaded is
 * tried again once a second at most, when it is needed. */
bool answer_token_request(struct answer *answer, void *context, unsigned worker,
                          const struct keyholder_request *request, const int *fds,
                          struct error *err);
