/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/keyholders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "hgsd/folders.h"
#include "hgsd/supervisor.h"
#include "keyholder/process.h"
#include "keyholder/process_token.h"
#include "process/sandbox.h"

static bool take_channels(int channels[SUPERVISOR_CHANNELS_MAX], int count)
{
    for (int i = 0; i < count && i < SUPERVISOR_CHANNELS_MAX; i++)
        channels[i] = SUPERVISOR_CHILD_FD + i;
    return count >= 1 && count <= SUPERVISOR_CHANNELS_MAX;
}

int keyholders_run(const struct hgsd_config *config, int count)
{
    struct error err = {0};
    int channels[SUPERVISOR_CHANNELS_MAX];
    log_init("hgsd: keyholder", LOG_LEVEL_NOTICE);
    if (!take_channels(channels, count))
        return 2;
    const char *user = *config->keyholder_user != '\0' ? config->keyholder_user : NULL;
    struct keyholder_process_options options = {.folder = config->keyholder_folder,
                                                .channels = channels,
                                                .channel_count = count,
                                                .sandbox = true};
    if (*config->key_folder != '\0')
        options.key_folder = config->key_folder;
    if (sandbox_drop_user(user, 0, &err) && keyholder_process_run(&options, &err))
        return 0;
    log_error(LOG_LEVEL_ERROR, &err, "the keyholder cannot work");
    return 1;
}

static const struct hgsd_token *find_token(const struct hgsd_config *config, const char *name)
{
    for (size_t i = 0; i < config->tokens.count; i++)
        if (strcmp(hgsd_config_token(config, i)->name, name) == 0)
            return hgsd_config_token(config, i);
    return NULL;
}

/* Before the first thread. */
static void set_environment(const struct hgsd_token *token)
{
    for (size_t i = 0; i < token->environment.count; i++) {
        char *text = token->environment.items[i], *equals = strchr(text, '=');
        if (equals == NULL)
            continue; /* which hgsd.conf is not allowed to say */
        *equals = '\0';
        setenv(text, equals + 1, 1);
        *equals = '=';
    }
}

/* A token whose PIN cannot be read is served without one: it says so itself, and an administrator
 * can give it. */
static void read_pin(struct secret *pin, const struct hgsd_token *token, const char *user)
{
    struct error err = {0};
    if (!hgsd_token_read_pin(pin, token, user, &err))
        log_error(LOG_LEVEL_ERROR, &err, "no PIN; hgsctl token unlock %s gives one", token->name);
}

static bool serve(const struct hgsd_token *token, const struct secret *pin,
                  struct refused_pins *refused_pins, const int *channels, int count,
                  struct error *err)
{
    _cleanup_free_ char *folder = folders_of(token->module);
    _cleanup_free_ const char **readable =
        memory_allocate_zero(token->read.count + 2, sizeof *readable);
    size_t next = 0;
    readable[next++] = folder; /* the libraries beside it are its own */
    for (size_t i = 0; i < token->read.count; i++)
        readable[next++] = token->read.items[i];
    const struct sandbox_token_reach reach = {.writable = (const char *const *)token->write.items,
                                              .readable = readable,
                                              .network = token->network};
    const struct token_options options = {.module = token->module,
                                          .uri = token->uri,
                                          .workers = (unsigned)token->sessions,
                                          .raw_rsa = token->raw_rsa,
                                          .refused_pins = refused_pins};
    const struct keyholder_token_process_options process = {.token = &options,
                                                            .pin = pin,
                                                            .reach = &reach,
                                                            .channels = channels,
                                                            .channel_count = count,
                                                            .sandbox = true};
    return keyholder_token_process_run(&process, err);
}

int keyholders_run_token(const struct hgsd_config *config, const char *name, int descriptors)
{
    struct error err = {0};
    struct refused_pins *refused_pins = NULL;
    int count = descriptors - 1; /* the last is that list */
    int channels[SUPERVISOR_CHANNELS_MAX];
    char log_name[64];
    snprintf(log_name, sizeof log_name, "hgsd: token %s", name);
    log_init(log_name, LOG_LEVEL_NOTICE);
    const struct hgsd_token *token = find_token(config, name);
    if (token == NULL || !take_channels(channels, count)) {
        log_write(LOG_LEVEL_ERROR, "hgsd.conf has no such token any more: start hgsd again");
        return 2;
    }
    const char *user = *token->user != '\0' ? token->user : config->keyholder_user;
    _cleanup_secret_ struct secret pin = SECRET_EMPTY;
    if (sandbox_undumpable(&err) &&
        refused_pins_open(&refused_pins, SUPERVISOR_CHILD_FD + count, &err) &&
        hgsd_token_check_reach(token, config->keyholder_folder, config->key_folder, &err)) {
        read_pin(&pin, token, user);
        set_environment(token);
        if (sandbox_drop_user(*user != '\0' ? user : NULL, 0, &err) && sandbox_undumpable(&err) &&
            serve(token, &pin, refused_pins, channels, count, &err)) {
            refused_pins_free(&refused_pins);
            return 0;
        }
    }
    log_error(LOG_LEVEL_ERROR, &err, "the token's process cannot work");
    refused_pins_free(&refused_pins);
    return 1;
}
