/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Doing something in a session, and once more in another when the session is lost. */

#include "keyholder/token_state.h"

enum token_outcome {
    TOKEN_DONE,
    TOKEN_REFUSED, /* the error is set */
    TOKEN_LOST,    /* by token_session_outcome */
};

struct token_use {
    struct token *token;
    CK_SESSION_HANDLE session;
    unsigned place;  /* of the session, below the token's workers */
    uint64_t serial; /* of the session */
    bool spoiled;    /* by the attempt: an operation was left open in the session */
    CK_RV lost_by;   /* after TOKEN_LOST */
    const char *lost_in;
};

/* May be called twice, and leaves no trace but when it gives TOKEN_DONE. */
typedef enum token_outcome token_attempt(struct token_use *use, void *context, struct error *err);

/* now: tries to come to a session even if that failed just now. token.lost; errors of token_check
 * and of attempt. */
bool token_session_run(struct token *token, unsigned worker, bool now, token_attempt *attempt,
                       void *context, struct error *err);

/* What a function's result makes of an attempt: token_result_refuse() about object, or a loss. */
enum token_outcome token_session_outcome(struct token_use *use, CK_RV result, const char *function,
                                         const char *object, struct error *err);
