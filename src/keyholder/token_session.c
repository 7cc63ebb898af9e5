/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_session.h"

#include "keyholder/errors.h"
#include "keyholder/token_mend.h"

/* How often a session may turn out void between its mending and its use. */
#define ENTER_TRIES 3

/* Under the state's lock: the worker's own if it is free, or else any that is; NULL: none. */
static struct token_session *find_free(struct token *token, unsigned worker)
{
    for (unsigned i = 0; i < token->workers; i++) {
        struct token_session *session = &token->sessions[(worker + i) % token->workers];
        if (!session->taken)
            return session;
    }
    return NULL;
}

static bool take(struct token_session **out, struct token *token, unsigned worker,
                 struct error *err)
{
    struct timespec until = token_mend_deadline();
    struct token_session *session;
    int result = 0;
    pthread_mutex_lock(&token->state);
    while ((session = find_free(token, worker)) == NULL && result == 0)
        result = pthread_cond_clockwait(&token->changed, &token->state, CLOCK_MONOTONIC, &until);
    if (session != NULL)
        session->taken = true;
    pthread_mutex_unlock(&token->state);
    if (session == NULL)
        return error_set(err, &token_busy, NULL, token->uri_text,
                         "none of %u sessions was free within %d ms", token->workers,
                         TOKEN_WAIT_MS);
    *out = session;
    return true;
}

static void give(struct token *token, struct token_session *session)
{
    pthread_mutex_lock(&token->state);
    session->taken = false;
    pthread_cond_broadcast(&token->changed);
    pthread_mutex_unlock(&token->state);
}

/* From here to leave() the module is not restarted. *entered: the session is good. token.busy. */
static bool enter(bool *entered, struct token *token, const struct token_session *session,
                  struct error *err)
{
    struct timespec until = token_mend_deadline();
    int result = 0;
    pthread_mutex_lock(&token->state);
    while (token->restarting && result == 0)
        result = pthread_cond_clockwait(&token->changed, &token->state, CLOCK_MONOTONIC, &until);
    bool restarting = token->restarting;
    *entered = !restarting && session->open && session->epoch == token->epoch;
    if (*entered)
        token->inside++;
    pthread_mutex_unlock(&token->state);
    if (restarting)
        return error_set(err, &token_busy, NULL, token->uri_text,
                         "the module is being initialised again");
    return true;
}

static void leave(struct token *token)
{
    pthread_mutex_lock(&token->state);
    token->inside--;
    pthread_cond_broadcast(&token->changed);
    pthread_mutex_unlock(&token->state);
}

static bool enter_mended(struct token *token, struct token_session *session, bool now,
                         struct error *err)
{
    bool entered;
    for (int i = 0; i < ENTER_TRIES; i++) {
        if (!enter(&entered, token, session, err))
            return false;
        if (entered)
            return true;
        session->open = false;
        if (!token_mend(token, session, now, err))
            return false;
    }
    return error_set(err, &token_busy, NULL, token->uri_text,
                     "sessions are lost as quickly as they are opened");
}

/* Inside. A void handle may be somebody else's by now, and is left alone. */
static void drop(struct token *token, struct token_session *session, CK_RV result)
{
    pthread_mutex_lock(&token->state);
    bool is_void = session->epoch != token->epoch;
    pthread_mutex_unlock(&token->state);
    enum token_loss loss = token_result_loss(result);
    if (!is_void && loss < TOKEN_LOSS_TOKEN)
        token_call(token)->C_CloseSession(session->handle);
    if (!is_void && loss >= TOKEN_LOSS_TOKEN)
        token_mend_suspect(token, loss);
    session->open = false;
}

static enum token_outcome attempt_once(struct token_use *use, struct token_session *session,
                                       bool now, token_attempt *attempt, void *context,
                                       struct error *err)
{
    struct token *token = use->token;
    if (!enter_mended(token, session, now, err))
        return TOKEN_REFUSED;
    use->session = session->handle;
    use->serial = session->serial;
    use->spoiled = false;
    enum token_outcome outcome = attempt(use, context, err);
    if (outcome == TOKEN_LOST)
        drop(token, session, use->lost_by);
    else if (use->spoiled)
        drop(token, session, CKR_OK);
    leave(token);
    return outcome;
}

bool token_session_run(struct token *token, unsigned worker, bool now, token_attempt *attempt,
                       void *context, struct error *err)
{
    struct token_session *session;
    if (!take(&session, token, worker, err))
        return false;
    struct token_use use = {.token = token, .place = (unsigned)(session - token->sessions)};
    enum token_outcome outcome = attempt_once(&use, session, now, attempt, context, err);
    if (outcome == TOKEN_LOST)
        outcome = attempt_once(&use, session, now, attempt, context, err);
    give(token, session);
    if (outcome != TOKEN_LOST)
        return outcome == TOKEN_DONE;
    token_mend_suspect(token, TOKEN_LOSS_SESSION);
    char name[TOKEN_RESULT_NAME_SIZE];
    return error_set(err, &token_lost, NULL, token->uri_text, "%s answered %s twice", use.lost_in,
                     token_result_name(use.lost_by, name));
}

enum token_outcome token_session_outcome(struct token_use *use, CK_RV result, const char *function,
                                         const char *object, struct error *err)
{
    if (result == CKR_OK)
        return TOKEN_DONE;
    if (token_result_loss(result) != TOKEN_LOSS_NONE) {
        use->lost_by = result;
        use->lost_in = function;
        return TOKEN_LOST;
    }
    token_result_refuse(err, result, function, object);
    return TOKEN_REFUSED;
}
