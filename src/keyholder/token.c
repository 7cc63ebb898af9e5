/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "keyholder/errors.h"
#include "keyholder/token_decrypt.h"
#include "keyholder/token_session.h"
#include "keyholder/token_sign.h"
#include "keyholder/token_slot.h"

static void init_locks(struct token *token)
{
    pthread_mutex_init(&token->mending, NULL);
    pthread_mutex_init(&token->state, NULL);
    pthread_cond_init(&token->changed, NULL);
}

static struct token *make(const struct token_options *options, P11KitUri **uri)
{
    struct token *token =
        memory_allocate_zero(1, sizeof *token + options->workers * sizeof token->sessions[0]);
    token->path = memory_copy_text(options->module);
    token->uri_text = memory_copy_text(options->uri);
    token->uri = memory_steal(uri);
    token->workers = options->workers;
    token->raw_rsa = options->raw_rsa;
    token->suspected = TOKEN_LOSS_TOKEN; /* the slot is not known yet */
    init_locks(token);
    return token;
}

bool token_open(struct token **out, const struct token_options *options, struct error *err)
{
    assert(options->workers >= 1 && options->workers <= TOKEN_WORKERS_MAX);
    _cleanup_token_uri_ P11KitUri *uri = NULL;
    if (!token_uri_parse_token(&uri, options->uri, err))
        return false;
    struct token_module module;
    if (!token_module_open(&module, options->module, options->workers > 1, err))
        return false;
    struct token *token = make(options, &uri);
    token->module = module;
    token->module.path = token->path;
    token->refused_pins = options->refused_pins;
    if (options->pin != NULL) {
        token_set_pin(token, options->pin);
        token->pin_refused = refused_pins_has(options->refused_pins, secret_slice(options->pin));
    }
    *out = token;
    return true;
}

static void close_session(struct token *token, struct token_session *session)
{
    if (session->open && session->epoch == token->epoch)
        token_call(token)->C_CloseSession(session->handle);
}

void token_close(struct token **token)
{
    struct token *closed = memory_steal(token);
    if (closed == NULL)
        return;
    for (unsigned i = 0; i < closed->workers; i++)
        close_session(closed, &closed->sessions[i]);
    token_module_close(&closed->module);
    pthread_cond_destroy(&closed->changed);
    pthread_mutex_destroy(&closed->state);
    pthread_mutex_destroy(&closed->mending);
    secret_done(&closed->pin);
    token_uri_free(&closed->uri);
    free(closed->uri_text);
    free(closed->path);
    free(closed);
}

void token_set_pin(struct token *token, const struct secret *pin)
{
    pthread_mutex_lock(&token->state);
    secret_done(&token->pin);
    if (pin->size > 0)
        secret_copy(&token->pin, secret_slice(pin));
    token->pin_refused = false;
    token->last_failure.code = NULL;
    pthread_mutex_unlock(&token->state);
}

/* A session whose login was lost in silence is found out, too. */
static enum token_outcome check_attempt(struct token_use *use, void *context, struct error *err)
{
    CK_SESSION_INFO session;
    CK_TOKEN_INFO info;
    CK_RV result = token_call(use->token)->C_GetSessionInfo(use->session, &session);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_GetSessionInfo", use->token->uri_text, err);
    result = token_slot_info(&info, use->token, session.slotID);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_GetTokenInfo", use->token->uri_text, err);
    bool logged_in =
        session.state == CKS_RO_USER_FUNCTIONS || session.state == CKS_RW_USER_FUNCTIONS;
    if ((info.flags & CKF_LOGIN_REQUIRED) != 0 && !logged_in)
        return token_session_outcome(use, CKR_USER_NOT_LOGGED_IN, "C_GetSessionInfo",
                                     use->token->uri_text, err);
    if (context != NULL)
        token_slot_describe(context, &info, session.slotID);
    return TOKEN_DONE;
}

bool token_check(struct token *token, unsigned worker, struct token_description *out,
                 struct error *err)
{
    return token_session_run(token, worker, true, check_attempt, out, err);
}

struct sign_work {
    struct token_key *key;
    enum signature_algorithm algorithm;
    struct slice digest;
    struct buf *out;
};

static enum token_outcome sign_attempt(struct token_use *use, void *context, struct error *err)
{
    struct sign_work *work = context;
    return token_sign(work->out, work->key, use, work->algorithm, work->digest, err);
}

static bool key_sign(void *key, unsigned worker, enum signature_algorithm algorithm,
                     struct slice digest, struct buf *out, struct error *err)
{
    struct token_key *token_key = key;
    struct sign_work work = {token_key, algorithm, digest, out};
    return token_session_run(token_key->token, worker, false, sign_attempt, &work, err);
}

struct decrypt_work {
    struct token_key *key;
    enum encryption_algorithm algorithm;
    struct slice ciphertext;
    struct secret *out;
    bool in_doubt;
};

static enum token_outcome decrypt_attempt(struct token_use *use, void *context, struct error *err)
{
    struct decrypt_work *work = context;
    return token_decrypt(work->out, &work->in_doubt, work->key, use, work->algorithm,
                         work->ciphertext, err);
}

static bool key_decrypt(void *key, unsigned worker, enum encryption_algorithm algorithm,
                        struct slice ciphertext, struct secret *out, struct error *err)
{
    struct token_key *token_key = key;
    struct decrypt_work work = {token_key, algorithm, ciphertext, out, false};
    return token_session_run(token_key->token, worker, false, decrypt_attempt, &work, err);
}

static void key_done(void *key)
{
    struct token_key *token_key = key;
    token_key_free(&token_key);
}

const struct key_operations token_operations = {key_sign, key_decrypt, key_done};
