/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of a token share. A thread takes a session for an operation; it may then take the
 * lock of mending (one thread finds the token again, opens sessions and logs in). Both are waited
 * for TOKEN_WAIT_MS at most. The lock of the state is held for moments, never over a call of the
 * module.
 */

#include <pthread.h>

#include "keyholder/token.h"
#include "keyholder/token_module.h"
#include "keyholder/token_result.h"
#include "keyholder/token_uri_p11.h"

/* Belongs to who has taken it; `taken` to the state. */
struct token_session {
    bool taken;
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

    pthread_mutex_t state;     /* what follows */
    pthread_cond_t changed;    /* a session is free, the module is empty or may be entered */
    unsigned inside;           /* threads that may be in a call, the mending one excepted */
    bool restarting;           /* nobody may enter */
    unsigned epoch;            /* rises when all sessions are void */
    enum token_loss suspected; /* what may have been lost since a session was opened last */
    struct error last_failure; /* of mending; code NULL: it succeeded */
    int64_t last_failure_ms;
    struct secret pin;
    bool pin_refused;
    struct refused_pins *refused_pins; /* borrowed; may be NULL */

    struct token_session sessions[];
};

static inline CK_FUNCTION_LIST *token_call(const struct token *token)
{
    return token->module.call;
}
