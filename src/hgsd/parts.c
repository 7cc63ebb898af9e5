/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "admin/server.h"
#include "attestation/service.h"
#include "audit/audit.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"
#include "hgsd/describe.h"
#include "hgsd/keys.h"
#include "hgsd/parts_private.h"
#include "hgsd/routes.h"
#include "keyprotection/service.h"

/* A stop takes no longer for those who wait for a keyholder; the supervisor waits a little longer.
 */
#define WAITS_MS 3000
#define LAST_CALL_MS 1000 /* of a keyholder, when the service ends */

static bool concerns_tick(const struct store_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_SETTING || changes[i].kind == STORE_ATTESTATION_SIGNER)
            return true;
    return false;
}

/* The store's watch: every part takes what concerns it, then those who wait for the revision go on.
 */
static void apply(void *context, const struct store_change *changes, size_t count, int64_t revision)
{
    struct parts *parts = context;
    if (changes == NULL) {
        /* Only another process that wrote to our database can do this: the supervisor starts us
         * anew, from what is there now. */
        log_write(LOG_LEVEL_ERROR, "the store's history is lost; the service starts again");
        _exit(1);
    }
    bool loaded = keys_apply(parts->keys, changes, count);
    tokens_apply(parts->tokens, changes, count); /* says of which token a certificate's key is */
    certificate_keys_apply(parts->certificate_keys, changes, count);
    attestation_apply(parts->attestation, changes, count);
    keyprotection_apply(parts->keyprotection, changes, count);
    parts_audit_apply(parts, changes, count);
    if (!loaded)
        parts_load_keys_again(parts);
    if (!loaded || concerns_tick(changes, count))
        parts_wake(parts);
    pthread_mutex_lock(&parts->lock);
    parts->revision = revision;
    pthread_cond_broadcast(&parts->applied);
    pthread_mutex_unlock(&parts->lock);
}

/* Called by the administration's threads. */
static bool wait_applied(void *context, int64_t revision, int64_t milliseconds)
{
    struct parts *parts = context;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int rc = 0;
    pthread_mutex_lock(&parts->lock);
    while (parts->revision < revision && rc == 0)
        rc = pthread_cond_timedwait(&parts->applied, &parts->lock, &until);
    bool reached = parts->revision >= revision;
    pthread_mutex_unlock(&parts->lock);
    return reached;
}

/* Called by the trail's threads. */
static void log_audit_trouble(void *context, const struct error *err)
{
    (void)context;
    if (err != NULL)
        log_error(LOG_LEVEL_ERROR, err, "the audit trail takes no records, and no key is released");
    else
        log_write(LOG_LEVEL_NOTICE, "the audit trail takes records again");
}

static bool start_memory(struct parts *parts, struct error *err)
{
    const struct hgsd_config *config = parts->config;
    struct audit_options audit = {.folder = config->audit_folder,
                                  .node = config->node,
                                  .rotate_size = config->audit_rotate,
                                  .retain_files = config->audit_retain,
                                  .checkpoint_every = config->audit_checkpoint,
                                  .refusals = config->audit_refusals,
                                  .clock = &parts->clock,
                                  .sinks = parts->sinks,
                                  .trouble = log_audit_trouble};
    if (!store_open_sqlite(&parts->store, config->store_path, err))
        return false;
    audit.store = parts->store;
    if (!audit_start(&parts->audit, &audit, err))
        return false;
    parts->node_clock = node_clock_new(&parts->clock, audit_time_before(parts->audit));
    return true;
}

static bool name_host(void *context, const char *identity, char name[KEYPROTECTION_NAME_SIZE])
{
    static const enum attestation_mode modes[] = {ATTESTATION_MODE_HOST_KEY, ATTESTATION_MODE_TPM};
    const struct parts *parts = context;
    _cleanup_buf_ struct buf id;
    buf_init(&id, ATTESTATION_HOST_ID_SIZE);
    if (!hex_parse(&id, slice_from_text(identity), NULL) || id.size != ATTESTATION_HOST_ID_SIZE)
        return false;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (attestation_host_find(parts->attestation, modes[i], id.data, name))
            return true;
    return false;
}

static bool hand_over(void *context, unsigned token, void (*go_on)(void *work), void *work)
{
    const struct parts *parts = context;
    return token_queues_put(parts->token_queues, token, go_on, work);
}

/* The revision is read first: what changes while the services load themselves is delivered by the
 * watch once more. */
static bool start_services(struct parts *parts, struct error *err)
{
    struct attestation_options attestation = {.store = parts->store,
                                              .keyholder = parts->keyholder,
                                              .audit = parts->audit,
                                              .clock = &parts->clock,
                                              .node = parts->config->node,
                                              .signer_made = parts_signer_made,
                                              .host_clock_changed = parts_host_clock_changed,
                                              .context = parts};
    struct keyprotection_options keyprotection = {.store = parts->store,
                                                  .keyholder = parts->keyholder,
                                                  .audit = parts->audit,
                                                  .clock = &parts->clock,
                                                  .node = parts->config->node,
                                                  .name_host = name_host,
                                                  .host_clock = parts_host_clock,
                                                  .hand_over = hand_over,
                                                  .context = parts};
    int64_t revision = 0;
    return store_revision(parts->store, &parts->revision, err) &&
           tokens_start(parts->tokens, parts->store, err) &&
           attestation_service_new(&parts->attestation, &attestation, &revision, err) &&
           keyprotection_service_new(&parts->keyprotection, &keyprotection, err) &&
           store_watch_start(&parts->watch, parts->store, parts->revision, apply, parts, err);
}

static bool start_http(struct parts *parts, struct error *err)
{
    const struct hgsd_config *config = parts->config;
    struct routes_options routes = {.attestation = parts->attestation,
                                    .keyprotection = parts->keyprotection,
                                    .clock = &parts->clock,
                                    .audit = parts->audit,
                                    .attestation_workers = (size_t)config->attestation_workers,
                                    .release_workers = (size_t)config->release_workers,
                                    .queue_limit = (size_t)config->queue,
                                    .attestation_body = (size_t)config->attestation_body,
                                    .key_protection_body = (size_t)config->key_protection_body};
    struct token_queues *token_queues = token_queues_new(config, parts->audit);
    struct http_server *http = NULL;
    pthread_mutex_lock(&parts->lock);
    parts->token_queues = token_queues;
    pthread_mutex_unlock(&parts->lock);
    parts->routes = routes_new(&routes);
    if (parts->routes == NULL || parts->token_queues == NULL)
        return error_set(err, &hgsd_child, NULL, "service", "cannot start the worker threads");
    struct http_server_options options = {
        .http_addresses = (const char *const *)config->http.items,
        .https_addresses = (const char *const *)config->https.items,
        .certificate_file = config->certificate,
        .key_file = *config->key != '\0' ? config->key : NULL,
        .password_file = *config->password_file != '\0' ? config->password_file : NULL,
        .header_limit = (size_t)config->head,
        .connection_limit = (unsigned)config->connections,
        .idle_ms = config->idle_ms,
        .clock = &parts->clock,
        .request_ms = config->request_ms,
        .limit = routes_limit,
        .handle = routes_handle,
        .refused = routes_refused,
        .context = parts->routes};
    if (!http_server_start(&http, &options, err))
        return false;
    pthread_mutex_lock(&parts->lock);
    parts->http = http;
    pthread_mutex_unlock(&parts->lock);
    return true;
}

static int64_t clock_offset(void *context)
{
    const struct parts *parts = context;
    return node_clock_offset(parts->node_clock);
}

static bool token_for(void *context, const char *key_uri, unsigned *token, struct error *err)
{
    const struct parts *parts = context;
    return tokens_for(parts->tokens, key_uri, token, err);
}

static bool find_reload_problem(void *context, struct error *out)
{
    const struct parts *parts = context;
    return reload_problem(parts->reload, out);
}

/* Nobody was answered there yet. */
static void drop_listener(struct parts *parts)
{
    if (parts->listener < 0)
        return;
    unlink(parts->config->admin_socket);
    file_close(&parts->listener);
}

static bool start_admin(struct parts *parts, struct error *err)
{
    const struct hgsd_config *config = parts->config;
    parts->services = (struct admin_services){.store = parts->store,
                                              .keyholder = parts->keyholder,
                                              .audit = parts->audit,
                                              .clock = &parts->clock,
                                              .attestation = parts->attestation,
                                              .keyprotection = parts->keyprotection,
                                              .node = config->node,
                                              .audit_folder = config->audit_folder,
                                              .context = parts,
                                              .wait_applied = wait_applied,
                                              .clock_offset = clock_offset,
                                              .describe = describe_service,
                                              .describe_tokens = describe_tokens,
                                              .token_for = token_for,
                                              .reload_problem = find_reload_problem,
                                              .describe_node = describe_node,
                                              .keyholder_user = config->keyholder_user,
                                              .key_folder = config->key_folder};
    struct admin_server_options options = {.path = config->admin_socket,
                                           .listener = parts->listener,
                                           .administrators = config->administrators,
                                           .reviewers = config->reviewers,
                                           .services = &parts->services};
    parts->listener = -1;
    return admin_server_start(&parts->admin, &options, err);
}

static struct parts *allocate(const struct hgsd_config *config)
{
    struct parts *parts = memory_allocate_zero(1, sizeof *parts);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&parts->applied, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&parts->lock, NULL);
    clock_init(&parts->clock);
    parts->config = config;
    parts->started = clock_now(&parts->clock);
    return parts;
}

bool parts_start(struct parts **out, const struct hgsd_config *config, const char *config_path,
                 const struct audit_sinks *sinks, int control, int listener,
                 const struct supervisor_channels *channels, struct error *err)
{
    struct parts *parts = allocate(config);
    parts->sinks = sinks;
    parts->reload = reload_new(config, config_path, &parts->clock);
    parts->control = control;
    parts->listener = listener;
    bool token = channels->token[0] != '\0';
    parts->keyholder = keyholder_new(channels->fds, token ? 0 : channels->count);
    keyholder_set_deadline(parts->keyholder, config->keyholder_timeout_ms);
    parts->tokens = tokens_new(parts->keyholder, config, control);
    parts_watch_keyholder(parts);
    if (token)
        parts_keyholder_started(parts, channels);
    bool ok = start_memory(parts, err);
    if (ok) {
        parts->keys = keys_new(parts->store, parts->keyholder);
        parts->certificate_keys =
            certificate_keys_new(parts->store, parts->keyholder, parts->audit);
        ok = start_services(parts, err);
    }
    ok = ok && parts_start_upkeep(parts, err) && start_admin(parts, err) && start_http(parts, err);
    if (!ok) {
        parts_stop(&parts);
        return false;
    }
    *out = parts;
    return true;
}

/*
 * Who waits for a keyholder yet may do so for a moment; then nobody does, however stuck it is.
 * Where nobody has to be freed from it, that of software keys stays: it signs the audit trail's
 * last checkpoint, and has a moment for that, too. in_time: all requests were answered.
 */
static void end_waits(struct parts *parts, bool in_time)
{
    int64_t until = clock_monotonic_ms() + WAITS_MS;
    bool idle = parts->upkeep == NULL || upkeep_close(parts->upkeep, WAITS_MS);
    if (parts->admin != NULL)
        idle = admin_server_close(parts->admin, until - clock_monotonic_ms()) && idle;
    keyholder_set_deadline(parts->keyholder, LAST_CALL_MS);
    if (!in_time || !idle || !keyholder_alive(parts->keyholder))
        keyholder_replace(parts->keyholder, NULL, 0);
    tokens_stop(parts->tokens);
}

/* Administrators may be looking at them. */
static void stop_http(struct parts *parts)
{
    pthread_mutex_lock(&parts->lock);
    struct http_server *http = memory_steal(&parts->http);
    pthread_mutex_unlock(&parts->lock);
    int64_t until = clock_monotonic_ms() + parts->config->shutdown_ms;
    http_server_stop(&http, parts->config->shutdown_ms);
    end_waits(parts, clock_monotonic_ms() < until);
    routes_free(&parts->routes);
    if (parts->token_queues != NULL)
        token_queues_stop(parts->token_queues);
    pthread_mutex_lock(&parts->lock);
    struct token_queues *token_queues = memory_steal(&parts->token_queues);
    pthread_mutex_unlock(&parts->lock);
    token_queues_free(&token_queues);
}

/* In reverse: nobody new comes in, who is in is answered, then what they stood on goes. */
void parts_stop(struct parts **parts_pointer)
{
    struct parts *parts = memory_steal(parts_pointer);
    if (parts == NULL)
        return;
    stop_http(parts);
    admin_server_stop(&parts->admin);
    drop_listener(parts);
    store_watch_stop(&parts->watch);
    upkeep_free(&parts->upkeep); /* the watch woke it */
    audit_stop(&parts->audit);
    keyprotection_service_free(&parts->keyprotection);
    attestation_service_free(&parts->attestation);
    certificate_keys_free(&parts->certificate_keys);
    keys_free(&parts->keys);
    tokens_free(&parts->tokens);
    store_close(&parts->store);
    keyholder_free(&parts->keyholder);
    node_clock_free(&parts->node_clock);
    reload_free(&parts->reload);
    pthread_cond_destroy(&parts->applied);
    pthread_mutex_destroy(&parts->lock);
    free(parts);
}

void parts_keyholder_started(struct parts *parts, const struct supervisor_channels *channels)
{
    if (channels->token[0] != '\0') {
        tokens_process_started(parts->tokens, channels->token, channels->fds, channels->count);
        return;
    }
    parts_replace_keyholder(parts, channels);
    parts_wake(parts);
}

void parts_clock_set(struct parts *parts)
{
    parts_wake(parts);
}

bool parts_move(struct parts *parts)
{
    bool http = http_server_moves(parts->http, &parts->marks.http);
    bool routes = routes_move(parts->routes, parts->marks.routes);
    bool audit = audit_moves(parts->audit, &parts->marks.audit);
    return http && routes && audit && upkeep_moves(parts->upkeep);
}

void parts_reload(struct parts *parts)
{
    parts_wake(parts); /* files of keys may have been mended */
    reload_run(parts->reload, parts->config->https.count > 0 ? parts->http : NULL);
}
