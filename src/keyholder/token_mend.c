/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_mend.h"

#include <time.h>

#include "base/clock.h"
#include "keyholder/errors.h"
#include "keyholder/token_login.h"
#include "keyholder/token_slot.h"

struct timespec token_mend_deadline(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TOKEN_WAIT_MS / 1000;
    until.tv_nsec += TOKEN_WAIT_MS % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

void token_mend_suspect(struct token *token, enum token_loss loss)
{
    pthread_mutex_lock(&token->state);
    if (token->suspected < loss)
        token->suspected = loss;
    pthread_mutex_unlock(&token->state);
}

static void void_sessions(struct token *token)
{
    pthread_mutex_lock(&token->state);
    token->epoch++;
    pthread_mutex_unlock(&token->state);
}

/* Nobody enters the module until they are let in again; false when somebody stays inside. */
static bool keep_out(struct token *token)
{
    struct timespec until = token_mend_deadline();
    pthread_mutex_lock(&token->state);
    token->restarting = true;
    int result = 0;
    while (token->inside > 0 && result == 0)
        result = pthread_cond_clockwait(&token->changed, &token->state, CLOCK_MONOTONIC, &until);
    bool empty = token->inside == 0;
    pthread_mutex_unlock(&token->state);
    return empty;
}

static void let_in(struct token *token)
{
    pthread_mutex_lock(&token->state);
    token->restarting = false;
    pthread_cond_broadcast(&token->changed);
    pthread_mutex_unlock(&token->state);
}

static bool restart(struct token *token, struct error *err)
{
    bool ok;
    if (keep_out(token)) {
        void_sessions(token);
        token->slot_known = false;
        token->last_restart_ms = clock_monotonic_ms();
        ok = token_module_restart(&token->module, err);
    } else {
        ok = error_set(err, &token_busy, NULL, token->uri_text,
                       "the module must be initialised again, but a call does not return from it");
    }
    let_in(token);
    return ok;
}

/* Sessions that still live are not to be left behind. But a module may free what a thread inside is
 * just using; so when one does not come out, they are. */
static void close_sessions(struct token *token)
{
    if (keep_out(token) && token->slot_known)
        token_call(token)->C_CloseAllSessions(token->slot);
    void_sessions(token);
    let_in(token);
}

/* hard: sessions are void in any case. */
static bool find_slot(struct token *token, bool hard, enum token_loss *lost, struct error *err)
{
    CK_SLOT_ID slot;
    if (!token_slot_find(&slot, token, lost, err))
        return false;
    if (hard || slot != token->slot)
        close_sessions(token);
    token->slot = slot;
    token->slot_known = true;
    return true;
}

static bool open_session(struct token *token, struct token_session *session, enum token_loss *lost,
                         struct error *err)
{
    CK_SESSION_HANDLE handle;
    CK_RV result =
        token_call(token)->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &handle);
    *lost = token_result_loss(result);
    /* A session is lost, and another one is not to be had: it must be more than that. */
    if (*lost == TOKEN_LOSS_SESSION)
        *lost = TOKEN_LOSS_TOKEN;
    if (result != CKR_OK)
        return token_result_refuse(err, result, "C_OpenSession", token->uri_text);
    if (!token_login(token, handle, CKU_USER, lost, err)) {
        token_call(token)->C_CloseSession(handle);
        return false;
    }
    pthread_mutex_lock(&token->state);
    session->epoch = token->epoch;
    pthread_mutex_unlock(&token->state);
    session->handle = handle;
    session->serial = ++token->sessions_opened;
    session->open = true;
    return true;
}

static bool connect_token(struct token *token, struct token_session *session, enum token_loss loss,
                          enum token_loss *lost, struct error *err)
{
    *lost = TOKEN_LOSS_NONE;
    if (loss >= TOKEN_LOSS_MODULE && !restart(token, err))
        return false;
    if (loss >= TOKEN_LOSS_SESSION && !find_slot(token, loss >= TOKEN_LOSS_TOKEN, lost, err)) {
        /* Some modules see what was put back only after they are initialised again. */
        if (*lost == TOKEN_LOSS_TOKEN)
            *lost = TOKEN_LOSS_MODULE;
        return false;
    }
    return open_session(token, session, lost, err);
}

static bool may_restart(const struct token *token)
{
    return token->module.owned &&
           (token->last_restart_ms == 0 ||
            clock_monotonic_ms() - token->last_restart_ms >= TOKEN_RESTART_MS);
}

/* From the least that helps to the most. Under mending. */
static bool mend(struct token *token, struct token_session *session, struct error *err)
{
    pthread_mutex_lock(&token->state);
    enum token_loss loss = token->suspected, lost;
    token->suspected = TOKEN_LOSS_NONE;
    pthread_mutex_unlock(&token->state);
    if (loss == TOKEN_LOSS_MODULE && !may_restart(token))
        loss = TOKEN_LOSS_TOKEN;
    while (!connect_token(token, session, loss, &lost, err)) {
        if (lost > loss && (lost < TOKEN_LOSS_MODULE || may_restart(token))) {
            loss = lost;
            continue;
        }
        token_mend_suspect(token, lost > TOKEN_LOSS_SESSION ? lost : TOKEN_LOSS_SESSION);
        return false;
    }
    return true;
}

static bool failed_just_now(struct token *token, struct error *err)
{
    pthread_mutex_lock(&token->state);
    bool failed = token->last_failure.code != NULL &&
                  clock_monotonic_ms() - token->last_failure_ms < TOKEN_RETRY_MS;
    if (failed && err != NULL)
        *err = token->last_failure;
    pthread_mutex_unlock(&token->state);
    return failed;
}

static void remember_outcome(struct token *token, const struct error *failure)
{
    pthread_mutex_lock(&token->state);
    token->last_failure = *failure;
    token->last_failure_ms = clock_monotonic_ms();
    pthread_mutex_unlock(&token->state);
}

bool token_mend(struct token *token, struct token_session *session, bool now, struct error *err)
{
    struct timespec until = token_mend_deadline();
    if (pthread_mutex_clocklock(&token->mending, CLOCK_MONOTONIC, &until) != 0)
        return error_set(err, &token_busy, NULL, token->uri_text,
                         "another operation is connecting to the token, for %d ms now",
                         TOKEN_WAIT_MS);
    bool ok = false;
    if (now || !failed_just_now(token, err)) {
        struct error failure = {.code = NULL};
        ok = mend(token, session, &failure);
        remember_outcome(token, &failure);
        if (!ok && err != NULL)
            *err = failure;
    }
    pthread_mutex_unlock(&token->mending);
    return ok;
}
