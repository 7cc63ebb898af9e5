/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of a token share. Three locks, never held while waiting for one before it in this
 * list: a session's (one operation at a time), mending (one thread finds the token again, opens
 * sessions and logs in), and the state's (for moments, never over a call of the module). The first
 * two are waited for TOKEN_WAIT_MS at most.
 */

#include <pthread.h>

#include "keyholder/token.h"
#include "keyholder/token_module.h"
#include "keyholder/token_result.h"
#include "keyholder/token_uri_p11.h"

struct token_session {
    pthread_mutex_t lock;
    CK_SESSION_HANDLE handle;
    bool open;
    unsigned epoch;  /* the token's when it was opened: another one, and the handle is nobody's */
    uint64_t serial; /* of all sessions ever opened: handles of objects are good for one */
};

struct token {
    struct token_module module;
    char *path, *uri_text;
    P11KitUri *uri;
    unsigned workers;
    bool raw_rsa;

    pthread_mutex_t mending;
    CK_SLOT_ID slot; /* under mending, with what follows */
    bool slot_known;
    uint64_t sessions_opened;
    int64_t last_restart_ms; /* 0: never */

    pthread_mutex_t state; /* what follows */
    pthread_cond_t changed;
    unsigned inside;           /* threads that may be in a call, the mending one excepted */
    bool restarting;           /* nobody may enter */
    unsigned epoch;            /* rises when all sessions are void */
    enum token_loss suspected; /* what may have been lost since a session was opened last */
    struct error last_failure; /* of mending; code NULL: it succeeded */
    int64_t last_failure_ms;
    struct secret pin;
    bool pin_refused;

    struct token_session sessions[];
};

static inline CK_FUNCTION_LIST *token_call(const struct token *token)
{
    return token->module.call;
}
