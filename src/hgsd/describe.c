/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/describe.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "hgsd/parts_private.h"
#include "process/sandbox.h"

/* The address with the port it really got ("127.0.0.1:0" became 127.0.0.1:41234). */
static void write_url(struct json_writer *writer, const struct parts *parts, const char *scheme,
                      const char *address, size_t index)
{
    char url[256];
    const char *colon = strrchr(address, ':');
    int host = colon != NULL ? (int)(colon - address) : (int)strlen(address);
    snprintf(url, sizeof url, "%s://%.*s:%u", scheme, host, address,
             http_server_port(parts->http, index));
    json_write_text(writer, NULL, url);
}

static void write_urls(struct json_writer *writer, struct parts *parts)
{
    const struct hgsd_config *config = parts->config;
    json_write_array(writer, "urls");
    if (*config->public_url != '\0')
        json_write_text(writer, NULL, config->public_url);
    pthread_mutex_lock(&parts->lock);
    for (size_t i = 0; parts->http != NULL && i < config->http.count; i++)
        write_url(writer, parts, "http", config->http.items[i], i);
    for (size_t i = 0; parts->http != NULL && i < config->https.count; i++)
        write_url(writer, parts, "https", config->https.items[i], config->http.count + i);
    pthread_mutex_unlock(&parts->lock);
    json_write_array_end(writer);
}

static void write_user(struct json_writer *writer, const char *name, const char *configured)
{
    struct passwd entry, *found = NULL;
    char space[4096];
    if (*configured == '\0' && getpwuid_r(geteuid(), &entry, space, sizeof space, &found) == 0 &&
        found != NULL)
        configured = entry.pw_name;
    json_write_text(writer, name, configured);
}

static void write_audit(struct json_writer *writer, const struct parts *parts)
{
    struct error err = {0};
    bool healthy = audit_healthy(parts->audit, &err);
    json_write_object(writer, "audit");
    json_write_bool(writer, "writable", healthy);
    json_write_integer(writer, "sequence", (int64_t)audit_sequence(parts->audit));
    json_write_array(writer, "sinks");
    for (size_t i = 0; i < parts->sinks->count; i++)
        json_write_text(writer, NULL, parts->sinks->items[i].kind->name);
    json_write_array_end(writer);
    if (!healthy)
        json_write_error(writer, "error", &err);
    json_write_object_end(writer);
}

static void write_load(struct json_writer *writer, struct parts *parts)
{
    unsigned now = 0, most = 0;
    pthread_mutex_lock(&parts->lock);
    if (parts->http != NULL)
        http_server_connections(parts->http, &now, &most);
    pthread_mutex_unlock(&parts->lock);
    json_write_object(writer, "load");
    json_write_integer(writer, "connections", now);
    json_write_integer(writer, "most_connections", most);
    json_write_object_end(writer);
}

static void write_clocks(struct json_writer *writer, const struct parts *parts)
{
    int64_t bound, tolerance;
    attestation_clock_settings(parts->attestation, &bound, &tolerance);
    node_clock_write(parts->node_clock, writer, "clock", bound, tolerance);
    attestation_host_clocks_write(attestation_clocks_of_hosts(parts->attestation), writer,
                                  "host_clocks");
}

void describe_tokens(void *context, struct json_writer *writer)
{
    struct parts *parts = context;
    pthread_mutex_lock(&parts->lock);
    tokens_describe(parts->tokens, parts->token_queues, writer);
    pthread_mutex_unlock(&parts->lock);
}

void describe_service(void *context, struct json_writer *writer)
{
    struct parts *parts = context;
    char sandbox[128], started[CLOCK_TEXT_SIZE];
    sandbox_describe(sandbox, sizeof sandbox);
    json_write_text(writer, "version", HGS_VERSION);
    json_write_text(writer, "started", clock_format(parts->started, started));
    write_urls(writer, parts);
    write_user(writer, "service_user", parts->config->user);
    write_user(writer, "keyholder_user", parts->config->keyholder_user);
    json_write_text(writer, "keyholder_folder", parts->config->keyholder_folder);
    json_write_text(writer, "key_folder", parts->config->key_folder);
    json_write_bool(writer, "keyholder_alive", keyholder_alive(parts->keyholder));
    keys_describe(parts->keys, writer);
    describe_tokens(context, writer);
    json_write_text(writer, "sandbox", sandbox);
    write_audit(writer, parts);
    write_clocks(writer, parts);
    write_load(writer, parts);
    reload_describe(parts->reload, writer);
}

void describe_node(void *context, struct json_writer *writer)
{
    const struct parts *parts = context;
    certificate_keys_describe(parts->certificate_keys, writer);
}
