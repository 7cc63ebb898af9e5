/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "hgsd/folders.h"

#define FILES 4
#define CHANGES_MAX 2048
#define PROBLEMS_MAX 2 /* of the configuration, of TLS */

struct reload {
    const struct hgsd_config *config;
    const char *config_path;
    const struct clock *clock;
    char *fixed[FILES];   /* the files that the sandbox leaves alone; NULL: not this one */
    pthread_mutex_t lock; /* over what follows */
    int64_t time;         /* 0: never */
    struct error problems[PROBLEMS_MAX];
    size_t problem_count;
    char changes[CHANGES_MAX + 1]; /* settings that need a restart; "": none */
};

/* Those that are not there are empty. */
static void list_files(const char *files[FILES], const struct hgsd_config *config,
                       const char *config_path)
{
    const char *const all[FILES] = {config_path != NULL ? config_path : HGSD_CONFIG_FILE,
                                    config->certificate, config->key, config->password_file};
    for (size_t i = 0; i < FILES; i++)
        files[i] = all[i];
}

/* Where they are two, the modes of its files keep the service from the keyholder's keys. */
static bool is_keyholders_user(const struct hgsd_config *config)
{
    struct stat status;
    return geteuid() == 0 || stat(config->keyholder_folder, &status) != 0 ||
           status.st_uid == geteuid();
}

static bool must_stay_closed(const struct hgsd_config *config, const char *folder)
{
    const char *secret = folders_secret_in(config, folder);
    return secret != NULL && (secret == config->keyholder_folder || is_keyholders_user(config));
}

/* The folder of a path, allocated; where that must stay closed, the path itself. */
static char *readable_for(const struct hgsd_config *config, const char *path)
{
    char *folder = folders_of(path);
    if (strcmp(folder, "/") != 0 && !must_stay_closed(config, folder))
        return folder;
    free(folder);
    return memory_copy_text(path);
}

void reload_readable_init(struct reload_readable *readable, const struct hgsd_config *config,
                          const char *config_path)
{
    const char *files[FILES];
    size_t count = 0;
    *readable = (struct reload_readable){0};
    list_files(files, config, config_path);
    for (size_t i = 0; i < FILES; i++) {
        if (*files[i] == '\0')
            continue;
        _cleanup_free_ char *real = realpath(files[i], NULL);
        readable->paths[count++] = readable_for(config, files[i]);
        if (real != NULL)
            readable->paths[count++] = readable_for(config, real);
    }
}

void reload_readable_done(struct reload_readable *readable)
{
    for (size_t i = 0; i < RELOAD_READABLE_MAX; i++)
        free(readable->paths[i]);
}

/* Whether the sandbox leaves the file alone: then another one in its place cannot be read. */
static bool is_fixed(const struct hgsd_config *config, const char *path)
{
    _cleanup_free_ char *real = realpath(path, NULL);
    if (real == NULL)
        return false;
    _cleanup_free_ char *named = readable_for(config, path);
    _cleanup_free_ char *lies = readable_for(config, real);
    return strcmp(named, path) == 0 || strcmp(lies, real) == 0;
}

struct reload *reload_new(const struct hgsd_config *config, const char *config_path,
                          const struct clock *clock)
{
    struct reload *reload = memory_allocate_zero(1, sizeof *reload);
    const char *files[FILES];
    reload->config = config;
    reload->config_path = config_path;
    reload->clock = clock;
    pthread_mutex_init(&reload->lock, NULL);
    list_files(files, config, config_path);
    for (size_t i = 0; i < FILES; i++)
        if (*files[i] != '\0' && is_fixed(config, files[i]))
            reload->fixed[i] = memory_copy_text(files[i]);
    return reload;
}

void reload_free(struct reload **reload_pointer)
{
    struct reload *reload = memory_steal(reload_pointer);
    if (reload == NULL)
        return;
    for (size_t i = 0; i < FILES; i++)
        free(reload->fixed[i]);
    pthread_mutex_destroy(&reload->lock);
    free(reload);
}

/* The sandbox is in the way: as far as owner and mode go, the file can be read. */
static bool is_shut_out(const char *path)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 && errno == EACCES && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

/* What failed with some of these files; it is the sandbox's doing when that is in the way. */
static void note(const struct reload *reload, struct error *problems, size_t *count,
                 const struct error *problem, const char *what, size_t first, size_t end)
{
    const char *files[FILES];
    struct error *it = &problems[(*count)++];
    *it = *problem;
    list_files(files, reload->config, reload->config_path);
    for (size_t i = first; i < end; i++)
        if (*files[i] != '\0' && is_shut_out(files[i]))
            error_set(it, &hgsd_file_replaced, "hgsd.conf(5)", files[i],
                      "there is another file than at the service's start, which its sandbox does "
                      "not leave it");
    log_error(LOG_LEVEL_ERROR, it, "%s", what);
    log_write(LOG_LEVEL_ERROR, "what to do: %s", it->code->remedy);
}

/* What a reload does not take. */
static void find_changes(struct buf *out, const struct hgsd_config *started,
                         const struct hgsd_config *now)
{
    for (size_t i = 0; i < hgsd_config_key_count; i++) {
        const struct config_key *key = &hgsd_config_keys[i];
        if (strcmp(key->key, "log-level") != 0 && !config_same(started, now, key))
            buf_append_format(out, "%s[%s] %s", out->size > 0 ? ", " : "", key->section, key->key);
    }
    if (!config_members_same(&started->tokens, &now->tokens, &hgsd_token_family))
        buf_append_format(out, "%s[token NAME]", out->size > 0 ? ", " : "");
}

static bool read_log_level(const struct reload *reload, struct buf *changes, struct error *err)
{
    struct hgsd_config config;
    enum log_level level;
    if (!hgsd_config_load(&config, reload->config_path, err))
        return false;
    if (log_level_parse(&level, config.log_level))
        log_set_level(level);
    find_changes(changes, reload->config, &config);
    hgsd_config_done(&config);
    if (changes->size > 0)
        log_write(LOG_LEVEL_WARNING,
                  "changed in the configuration, and not in force before hgsd "
                  "is started again: %s",
                  buf_text(changes));
    return true;
}

bool reload_run(struct reload *reload, struct http_server *http)
{
    struct error problems[PROBLEMS_MAX], err = {0};
    size_t count = 0;
    _cleanup_buf_ struct buf changes;
    buf_init(&changes, CHANGES_MAX);
    if (!read_log_level(reload, &changes, &err))
        note(reload, problems, &count, &err, "the configuration is not reloaded", 0, 1);
    if (http != NULL && !http_server_reload_tls(http, &err))
        note(reload, problems, &count, &err,
             "the TLS certificate is not reloaded; the old one stays", 1, FILES);
    if (count == 0)
        log_write(LOG_LEVEL_NOTICE, "configuration reloaded");
    pthread_mutex_lock(&reload->lock);
    reload->time = clock_now(reload->clock);
    memcpy(reload->problems, problems, count * sizeof *problems);
    reload->problem_count = count;
    snprintf(reload->changes, sizeof reload->changes, "%s", buf_text(&changes));
    pthread_mutex_unlock(&reload->lock);
    return count == 0;
}

bool reload_problem(struct reload *reload, struct error *out)
{
    pthread_mutex_lock(&reload->lock);
    bool failed = reload->problem_count > 0;
    if (failed)
        *out = reload->problems[reload->problem_count - 1];
    pthread_mutex_unlock(&reload->lock);
    return failed;
}

void reload_describe(struct reload *reload, struct json_writer *writer)
{
    char time[CLOCK_TEXT_SIZE];
    json_write_object(writer, "reload");
    json_write_array(writer, "fixed");
    for (size_t i = 0; i < FILES; i++)
        if (reload->fixed[i] != NULL)
            json_write_text(writer, NULL, reload->fixed[i]);
    json_write_array_end(writer);
    pthread_mutex_lock(&reload->lock);
    if (reload->time != 0) {
        json_write_text(writer, "time", clock_format(reload->time, time));
        json_write_bool(writer, "ok", reload->problem_count == 0);
        json_write_text(writer, "restart_for", reload->changes);
        json_write_array(writer, "errors");
        for (size_t i = 0; i < reload->problem_count; i++)
            json_write_error(writer, NULL, &reload->problems[i]);
        json_write_array_end(writer);
    }
    pthread_mutex_unlock(&reload->lock);
    json_write_object_end(writer);
}
