/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/hgsd_errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "process/errors.h"

char *folders_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return memory_copy_text(".");
    return memory_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Without links. What does not exist yet is named as it will be; NULL where that cannot be told. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    _cleanup_free_ char *parent = folders_of(path);
    if (real != NULL || strcmp(parent, path) == 0)
        return real;
    _cleanup_free_ char *above = resolve(parent);
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (above == NULL || strcmp(name, "..") == 0) /* which leads who knows where, once it exists */
        return NULL;
    if (*name == '\0' || strcmp(name, ".") == 0)
        return memory_steal(&above);
    return memory_format("%s/%s", strcmp(above, "/") != 0 ? above : "", name);
}

bool folders_hold(const char *folder, const char *path)
{
    _cleanup_free_ char *real_path = resolve(path);
    _cleanup_free_ char *real_folder = resolve(folder);
    if (real_path == NULL || real_folder == NULL)
        return true;
    size_t length = strcmp(real_folder, "/") == 0 ? 0 : strlen(real_folder);
    return strncmp(real_path, real_folder, length) == 0 &&
           (real_path[length] == '/' || real_path[length] == '\0');
}

const char *folders_secret_in(const struct hgsd_config *config, const char *folder)
{
    const char *const places[] = {config->keyholder_folder, config->key_folder};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (*places[i] != '\0' && folders_hold(folder, places[i]))
            return places[i];
    for (size_t i = 0; i < config->tokens.count; i++) {
        const struct hgsd_token *token = hgsd_config_token(config, i);
        if (*token->pin_file != '\0' && folders_hold(folder, token->pin_file))
            return token->pin_file;
        for (size_t j = 0; j < token->write.count; j++)
            if (folders_hold(folder, token->write.items[j]))
                return token->write.items[j];
    }
    return NULL;
}

bool folders_check(const struct hgsd_config *config, struct error *err)
{
    _cleanup_free_ char *store = folders_of(config->store_path);
    const struct {
        const char *setting, *folder;
    } written[] = {{"[store] path", store}, {"[audit] folder", config->audit_folder}};
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const char *secret = folders_secret_in(config, written[i].folder);
        if (secret != NULL)
            return error_set(err, &hgsd_config_invalid, "hgsd.conf(5)", secret,
                             "it holds secrets that the service must not reach, and lies in %s, "
                             "where the service writes (%s): give that a folder of its own",
                             written[i].folder, written[i].setting);
    }
    return true;
}

/* Makes the folder and, for root, gives it to user ("" stays). */
static bool make_for(const char *path, mode_t mode, const char *user, struct error *err)
{
    bool existed = access(path, F_OK) == 0;
    if (!file_make_folder(path, mode, err))
        return false;
    if (existed || geteuid() != 0 || *user == '\0')
        return true;
    /* cppcheck-suppress getpwnamCalled ; the supervisor has no threads */
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        return error_set(err, &process_user, "hgsd.conf(5)", user, "there is no such user");
    /* The folder that was made, and not what its name may lead to by now. */
    _cleanup_fd_ int fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, entry->pw_uid, entry->pw_gid) != 0)
        return error_set_errno(err, &hgsd_state, errno, path, "cannot give the folder to %s", user);
    return true;
}

bool folders_make(const struct hgsd_config *config, struct error *err)
{
    _cleanup_free_ char *store = folders_of(config->store_path);
    _cleanup_free_ char *run = folders_of(config->admin_socket);
    return folders_check(config, err) && file_make_folder(config->state_folder, 0755, err) &&
           make_for(store, 0700, config->user, err) &&
           make_for(config->audit_folder, 0700, config->user, err) &&
           make_for(run, 0755, config->user, err) &&
           make_for(config->keyholder_folder, 0700, config->keyholder_user, err);
}
