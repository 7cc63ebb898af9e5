/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/answer_token.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "keyholder/answer_keys.h"
#include "keyholder/errors.h"
#include "keyholder/meeting.h"
#include "keyholder/purpose.h"
#include "keyholder/stream.h"

#define MODULE_PAUSE_MS 1000

/* One request on its way. */
struct job {
    struct answer *answer;
    struct answer_token_context *context;
    struct token *token;
    unsigned worker;
    const struct keyholder_request *request;
    const int *fds;
};

void answer_token_init(struct answer_token_context *context, const struct token_options *options,
                       const struct secret *pin)
{
    *context = (struct answer_token_context){.keyring = keyring_new(), .options = *options};
    secret_copy(&context->pin, secret_slice(pin));
    context->options.pin = &context->pin;
    pthread_mutex_init(&context->lock, NULL);
}

void answer_token_done(struct answer_token_context *context)
{
    keyring_free(&context->keyring);
    token_close(&context->token);
    secret_done(&context->pin);
    pthread_mutex_destroy(&context->lock);
}

/* Under the lock. */
static bool open_module(struct answer_token_context *context, struct error *err)
{
    int64_t now = clock_monotonic_ms();
    if (context->token != NULL)
        return true;
    if (context->next_try == 0 || now >= context->next_try) {
        context->next_try = now + MODULE_PAUSE_MS;
        context->failure = (struct error){0};
        if (token_open(&context->token, &context->options, &context->failure)) {
            if (context->pin_given)
                token_set_pin(context->token, &context->pin);
            return true;
        }
    }
    *err = context->failure;
    return false;
}

/* The token, whose module is loaded at the first sight of it. */
static bool need_token(struct job *job, struct error *err)
{
    pthread_mutex_lock(&job->context->lock);
    bool ok = open_module(job->context, err);
    job->token = job->context->token;
    pthread_mutex_unlock(&job->context->lock);
    return ok;
}

/* Attestation signers and the audit key are the service's own: nobody brings them in a token. */
static bool check_purpose(enum key_purpose purpose, struct error *err)
{
    return purpose_allows_request(purpose) ||
           error_set(err, &keyholder_purpose, NULL, purpose_name(purpose),
                     "a token's key has another purpose");
}

static const char *uri_of(char uri[KEYHOLDER_URI_MAX + 1], struct slice text)
{
    snprintf(uri, KEYHOLDER_URI_MAX + 1, "%.*s", (int)text.size, (const char *)text.data);
    return uri;
}

/* The key is the keyring's now, also when it failed. */
static bool keep(const struct job *job, struct token_key **key, struct error *err)
{
    _cleanup_public_key_ struct public_key *public_key =
        public_key_ref((struct public_key *)token_key_public(*key));
    return keyring_add(job->context->keyring, job->request->purpose, public_key, &token_operations,
                       memory_steal(key), err);
}

static bool expect(const struct job *job, struct error *err)
{
    char uri[KEYHOLDER_URI_MAX + 1];
    struct slice spki;
    _cleanup_public_key_ struct public_key *public_key = NULL;
    _cleanup_token_key_ struct token_key *key = NULL;
    return keyholder_message_parse_expect(uri, &spki, job->request->payload, err) &&
           public_key_parse(&public_key, spki, err) &&
           token_key_expect(&key, job->token, uri, job->request->purpose, public_key, err) &&
           keep(job, &key, err);
}

static void write_abilities(struct buf *out, const struct token_abilities *abilities)
{
    buf_append_u32_le(out, abilities->signatures);
    buf_append_u32_le(out, abilities->encryptions);
    buf_append_u32_le(out, abilities->raw);
}

/* A token without the certificate is as good: it may come in a file. */
static bool read_certificate(const struct job *job, struct token_key *key, struct error *err)
{
    struct error cause = {0};
    if (token_key_certificate(key, job->worker, &job->answer->fields[1], &cause))
        return buf_ok(&job->answer->fields[1], "the token's certificate", err);
    buf_reset(&job->answer->fields[1]);
    if (cause.code == &token_certificate_missing)
        return true;
    *err = cause;
    return false;
}

static bool find(const struct job *job, struct error *err)
{
    char uri[KEYHOLDER_URI_MAX + 1];
    struct token_abilities abilities;
    _cleanup_token_key_ struct token_key *key = NULL;
    if (!token_key_open(&key, job->token, job->worker, uri_of(uri, job->request->payload),
                        job->request->purpose, err) ||
        !token_key_probe(key, job->worker, &abilities, err) || !read_certificate(job, key, err))
        return false;
    buf_append(&job->answer->fields[0], public_key_spki(token_key_public(key)));
    write_abilities(&job->answer->fields[2], &abilities);
    return keep(job, &key, err);
}

static int bits_of(enum private_key_kind kind)
{
    return kind == PRIVATE_KEY_RSA_4096 ? 4096 : kind == PRIVATE_KEY_RSA_3072 ? 3072 : 2048;
}

static bool make(const struct job *job, struct error *err)
{
    char uri[KEYHOLDER_URI_MAX + 1];
    _cleanup_token_key_ struct token_key *key = NULL;
    if (!token_key_generate(&key, job->token, job->worker, uri_of(uri, job->request->payload),
                            job->request->purpose, bits_of(job->request->kind), err))
        return false;
    buf_append(&job->answer->fields[0], public_key_spki(token_key_public(key)));
    return keep(job, &key, err);
}

static bool check(const struct job *job, struct error *err)
{
    struct token_description it;
    if (!token_check(job->token, job->worker, &it, err))
        return false;
    buf_append_text(&job->answer->fields[0], it.label);
    buf_append_format(&job->answer->fields[1], "%s %s, serial number %s, slot %llu",
                      it.manufacturer, it.model, it.serial, (unsigned long long)it.slot);
    return true;
}

/* The module may not be loaded yet: then the PIN waits for it. */
static bool unlock(const struct job *job, struct error *err)
{
    struct answer_token_context *context = job->context;
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    _cleanup_secret_ struct secret pin = SECRET_EMPTY;
    if (!meeting_receive(&files, job->fds[0], KEYHOLDER_UNLOCK, err) ||
        !stream_read_password(&pin, files.fds[MEETING_PASSWORD], err))
        return false;
    if (pin.size == 0 || pin.size > TOKEN_PIN_MAX)
        return error_set(err, &token_pin_missing, NULL, "the PIN", "%zu bytes are no PIN",
                         pin.size);
    pthread_mutex_lock(&context->lock);
    secret_done(&context->pin);
    secret_copy(&context->pin, secret_slice(&pin));
    context->pin_given = true;
    bool ok = open_module(context, err);
    if (ok)
        token_set_pin(context->token, &pin);
    pthread_mutex_unlock(&context->lock);
    return ok && token_check(context->token, job->worker, NULL, err);
}

/* The token is found when the key is used. */
static bool use_key(const struct job *job, struct error *err)
{
    return answer_keys(job->answer, job->context->keyring, job->worker, job->request, err);
}

static const struct handler {
    bool (*answer)(const struct job *job, struct error *err);
    bool token, purpose; /* needs the module loaded; is for a purpose */
} handlers[] = {
    [KEYHOLDER_EXPECT] = {expect, true, true},     [KEYHOLDER_FIND] = {find, true, true},
    [KEYHOLDER_MAKE] = {make, true, true},         [KEYHOLDER_UNLOCK] = {unlock, false, false},
    [KEYHOLDER_CHECK] = {check, true, false},      [KEYHOLDER_FORGET] = {use_key, false, false},
    [KEYHOLDER_SIGN] = {use_key, false, false},    [KEYHOLDER_DECRYPT] = {use_key, false, false},
    [KEYHOLDER_REQUEST] = {use_key, false, false}, [KEYHOLDER_ROLL] = {use_key, false, false},
};

bool answer_token_request(struct answer *answer, void *context, unsigned worker,
                          const struct keyholder_request *request, const int *fds,
                          struct error *err)
{
    struct job job = {answer, context, NULL, worker, request, fds};
    size_t index = (size_t)request->opcode;
    if (index >= sizeof handlers / sizeof handlers[0] || handlers[index].answer == NULL)
        return error_set(err, &keyholder_message, NULL, "keyholder request",
                         "is not for the keyholder of a token (%u)", (unsigned)index);
    const struct handler *handler = &handlers[index];
    return (!handler->purpose || check_purpose(request->purpose, err)) &&
           (!handler->token || need_token(&job, err)) && handler->answer(&job, err);
}
