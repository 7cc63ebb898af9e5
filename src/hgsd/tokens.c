/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/tokens.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "admin/hgsd_errors.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "hgsd/supervisor.h"
#include "hgsd/token_keys.h"
#include "keyholder/errors.h"
#include "keyholder/token_uri.h"

/* Between two looks at a token that works, and at one that does not. */
#define LOOK_MS 10000
#define LOOK_AGAIN_MS 2000
#define LABEL_MAX 256

/* A configured token, and its thread. */
struct seat {
    struct tokens *tokens;
    const struct hgsd_token *config;
    unsigned number;
    pthread_t thread;
    bool running;
    pthread_cond_t wake;
    bool news;           /* keys to be told, or a new process */
    unsigned generation; /* of its process; 0: none was started yet */
    unsigned round;      /* of telling keys */
    bool looked;         /* the three below are known */
    bool works;
    char label[LABEL_MAX], details[LABEL_MAX];
    struct error trouble;
};

struct tokens {
    struct keyholder *keyholder;
    int control;
    pthread_mutex_t lock; /* everything that changes */
    struct token_key_record *keys;
    struct seat seats[HGSD_TOKENS_MAX];
    size_t count;
    int64_t queue; /* how many may wait for each */
    bool stopping;
};

/* On the thread that found it out. */
static void tell_stuck(void *context)
{
    const struct seat *seat = context;
    struct error err = {0};
    if (!supervisor_tell_stuck(seat->tokens->control, seat->config->name, &err))
        log_error(LOG_LEVEL_ERROR, &err, "cannot have the process of token %s started again",
                  seat->config->name);
}

struct tokens *tokens_new(struct keyholder *keyholder, const struct hgsd_config *config,
                          int control)
{
    struct tokens *tokens = memory_allocate_zero(1, sizeof *tokens);
    tokens->keyholder = keyholder;
    tokens->control = control;
    tokens->count = config->tokens.count;
    tokens->queue = config->queue;
    pthread_mutex_init(&tokens->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    for (size_t i = 0; i < tokens->count; i++) {
        struct seat *seat = &tokens->seats[i];
        seat->tokens = tokens;
        seat->config = hgsd_config_token(config, i);
        seat->number = keyholder_token_add(keyholder, seat->config->name, seat->config->timeout_ms,
                                           tell_stuck, seat);
        pthread_cond_init(&seat->wake, &attributes);
    }
    pthread_condattr_destroy(&attributes);
    return tokens;
}

void tokens_free(struct tokens **tokens_pointer)
{
    struct tokens *tokens = memory_steal(tokens_pointer);
    if (tokens == NULL)
        return;
    pthread_mutex_lock(&tokens->lock);
    tokens->stopping = true;
    for (size_t i = 0; i < tokens->count; i++)
        pthread_cond_signal(&tokens->seats[i].wake);
    pthread_mutex_unlock(&tokens->lock);
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->seats[i].running)
            pthread_join(tokens->seats[i].thread, NULL);
        pthread_cond_destroy(&tokens->seats[i].wake);
    }
    while (tokens->keys != NULL) {
        struct token_key_record *record = tokens->keys;
        tokens->keys = record->next;
        token_keys_free(record);
    }
    pthread_mutex_destroy(&tokens->lock);
    free(tokens);
}

void tokens_stop(struct tokens *tokens)
{
    for (size_t i = 0; tokens != NULL && i < tokens->count; i++)
        keyholder_token_replace(tokens->keyholder, tokens->seats[i].number, NULL, 0);
}

/* Of the configured tokens the ones that may have the key: how many, and the first. */
static size_t match(const struct tokens *tokens, const char *key_uri, unsigned *token)
{
    size_t found = 0;
    *token = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        if (!token_uri_may_match(key_uri, tokens->seats[i].config->uri))
            continue;
        if (found++ == 0)
            *token = tokens->seats[i].number;
    }
    return found;
}

bool tokens_for(const struct tokens *tokens, const char *key_uri, unsigned *token,
                struct error *err)
{
    if (!token_uri_check_key(key_uri, err))
        return false;
    size_t found = match(tokens, key_uri, token);
    if (found == 0)
        return error_set(err, &hgsd_token_unknown, "hgsd.conf(5)", key_uri,
                         "no [token] section of this node has the token of this key");
    return found == 1 || error_set(err, &hgsd_token_ambiguous, "hgsd.conf(5)", key_uri,
                                   "%zu [token] sections of this node may mean its token", found);
}

/* Under the lock. */
static struct seat *seat_of(struct tokens *tokens, unsigned token)
{
    return token > 0 ? &tokens->seats[token - 1] : NULL;
}

/* Under the lock: the key is there, and its token's process will be told. */
static void add(struct tokens *tokens, struct token_key_record *record)
{
    struct error trouble = {0};
    struct seat *seat;
    const uint8_t *id = public_key_digest(record->key);
    match(tokens, record->uri, &record->token);
    record->next = tokens->keys;
    tokens->keys = record;
    seat = seat_of(tokens, record->token);
    error_set(&trouble, &keyholder_token_away, "hgsd.conf(5)",
              seat != NULL ? seat->config->name : record->uri, "%s",
              seat != NULL ? "the token's process has not been told of its keys yet"
                           : "no [token] section of this node has the token of this key");
    /* A key that was just found in its token serves already. */
    if (seat == NULL || keyholder_token_of(tokens->keyholder, id) != record->token)
        keyholder_token_assign(tokens->keyholder, record->token, id, &trouble);
    if (seat == NULL)
        return; /* hgsd/certificate_keys.h tells it */
    seat->news = true;
    pthread_cond_signal(&seat->wake);
}

static void put(struct tokens *tokens, const struct store_record *stored)
{
    struct token_key_record *record = token_keys_read(stored);
    if (record == NULL)
        return;
    pthread_mutex_lock(&tokens->lock);
    add(tokens, record);
    pthread_mutex_unlock(&tokens->lock);
}

static bool load_record(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    put(context, record);
    return true;
}

/* Under the lock: of no token, so that no thread has a hold on it. */
static void forget_nowhere(struct tokens *tokens, struct token_key_record *record)
{
    token_keys_remove(&tokens->keys, record);
    if (!token_keys_hold(tokens->keys, record->key)) /* no process is asked */
        keyholder_forget(tokens->keyholder, public_key_digest(record->key), NULL);
    token_keys_free(record);
}

/* What a record said before it changed. Its token's thread has the key forgotten: the store's watch
 * waits for no token. */
static void drop(struct tokens *tokens, enum store_kind kind, const char *key)
{
    pthread_mutex_lock(&tokens->lock);
    for (struct token_key_record *record = tokens->keys, *next; record != NULL; record = next) {
        struct seat *seat = seat_of(tokens, record->token);
        next = record->next;
        if (record->kind != kind || strcmp(record->record_key, key) != 0)
            continue;
        if (seat == NULL) {
            forget_nowhere(tokens, record);
        } else if (!record->gone) {
            record->gone = true;
            seat->news = true;
            pthread_cond_signal(&seat->wake);
        }
    }
    pthread_mutex_unlock(&tokens->lock);
}

void tokens_apply(struct tokens *tokens, const struct store_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct store_change *change = &changes[i];
        if (change->kind != STORE_CERTIFICATE && change->kind != STORE_CERTIFICATE_REQUEST)
            continue;
        const struct store_record stored = {
            .kind = change->kind, .key = change->key, .value = change->value};
        drop(tokens, change->kind, change->key);
        if (!change->remove)
            put(tokens, &stored);
    }
}

/* Under the lock, which is left meanwhile. Only this thread frees records of its token. */
static void forget(const struct seat *seat, struct token_key_record *record)
{
    struct tokens *tokens = seat->tokens;
    token_keys_remove(&tokens->keys, record);
    bool kept = token_keys_hold(tokens->keys, record->key);
    pthread_mutex_unlock(&tokens->lock);
    if (!kept)
        keyholder_forget(tokens->keyholder, public_key_digest(record->key), NULL);
    token_keys_free(record);
    pthread_mutex_lock(&tokens->lock);
}

/* Under the lock, which is left meanwhile. False when the process is away: others need not be
 * tried. */
static bool tell(const struct seat *seat, struct token_key_record *record)
{
    struct tokens *tokens = seat->tokens;
    struct error err = {0};
    unsigned generation = seat->generation;
    pthread_mutex_unlock(&tokens->lock);
    bool told = keyholder_token_expect(tokens->keyholder, seat->number, record->purpose,
                                       record->uri, record->key, &err);
    if (!told)
        keyholder_token_assign(tokens->keyholder, seat->number, public_key_digest(record->key),
                               &err);
    if (!told && error_kind(&err) != ERROR_UNAVAILABLE)
        log_error(LOG_LEVEL_ERROR, &err, "a key of token %s cannot be used", seat->config->name);
    pthread_mutex_lock(&tokens->lock);
    record->told = told && generation == seat->generation;
    if (record->told && token_keys_told(tokens->keys, record->key))
        keyholder_token_assign(tokens->keyholder, seat->number, public_key_digest(record->key),
                               NULL);
    return told || error_kind(&err) != ERROR_UNAVAILABLE;
}

/* Under the lock, which is left meanwhile. */
static void tell_all(struct seat *seat)
{
    struct token_key_record *record;
    bool there = true;
    seat->round++;
    while (there && !seat->tokens->stopping) {
        record = token_keys_next(seat->tokens->keys, seat->number, seat->round);
        if (record == NULL)
            break;
        record->round = seat->round;
        if (record->gone)
            forget(seat, record);
        else
            there = tell(seat, record);
    }
}

static void log_change(const struct seat *seat, bool works, const struct error *err)
{
    if (works)
        log_write(LOG_LEVEL_NOTICE, "token %s can be used (%s)", seat->config->name, seat->label);
    else if (seat->generation > 0)
        log_error(LOG_LEVEL_ERROR, err, "token %s cannot be used", seat->config->name);
}

/* Under the lock, which is left meanwhile. */
static void look(struct seat *seat)
{
    struct error err = {0};
    _cleanup_buf_ struct buf label, details;
    buf_init(&label, LABEL_MAX - 1);
    buf_init(&details, LABEL_MAX - 1);
    pthread_mutex_unlock(&seat->tokens->lock);
    bool works =
        keyholder_token_check(seat->tokens->keyholder, seat->number, &label, &details, &err);
    pthread_mutex_lock(&seat->tokens->lock);
    bool news = !seat->looked || works != seat->works || (!works && err.code != seat->trouble.code);
    snprintf(seat->label, sizeof seat->label, "%s", works ? buf_text(&label) : "");
    snprintf(seat->details, sizeof seat->details, "%s", works ? buf_text(&details) : "");
    if (news)
        log_change(seat, works, &err);
    seat->looked = seat->generation > 0;
    seat->works = works;
    seat->trouble = err;
}

static struct timespec timespec_of(int64_t milliseconds)
{
    return (struct timespec){.tv_sec = (time_t)(milliseconds / 1000),
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
}

static void *watch(void *argument)
{
    struct seat *seat = argument;
    struct tokens *tokens = seat->tokens;
    int64_t next = 0;
    pthread_mutex_lock(&tokens->lock);
    while (!tokens->stopping) {
        if (!seat->news && clock_monotonic_ms() < next) {
            struct timespec until = timespec_of(next);
            pthread_cond_timedwait(&seat->wake, &tokens->lock, &until);
            continue;
        }
        seat->news = false;
        tell_all(seat);
        look(seat);
        next = clock_monotonic_ms() + (seat->works ? LOOK_MS : LOOK_AGAIN_MS);
    }
    pthread_mutex_unlock(&tokens->lock);
    return NULL;
}

bool tokens_start(struct tokens *tokens, struct store *store, struct error *err)
{
    if (!store_list(store, STORE_CERTIFICATE, NULL, 0, load_record, tokens, NULL, err) ||
        !store_list(store, STORE_CERTIFICATE_REQUEST, NULL, 0, load_record, tokens, NULL, err))
        return false;
    for (size_t i = 0; i < tokens->count; i++) {
        struct seat *seat = &tokens->seats[i];
        int number = pthread_create(&seat->thread, NULL, watch, seat);
        if (number != 0)
            return error_set_errno(err, &hgsd_child, number, seat->config->name,
                                   "cannot start a thread for the token");
        pthread_setname_np(seat->thread, "hgs-token");
        seat->running = true;
    }
    return true;
}

void tokens_process_started(struct tokens *tokens, const char *name, const int *channels,
                            size_t count)
{
    unsigned number = keyholder_token_named(tokens->keyholder, name);
    if (number == 0) {
        log_write(LOG_LEVEL_WARNING, "token %s is not configured any more: start hgsd again", name);
        for (size_t i = 0; i < count; i++) {
            int fd = channels[i];
            file_close(&fd);
        }
        return;
    }
    struct seat *seat = seat_of(tokens, number);
    pthread_mutex_lock(&tokens->lock);
    keyholder_token_replace(tokens->keyholder, number, channels, count);
    seat->generation++;
    seat->news = true;
    token_keys_tell_again(tokens->keys, number);
    pthread_cond_signal(&seat->wake);
    pthread_mutex_unlock(&tokens->lock);
}

/* Under the lock. */
static void describe(const struct seat *seat, struct token_queues *queues,
                     struct json_writer *writer)
{
    int64_t keys, told;
    token_keys_count(seat->tokens->keys, seat->number, &keys, &told);
    json_write_object(writer, NULL);
    json_write_text(writer, "name", seat->config->name);
    json_write_text(writer, "module", seat->config->module);
    json_write_text(writer, "uri", seat->config->uri);
    json_write_text(writer, "state", !seat->looked ? "starting" : seat->works ? "works" : "fails");
    json_write_text(writer, "label", seat->label);
    json_write_text(writer, "details", seat->details);
    json_write_integer(writer, "sessions", seat->config->sessions);
    if (queues != NULL) {
        json_write_integer(writer, "waiting", (int64_t)token_queues_length(queues, seat->number));
        json_write_integer(writer, "waiting_limit", seat->tokens->queue);
    }
    json_write_integer(writer, "keys", keys);
    json_write_integer(writer, "keys_told", told);
    if (seat->trouble.code != NULL)
        json_write_error(writer, "error", &seat->trouble);
    json_write_object_end(writer);
}

void tokens_describe(struct tokens *tokens, struct token_queues *queues, struct json_writer *writer)
{
    json_write_array(writer, "tokens");
    pthread_mutex_lock(&tokens->lock);
    for (size_t i = 0; i < tokens->count; i++)
        describe(&tokens->seats[i], queues, writer);
    pthread_mutex_unlock(&tokens->lock);
    json_write_array_end(writer);
}
