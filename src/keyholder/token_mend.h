/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Coming to a session that works, from whatever was lost: another session, the token in another
 * slot, the module initialised again; and logged in. One thread mends at a time, and the others
 * wait for TOKEN_WAIT_MS at most (token.busy).
 */

#include "keyholder/token_state.h"

/* For so long after mending failed it fails again without a try, lest every request wait for a
 * token that is away. */
#define TOKEN_RETRY_MS 500
/* A module is not initialised again sooner than that after the last time. */
#define TOKEN_RESTART_MS 1000

/* Opens the session, which the caller has taken. now: without regard to TOKEN_RETRY_MS. Errors of
 * token_check. */
bool token_mend(struct token *token, struct token_session *session, bool now, struct error *err);
/* That so much may be lost. */
void token_mend_suspect(struct token *token, enum token_loss loss);
/* When TOKEN_WAIT_MS will be over, on CLOCK_MONOTONIC. */
struct timespec token_mend_deadline(void);
